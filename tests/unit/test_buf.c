/*
 * base/buf.c: what goes in comes out in order, and nothing passes the maximum.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "support/clean.h"

#define MAX ((size_t)1000)

static void put(struct buf *buf, size_t size, char c)
{
	char data[MAX];

	memset(data, c, sizeof(data));
	cr_assert(eq(int, buf_append(buf, data, size), 0));
}

CLEAN_TEST(buf, starts_empty_without_memory)
{
	struct buf buf;

	buf_init(&buf, MAX);

	cr_assert(eq(sz, buf_size(&buf), 0));
	cr_assert(buf.bytes == NULL);
	buf_done(&buf);
}

CLEAN_TEST(buf, gives_bytes_back_in_order)
{
	struct buf buf;

	buf_init(&buf, MAX);
	cr_assert(eq(int, buf_append(&buf, "abc", 3), 0));
	cr_assert(eq(int, buf_append(&buf, "defg", 4), 0));
	buf_consume(&buf, 2);
	cr_assert(eq(int, buf_append(&buf, "h", 1), 0));

	cr_assert(eq(sz, buf_size(&buf), 6));
	cr_assert(eq(int, memcmp(buf_bytes(&buf), "cdefgh", 6), 0));
	buf_done(&buf);
}

CLEAN_TEST(buf, takes_its_maximum_and_not_a_byte_more)
{
	struct buf buf;

	buf_init(&buf, MAX);
	put(&buf, MAX - 1, 'x');
	put(&buf, 1, 'y');

	cr_assert(eq(int, buf_append(&buf, "z", 1), -EMSGSIZE));
	cr_assert(eq(sz, buf_size(&buf), MAX));
	cr_assert(le(sz, buf.capacity, MAX));
	buf_consume(&buf, 1);
	cr_assert(eq(int, buf_append(&buf, "z", 1), 0));
	cr_assert(eq(int, memcmp(buf_bytes(&buf) + MAX - 2, "yz", 2), 0));
	buf_done(&buf);
}

CLEAN_TEST(buf, refuses_a_size_that_would_overflow)
{
	struct buf buf;
	uint8_t *place = NULL;

	buf_init(&buf, MAX);
	put(&buf, 10, 'x');

	cr_assert(eq(int, buf_reserve(&buf, SIZE_MAX - 5, &place), -EMSGSIZE));
	cr_assert(place == NULL, "written on failure");
	buf_done(&buf);
}

CLEAN_TEST(buf, of_maximum_zero_takes_nothing)
{
	struct buf buf;

	buf_init(&buf, 0);

	cr_assert(eq(int, buf_append(&buf, "", 0), 0));
	cr_assert(eq(int, buf_append(&buf, "x", 1), -EMSGSIZE));
	buf_done(&buf);
}

CLEAN_TEST(buf, keeps_its_memory_when_emptied)
{
	struct buf buf;
	uint8_t *bytes;

	buf_init(&buf, MAX);
	put(&buf, 100, 'x');
	bytes = buf.bytes;
	buf_consume(&buf, 100);

	cr_assert(eq(sz, buf_size(&buf), 0));
	cr_assert(buf.bytes == bytes);
	cr_assert(buf_bytes(&buf) == bytes);
	buf_done(&buf);
}

CLEAN_TEST(buf, may_be_used_again_after_done)
{
	struct buf buf;

	buf_init(&buf, MAX);
	put(&buf, MAX, 'x');
	buf_done(&buf);
	put(&buf, MAX, 'y');

	cr_assert(eq(int, buf_bytes(&buf)[MAX - 1], 'y'));
	buf_done(&buf);
}

CLEAN_TEST(buf, reserves_room_that_is_counted_only_when_written)
{
	struct buf buf;
	uint8_t *place;

	buf_init(&buf, MAX);
	cr_assert(eq(int, buf_reserve(&buf, 500, &place), 0));
	place[0] = 'a';
	place[499] = 'b';

	cr_assert(eq(sz, buf_size(&buf), 0));
	buf_grew(&buf, 1);
	cr_assert(eq(sz, buf_size(&buf), 1));
	cr_assert(eq(int, buf_bytes(&buf)[0], 'a'));
	buf_done(&buf);
}

/* A stream of numbers through a small buffer, appended and consumed at random. */
CLEAN_TEST(buf, carries_a_long_stream_unchanged)
{
	uint8_t in = 0, out = 0;
	struct buf buf;

	srand(1);
	buf_init(&buf, MAX);
	for (int round = 0; round < 20000; round++) {
		size_t room = MAX - buf_size(&buf);
		size_t n = (size_t)rand() % 97 % (room + 1);
		uint8_t *place;

		cr_assert(eq(int, buf_reserve(&buf, n, &place), 0));
		for (size_t i = 0; i < n; i++)
			place[i] = in++;
		buf_grew(&buf, n);
		n = (size_t)rand() % 103 % (buf_size(&buf) + 1);
		for (size_t i = 0; i < n; i++)
			if (buf_bytes(&buf)[i] != out++)
				cr_fatal("wrong byte in round %d", round);
		buf_consume(&buf, n);
	}
	cr_assert(le(sz, buf.capacity, MAX));
	buf_done(&buf);
}

CLEAN_TEST(buf, has_no_more_memory_than_its_maximum)
{
	struct buf buf;

	buf_init(&buf, 100);
	put(&buf, 1, 'x');

	cr_assert(eq(sz, buf.capacity, 100));
	buf_done(&buf);
}

/* Else a nearly full buffer would be moved for every few bytes. */
CLEAN_TEST(buf, grows_when_it_is_too_full_to_be_moved_often)
{
	struct buf buf;
	size_t capacity;

	buf_init(&buf, MAX);
	put(&buf, 1, 'x');
	capacity = buf.capacity;
	put(&buf, capacity - 1, 'x');
	buf_consume(&buf, 10);
	put(&buf, 5, 'y');

	cr_assert(lt(sz, capacity, buf.capacity));
	cr_assert(eq(int, buf_bytes(&buf)[capacity - 10], 'y'));
	buf_done(&buf);
}
