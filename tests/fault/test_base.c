/*
 * base/: every allocation failed in turn.  A failed call changes nothing.
 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/table.h"
#include "support/clean.h"
#include "support/fault.h"

CLEAN_TEST(base, a_buffer_that_cannot_grow_keeps_its_content)
{
	char data[600];
	struct buf buf;
	unsigned n = 0;
	int ret;

	memset(data, 'x', sizeof(data));
	for (;;) {
		buf_init(&buf, 1000);
		fault_at(++n, ENOMEM);
		ret = buf_append(&buf, data, 100);
		if (ret == 0)
			ret = buf_append(&buf, data, sizeof(data));
		if (!fault_fired())
			break;
		cr_assert(eq(int, ret, -ENOMEM), "call %u failed", n);
		cr_assert(eq(sz, buf_size(&buf), n == 1 ? 0 : 100));
		buf_done(&buf);
	}
	cr_assert(eq(int, ret, 0));
	cr_assert(eq(uint, n - 1, 2), "another fault point: change this number");
	buf_done(&buf);
}

CLEAN_TEST(base, a_table_that_cannot_grow_keeps_its_entries)
{
	enum { KEYS = 20 };
	struct table table;
	unsigned n = 0;
	int ret;

	for (;;) {
		uint32_t key = 0;
		int value;

		table_init(&table);
		fault_at(++n, ENOMEM);
		for (ret = 0; ret == 0 && key < KEYS; key += ret == 0)
			ret = table_put(&table, key, &value);
		if (!fault_fired())
			break;
		cr_assert(eq(int, ret, -ENOMEM), "call %u failed", n);
		cr_assert(eq(sz, table.count, key));
		for (uint32_t i = 0; i < KEYS; i++)
			cr_assert(table_get(&table, i) == (i < key ? &value : NULL));
		table_done(&table);
	}
	cr_assert(eq(int, ret, 0));
	cr_assert(eq(uint, n - 1, 2), "another fault point: change this number");
	table_done(&table);
}
