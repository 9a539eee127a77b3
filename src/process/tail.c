/*
 * The last bytes of a stream that says more than it may.
 */
#include "process/tail.h"

#include <string.h>
#include "base/alloc.h"

void tail_init(struct tail *t, size_t max)
{
	*t = (struct tail){ .max = max };
}

void tail_done(struct tail *t)
{
	mem_free(t->bytes);
	*t = (struct tail){ 0 };
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* @size fits behind what is kept; it may go over the end of the memory. */
static void append(struct tail *t, const uint8_t *data, size_t size)
{
	size_t at = (t->start + t->size) % t->max;
	size_t first = least(size, t->max - at);

	memcpy(t->bytes + at, data, first);
	memcpy(t->bytes, data + first, size - first);
	t->size += size;
}

size_t tail_keep(struct tail *t, const void *data, size_t size)
{
	size_t skipped = size > t->max ? size - t->max : 0;
	size_t kept = size - skipped, pushed_out;

	if (kept > 0 && !t->bytes)
		t->bytes = mem_alloc(t->max);
	if (!t->bytes)
		return size;
	pushed_out = t->size + kept > t->max ? t->size + kept - t->max : 0;
	t->start = (t->start + pushed_out) % t->max;
	t->size -= pushed_out;
	append(t, (const uint8_t *)data + skipped, kept);
	return skipped + pushed_out;
}

const void *tail_take(struct tail *t, size_t max, size_t *ret_size)
{
	const void *data = t->bytes + t->start;
	size_t size = least(least(t->size, max), t->max - t->start);

	t->start = (t->start + size) % t->max;
	t->size -= size;
	*ret_size = size;
	return data;
}
