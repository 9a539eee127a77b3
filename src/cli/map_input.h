/*
 * The input of `uringspawn map`, cut into items, and the items into jobs.
 *
 * It never waits: what is not there yet is -EAGAIN, and its descriptor polls readable
 * when there is more.  It runs nothing.
 */
#ifndef CLI_MAP_INPUT_H
#define CLI_MAP_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "cli/map_options.h"

/* What a job gets: @n strings, one behind the other, each with its NUL; or, @n is 0, a
 * block for its stdin. */
struct map_items {
	char *bytes; /* free with mem_free() */
	size_t size, n;
};

struct map_input {
	int fd;
	bool ended;    /* nothing more can be read */
	char **values; /* the next one; in place of a descriptor */
	enum map_split split;
	bool whole_lines;   /* MAP_WORDS: only a newline ends one */
	size_t items_max;   /* of one job */
	size_t block_bytes; /* not 0: jobs get blocks of whole lines */
	size_t bytes_max;   /* of a job with more than one item */

	struct buf raw;	     /* read, not yet part of an item */
	size_t scanned;	     /* of it: no end of an item is there */
	struct buf gathered; /* for the next job: @n whole items, perhaps part of one */
	size_t n;
	size_t last;  /* where the last whole one begins */
	size_t begin; /* where the one that is not whole does */
	size_t told;  /* items so far, for messages */

	/* MAP_WORDS, within an item */
	char quote;
	bool escaped, begun;
};

/* @bytes_max: as in struct map_input.  Returns 0, or -errno: what is wrong was said. */
int map_input_open(const struct map_options *options, size_t bytes_max,
		   struct map_input *ret_input);
void map_input_close(struct map_input *input);

/*
 * What the next job gets.  Returns 0; -EAGAIN: map_input_read() first; -ENODATA: that
 * was all; other: what is wrong was said.
 */
int map_input_next(struct map_input *input, struct map_items *ret_items);

/* Read once.  Returns 0, or -errno: what is wrong was said. */
int map_input_read(struct map_input *input);

#endif
