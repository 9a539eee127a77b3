/*
 * base/heap.c: the root is the smallest key, whatever was put in and taken out.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/heap.h"
#include "support/clean.h"

/* Take everything out and see that it comes in order.  Returns how many. */
static size_t drain(struct heap *heap)
{
	uint64_t last = 0;
	size_t n = 0;

	while (heap->root) {
		struct heap_node *first = heap->root;

		cr_assert(ge(u64, first->key, last));
		last = first->key;
		heap_remove(heap, first);
		cr_assert(not(first->linked));
		n++;
	}
	return n;
}

Test(heap, of_one_gives_it_back)
{
	struct heap heap = { 0 };
	struct heap_node node = { 0 };

	heap_insert(&heap, &node, 7);

	cr_assert(heap.root == &node);
	cr_assert(node.linked);
	cr_assert(eq(u64, node.key, 7));
	heap_remove(&heap, &node);
	cr_assert(heap.root == NULL);
}

Test(heap, gives_keys_in_order_of_size)
{
	static const uint64_t keys[] = { 5, 3, UINT64_MAX, 9, 0, 3, 12, 1, 3 };
	struct heap_node nodes[sizeof(keys) / sizeof(keys[0])] = { 0 };
	struct heap heap = { 0 };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		heap_insert(&heap, &nodes[i], keys[i]);

	cr_assert(eq(sz, drain(&heap), sizeof(keys) / sizeof(keys[0])));
}

Test(heap, lets_a_removed_node_be_inserted_again)
{
	struct heap_node nodes[3] = { 0 };
	struct heap heap = { 0 };

	for (size_t i = 0; i < 3; i++)
		heap_insert(&heap, &nodes[i], i);
	heap_remove(&heap, &nodes[0]);
	heap_insert(&heap, &nodes[0], 10);

	cr_assert(heap.root == &nodes[1]);
	cr_assert(eq(sz, drain(&heap), 3));
}

/* In each of 40 heaps, another node is removed first. */
Test(heap, loses_any_node_and_no_other)
{
	enum { NODES = 40 };

	for (size_t victim = 0; victim < NODES; victim++) {
		struct heap_node nodes[NODES + 1] = { 0 };
		struct heap heap = { 0 };

		for (size_t i = 0; i < NODES; i++)
			heap_insert(&heap, &nodes[i], i * 17 % NODES);
		/* Removing the root gives the rest a shape deeper than one level. */
		heap_insert(&heap, &nodes[NODES], 0);
		heap_remove(&heap, heap.root);
		if (!nodes[victim].linked)
			continue;
		heap_remove(&heap, &nodes[victim]);

		cr_assert(eq(sz, drain(&heap), NODES - 1));
	}
}

/* Against a plain search through all nodes, with many equal keys. */
Test(heap, agrees_with_a_search_through_a_long_random_run)
{
	enum { NODES = 300 };
	static struct heap_node nodes[NODES];
	struct heap heap = { 0 };

	srand(2);
	for (int round = 0; round < 20000; round++) {
		struct heap_node *node = &nodes[rand() % NODES];
		uint64_t smallest = UINT64_MAX;
		bool any = false;

		if (node->linked)
			heap_remove(&heap, node);
		else
			heap_insert(&heap, node, (uint64_t)(rand() % 100));
		for (size_t i = 0; i < NODES; i++) {
			if (!nodes[i].linked)
				continue;
			any = true;
			if (nodes[i].key < smallest)
				smallest = nodes[i].key;
		}
		if (any != (heap.root != NULL) || (any && heap.root->key != smallest))
			cr_fatal("wrong root in round %d", round);
	}
	drain(&heap);
}

/* A heap filled in rising order is one node with all others below it. */
CLEAN_TEST(heap, of_a_million_needs_no_deep_stack)
{
	enum { NODES = 1000000 };
	struct heap_node *nodes = mem_zalloc(NODES * sizeof(*nodes));
	struct heap heap = { 0 };

	cr_assert(nodes != NULL);
	for (size_t i = 0; i < NODES; i++)
		heap_insert(&heap, &nodes[i], i);
	for (size_t i = 0; i < NODES; i++)
		heap_remove(&heap, &nodes[i]);

	cr_assert(heap.root == NULL);
	mem_free(nodes);
}
