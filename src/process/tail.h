/*
 * The last bytes of a stream that says more than it may: a ring of a fixed size, whose
 * memory is had when the first byte is kept.
 */
#ifndef PROCESS_TAIL_H
#define PROCESS_TAIL_H

#include <stddef.h>
#include <stdint.h>

struct tail {
	uint8_t *bytes; /* NULL: nothing was kept yet */
	size_t max;	/* 0: nothing is kept */
	size_t start, size;
};

void tail_init(struct tail *t, size_t max);
void tail_done(struct tail *t);

/*
 * Keep the end of @data, and of what was kept before as much as there is room for.
 * Returns how many bytes of both were given up; all of @data when there is no memory.
 */
size_t tail_keep(struct tail *t, const void *data, size_t size);

/*
 * Take the earliest of the bytes that are there, at most @max: they lie at the result,
 * *ret_size of them, until more is kept.  There may be more behind them.
 */
const void *tail_take(struct tail *t, size_t max, size_t *ret_size);

#endif
