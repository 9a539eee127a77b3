/*
 * The tail: the last bytes of many, whatever the pieces that they come in.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "process/tail.h"
#include "support/clean.h"

TestSuite(tail, .timeout = 60);

enum { ALL = 200 };

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 7 + 1);
}

/* All that is kept, in pieces of at most @piece. */
static size_t take_all(struct tail *t, size_t piece, uint8_t *ret_bytes)
{
	size_t n = 0;

	while (t->size > 0) {
		size_t size;
		const void *data = tail_take(t, piece, &size);

		cr_assert(lt(sz, 0, size));
		cr_assert(le(sz, size, piece));
		memcpy(ret_bytes + n, data, size);
		n += size;
	}
	return n;
}

/* @max kept of @total bytes that come @in at a time and go @out at a time. */
static void expect_tail(size_t max, size_t total, size_t in, size_t out)
{
	size_t given_up = 0, kept = total < max ? total : max;
	uint8_t bytes[ALL], got[ALL];
	struct tail t;

	for (size_t i = 0; i < total; i++)
		bytes[i] = byte_at(i);
	tail_init(&t, max);
	for (size_t at = 0; at < total; at += in)
		given_up += tail_keep(&t, bytes + at, total - at < in ? total - at : in);
	cr_assert(eq(sz, given_up, total - kept), "max %zu total %zu in %zu", max, total,
		  in);
	cr_assert(eq(sz, take_all(&t, out, got), kept));
	cr_assert(eq(int, memcmp(got, bytes + total - kept, kept), 0),
		  "max %zu total %zu in %zu out %zu", max, total, in, out);
	tail_done(&t);
}

CLEAN_TEST(tail, the_last_bytes_are_kept_whatever_the_pieces)
{
	static const size_t sizes[] = { 1, 2, 3, 7, 16, 63, 64, 65, ALL };

	for (size_t max = 0; max < 9; max++)
		for (size_t total = 0; total < 9; total++)
			for (size_t in = 0; in < 9; in++)
				for (size_t out = 0; out < 9; out++)
					expect_tail(sizes[max], sizes[total], sizes[in],
						    sizes[out]);
}

CLEAN_TEST(tail, without_room_nothing_is_kept)
{
	struct tail t;

	tail_init(&t, 0);
	cr_assert(eq(sz, tail_keep(&t, "abc", 3), 3));
	cr_assert(eq(sz, tail_keep(&t, "", 0), 0));
	cr_assert(eq(sz, t.size, 0));
	tail_done(&t);
}

CLEAN_TEST(tail, what_was_taken_makes_room)
{
	struct tail t;
	size_t size;

	tail_init(&t, 4);
	cr_assert(eq(sz, tail_keep(&t, "abcd", 4), 0));
	cr_assert(eq(int, memcmp(tail_take(&t, 3, &size), "abc", 3), 0));
	cr_assert(eq(sz, size, 3));
	cr_assert(eq(sz, tail_keep(&t, "ef", 2), 0));
	cr_assert(eq(int, *(const char *)tail_take(&t, 9, &size), 'd'));
	cr_assert(eq(sz, size, 1));
	cr_assert(eq(int, memcmp(tail_take(&t, 9, &size), "ef", 2), 0));
	cr_assert(eq(sz, size, 2));
	tail_done(&t);
}
