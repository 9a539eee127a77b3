/*
 * base/table.c: every key finds its own value, also after others have gone.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/table.h"
#include "support/clean.h"

CLEAN_TEST(table, knows_nothing_at_first)
{
	struct table table;

	table_init(&table);

	cr_assert(table_get(&table, 0) == NULL);
	cr_assert(table_remove(&table, 0) == NULL);
	cr_assert(table.slots == NULL, "an empty table has memory");
	table_done(&table);
}

CLEAN_TEST(table, keeps_the_first_value_of_a_key)
{
	struct table table;
	int first, second;

	table_init(&table);
	cr_assert(eq(int, table_put(&table, 7, &first), 0));

	cr_assert(eq(int, table_put(&table, 7, &second), -EEXIST));
	cr_assert(table_get(&table, 7) == &first);
	cr_assert(eq(sz, table.count, 1));
	table_done(&table);
}

CLEAN_TEST(table, forgets_what_is_removed_and_takes_it_again)
{
	struct table table;
	int value;

	table_init(&table);
	cr_assert(eq(int, table_put(&table, 0, &value), 0));

	cr_assert(table_remove(&table, 0) == &value);
	cr_assert(table_remove(&table, 0) == NULL);
	cr_assert(table_get(&table, 0) == NULL);
	cr_assert(eq(sz, table.count, 0));
	cr_assert(eq(int, table_put(&table, 0, &value), 0));
	table_done(&table);
}

CLEAN_TEST(table, takes_the_largest_and_the_smallest_key)
{
	struct table table;
	int low, high;

	table_init(&table);
	cr_assert(eq(int, table_put(&table, 0, &low), 0));
	cr_assert(eq(int, table_put(&table, UINT32_MAX, &high), 0));

	cr_assert(table_get(&table, 0) == &low);
	cr_assert(table_get(&table, UINT32_MAX) == &high);
	table_done(&table);
}

/* Ids that come and go need no more room than those that live at one time. */
CLEAN_TEST(table, does_not_grow_with_keys_that_came_and_went)
{
	struct table table;
	int value;

	table_init(&table);
	for (uint32_t key = 0; key < 100000; key++) {
		cr_assert(eq(int, table_put(&table, key, &value), 0));
		if (key >= 8)
			cr_assert(table_remove(&table, key - 8) == &value);
	}

	cr_assert(eq(sz, table.count, 8));
	cr_assert(le(sz, table.capacity, 16));
	table_done(&table);
}

/* Against an array, with keys that are dense, spread out, and of equal low bits. */
static void compare_with_array(uint32_t factor)
{
	enum { KEYS = 2000 };
	static char values[KEYS];
	static bool present[KEYS];
	struct table table;
	size_t count = 0;

	srand(3);
	table_init(&table);
	for (int round = 0; round < 30000; round++) {
		uint32_t i = (uint32_t)rand() % KEYS;
		void *expected = present[i] ? &values[i] : NULL;

		if (table_get(&table, i * factor) != expected)
			cr_fatal("wrong value in round %d", round);
		if (rand() % 2) {
			int ret = table_put(&table, i * factor, &values[i]);

			cr_assert(eq(int, ret, present[i] ? -EEXIST : 0));
			count += !present[i];
			present[i] = true;
		} else {
			cr_assert(table_remove(&table, i * factor) == expected);
			count -= present[i];
			present[i] = false;
		}
		cr_assert(eq(sz, table.count, count));
	}
	for (uint32_t i = 0; i < KEYS; i++)
		cr_assert(table_get(&table, i * factor) ==
			  (present[i] ? &values[i] : NULL));
	table_done(&table);
}

CLEAN_TEST(table, agrees_with_an_array_on_dense_keys)
{
	compare_with_array(1);
}

CLEAN_TEST(table, agrees_with_an_array_on_keys_with_equal_low_bits)
{
	compare_with_array(1 << 16);
}

CLEAN_TEST(table, agrees_with_an_array_on_spread_keys)
{
	compare_with_array(2654435761u);
}
