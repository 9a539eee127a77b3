/*
 * A min-heap of 64-bit keys whose nodes live in the objects they belong to: a
 * pairing heap, so that inserting allocates nothing and so cannot fail.
 * (Fredman, Sedgewick, Sleator, Tarjan: The pairing heap, Algorithmica 1, 1986.)
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct heap_node {
	uint64_t key;
	struct heap_node *child,
		*sibling;	/* first child; next child of the same parent */
	struct heap_node *back; /* parent of a first child, else the sibling before */
	bool linked;
};

struct heap {
	struct heap_node *root; /* the smallest key, or NULL */
};

void heap_insert(struct heap *heap, struct heap_node *node, uint64_t key);
void heap_remove(struct heap *heap, struct heap_node *node); /* must be in it */

#endif
