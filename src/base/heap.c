/*
 * A pairing heap.  Two heaps are merged by making the root with the larger key
 * the first child of the other; removing the root merges its children in pairs
 * from left to right, and the pairs from right to left.  Nothing recurses, so
 * a heap of any size needs the same stack.
 */
#include "base/heap.h"

#include <assert.h>
#include <stddef.h>

static struct heap_node *merge(struct heap_node *a, struct heap_node *b)
{
	if (b->key < a->key) {
		struct heap_node *smaller = b;

		b = a;
		a = smaller;
	}
	b->back = a;
	b->sibling = a->child;
	if (a->child)
		a->child->back = b;
	a->child = b;
	return a;
}

/* Take @node out of the children that it is among. */
static void cut(struct heap_node *node)
{
	if (node->back->child == node)
		node->back->child = node->sibling;
	else
		node->back->sibling = node->sibling;
	if (node->sibling)
		node->sibling->back = node->back;
	node->sibling = node->back = NULL;
}

/* Merge a list of siblings to one heap; NULL for none. */
static struct heap_node *merge_siblings(struct heap_node *first)
{
	struct heap_node *pairs = NULL, *root;

	while (first) {
		struct heap_node *a = first, *b = a->sibling;

		first = b ? b->sibling : NULL;
		a->sibling = a->back = NULL;
		if (b) {
			b->sibling = b->back = NULL;
			a = merge(a, b);
		}
		a->sibling = pairs;
		pairs = a;
	}
	root = pairs;
	if (root) {
		pairs = root->sibling;
		root->sibling = NULL;
	}
	while (root && pairs) {
		struct heap_node *next = pairs->sibling;

		pairs->sibling = NULL;
		root = merge(root, pairs);
		pairs = next;
	}
	return root;
}

void heap_insert(struct heap *heap, struct heap_node *node, uint64_t key)
{
	assert(!node->linked);
	*node = (struct heap_node){ .key = key, .linked = true };
	heap->root = heap->root ? merge(heap->root, node) : node;
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
	struct heap_node *children;

	assert(node->linked);
	children = merge_siblings(node->child);
	if (heap->root == node) {
		heap->root = children;
	} else {
		cut(node);
		if (children)
			heap->root = merge(heap->root, children);
	}
	*node = (struct heap_node){ .key = node->key };
}
