/*
 * Bytes in which no two places look alike: a byte that is lost, doubled or moved
 * shows.  Written by flood.c, expected by the tests that run it.
 */
#ifndef PROGRAMS_PATTERN_H
#define PROGRAMS_PATTERN_H

#include <stdint.h>
#include <string.h>

#define PATTERN_WORD 8u

/* The bytes from @place on of the stream of @seed; both are multiples of a word. */
static inline void pattern_fill(unsigned char *bytes, size_t size, uint64_t seed,
				uint64_t place)
{
	for (size_t i = 0; i + PATTERN_WORD <= size; i += PATTERN_WORD) {
		uint64_t word = (seed << 32) + (place + i) / PATTERN_WORD;

		word *= UINT64_C(0x9e3779b97f4a7c15);
		word ^= word >> 29;
		memcpy(bytes + i, &word, PATTERN_WORD);
	}
}

#endif
