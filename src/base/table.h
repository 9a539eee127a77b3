/*
 * A hash table from 32-bit numbers to pointers, for ids that the other side
 * of a connection chose.  Open addressing; grows, and shrinks never.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table {
	struct table_slot *slots; /* NULL until the first insert */
	size_t capacity;	  /* a power of two, or 0 */
	size_t count;		  /* live entries */
};

void table_init(struct table *table);
void table_done(struct table *table); /* frees the slots, not what they point to */

/* Returns the pointer stored for @key, or NULL. */
void *table_get(const struct table *table, uint32_t key);

/* Store @value, not NULL.  Returns 0, -EEXIST or -ENOMEM. */
int table_put(struct table *table, uint32_t key, void *value);

/* Forget @key.  Returns what was stored, or NULL. */
void *table_remove(struct table *table, uint32_t key);

#endif
