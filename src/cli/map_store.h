/*
 * Output that cannot be printed yet: the last of it in memory, what is before in a file
 * that all jobs share and that has no name.
 */
#ifndef CLI_MAP_STORE_H
#define CLI_MAP_STORE_H

#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

struct map_spill {
	int fd; /* -1: not needed so far */
	uint64_t end;
	uint64_t used; /* bytes that somebody still needs; 0: it begins anew */
};

struct map_store {
	struct buf tail;
	struct map_extent *extents; /* of the spill, before the tail */
	size_t n, capacity;
};

void map_spill_init(struct map_spill *spill);
void map_spill_done(struct map_spill *spill);

void map_store_init(struct map_store *store);

/* Returns 0, -ENOMEM, or what the file's directory says: -ENOSPC, -EACCES, ... */
int map_store_add(struct map_store *store, struct map_spill *spill, const void *data,
		  size_t size);

/* Told the bytes, piece by piece and in order, until it does not return 0. */
typedef int map_store_fn(void *user, const void *data, size_t size);

/* Returns 0, what @fn returned, or -errno of the file. */
int map_store_each(const struct map_store *store, const struct map_spill *spill,
		   map_store_fn *fn, void *user);

/* Forget it all. */
void map_store_clear(struct map_store *store, struct map_spill *spill);

#endif
