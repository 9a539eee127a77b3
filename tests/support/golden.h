/*
 * Golden frames: files whose bytes were written by hand from the protocol, not
 * by the encoder.  Tests run from the top of the source tree.
 */
#ifndef SUPPORT_GOLDEN_H
#define SUPPORT_GOLDEN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct golden {
	uint8_t bytes[4096];
	size_t size; /* 0: there is no such file */
};

/* @name as in docs/PROTOCOL.md: "run.bin". */
static inline struct golden golden_read(const char *name)
{
	struct golden golden = { .size = 0 };
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "tests/fuzz/corpus/frame/%s", name);
	file = fopen(path, "rbe");
	if (!file)
		return golden;
	golden.size = fread(golden.bytes, 1, sizeof(golden.bytes), file);
	fclose(file);
	return golden;
}

#endif
