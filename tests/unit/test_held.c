/*
 * daemon/held: what no process has taken, by stream.
 */
#include "daemon/held.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "support/clean.h"

CLEAN_TEST(held, each_stream_has_its_own_count)
{
	struct held held;

	held_init(&held);
	cr_assert(eq(int, held_add(&held, 0, 10), 0));
	cr_assert(eq(int, held_add(&held, 7, 5), 0));
	cr_assert(eq(int, held_add(&held, 7, 5), 0));
	cr_assert(eq(sz, held.bytes, 20));
	cr_assert(eq(sz, held_take(&held, 7, 4), 4));
	cr_assert(eq(sz, held.bytes, 16));
	held_done(&held);
}

CLEAN_TEST(held, a_stream_that_is_closed_holds_nothing)
{
	struct held held;

	held_init(&held);
	cr_assert(eq(int, held_add(&held, 0, 10), 0));
	cr_assert(eq(int, held_add(&held, 7, 5), 0));
	cr_assert(eq(sz, held_take(&held, 7, 0), 5));
	cr_assert(eq(sz, held_take(&held, 7, 0), 0));
	cr_assert(eq(sz, held_take(&held, 8, 0), 0),
		  "of a stream that nothing was held of");
	cr_assert(eq(sz, held.bytes, 10));
	held_done(&held);
}

CLEAN_TEST(held, no_more_is_taken_than_is_held)
{
	struct held held;

	held_init(&held);
	cr_assert(eq(int, held_add(&held, 3, 10), 0));
	cr_assert(eq(sz, held_take(&held, 3, 11), 10));
	cr_assert(eq(sz, held.bytes, 0));
	held_done(&held);
}

/* A client may name any number of streams that a job does not have. */
CLEAN_TEST(held, what_was_refused_leaves_nothing)
{
	struct held held;

	held_init(&held);
	cr_assert(eq(int, held_add(&held, 0, 10), 0));
	cr_assert(eq(int, held_add(&held, 9, 5), 0));
	cr_assert(eq(sz, held_undo(&held, 9, 5), 5));
	cr_assert(eq(int, held_add(&held, 0, 3), 0));
	cr_assert(eq(sz, held_undo(&held, 0, 3), 3));
	cr_assert(eq(sz, held.bytes, 10));
	cr_assert(list_first(&held.streams) == held.streams.prev, "one stream");
	held_done(&held);
}
