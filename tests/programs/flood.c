/*
 * Writes BYTES bytes of the pattern of SEED to descriptor FD, in pieces of many
 * lengths:  flood BYTES SEED FD [EXIT-CODE]
 */
#include <stdlib.h>
#include <unistd.h>

#include "pattern.h"

enum { BLOCK = 64 << 10 };

/* All of it; pieces that are no power of two, so that reads end anywhere. */
static int put(int fd, const unsigned char *bytes, size_t size, size_t piece)
{
	while (size > 0) {
		ssize_t n = write(fd, bytes, size < piece ? size : piece);

		if (n < 0)
			return -1;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static unsigned char block[BLOCK];
	uint64_t left, seed, place = 0;

	if (argc < 4)
		return 125;
	left = strtoull(argv[1], NULL, 10);
	seed = strtoull(argv[2], NULL, 10);
	while (left > 0) {
		size_t size = left < BLOCK ? (size_t)left : BLOCK;

		/* Whole words: the last of them is cut. */
		pattern_fill(block,
			     (size + PATTERN_WORD - 1) / PATTERN_WORD * PATTERN_WORD,
			     seed, place);
		if (put(atoi(argv[3]), block, size, 3000 + seed % 61441))
			return 124;
		place += size;
		left -= size;
	}
	return argc > 4 ? atoi(argv[4]) : 0;
}
