/*
 * Open addressing with linear probing, at most three quarters full.  A removal
 * moves later entries of the same run back, so no marks are left behind and a
 * table that lives long stays as fast as a new one.
 *
 * Keys come from the other side of a connection, which could choose them to
 * collide.  The multiplier that spreads them is made of the address of the slots,
 * which the other side does not know and which changes when the table grows.
 */
#include "base/table.h"

#include <assert.h>
#include <errno.h>

#include "base/alloc.h"

#define TABLE_FIRST_SLOTS ((size_t)16)

struct table_slot {
	void *value; /* NULL: the slot is free */
	uint32_t key;
};

/* Every bit of @slots' address reaches the multiplier's upper half; it is odd. */
static uint64_t multiplier(const struct table_slot *slots)
{
	uint64_t x = (uintptr_t)slots * UINT64_C(0x9e3779b97f4a7c15);

	x ^= x >> 29;
	return x * UINT64_C(0xd6e8feb86659fd93) | 1;
}

static size_t home_of(const struct table *table, uint32_t key)
{
	uint64_t spread = key * multiplier(table->slots);

	return (size_t)(spread >> 32) & (table->capacity - 1);
}

/* The slot of @key, or the free one where it would go. */
static struct table_slot *find(const struct table *table, uint32_t key)
{
	size_t mask = table->capacity - 1;
	size_t i = home_of(table, key);

	while (table->slots[i].value && table->slots[i].key != key)
		i = (i + 1) & mask;
	return &table->slots[i];
}

void table_init(struct table *table)
{
	*table = (struct table){ 0 };
}

void table_done(struct table *table)
{
	mem_free(table->slots);
	table_init(table);
}

void *table_get(const struct table *table, uint32_t key)
{
	return table->slots ? find(table, key)->value : NULL;
}

static int grow(struct table *table)
{
	struct table bigger = {
		.capacity = table->capacity ? table->capacity * 2 : TABLE_FIRST_SLOTS,
		.count = table->count,
	};

	bigger.slots = mem_zalloc(bigger.capacity * sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < table->capacity; i++)
		if (table->slots[i].value)
			*find(&bigger, table->slots[i].key) = table->slots[i];
	mem_free(table->slots);
	*table = bigger;
	return 0;
}

int table_put(struct table *table, uint32_t key, void *value)
{
	int ret = 0;

	assert(value);
	if (table_get(table, key))
		return -EEXIST;
	if (table->count >= table->capacity / 4 * 3)
		ret = grow(table);
	if (ret < 0)
		return ret;
	*find(table, key) = (struct table_slot){ .value = value, .key = key };
	table->count++;
	return 0;
}

/*
 * Close the gap at @gap: an entry further along the run may move there if its
 * home is not between the gap and itself.
 */
static void close_gap(struct table *table, size_t gap)
{
	size_t mask = table->capacity - 1;

	for (size_t i = (gap + 1) & mask; table->slots[i].value; i = (i + 1) & mask) {
		size_t home = home_of(table, table->slots[i].key);

		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		table->slots[gap] = table->slots[i];
		gap = i;
	}
	table->slots[gap].value = NULL;
}

void *table_remove(struct table *table, uint32_t key)
{
	struct table_slot *slot;
	void *value;

	if (!table->slots)
		return NULL;
	slot = find(table, key);
	value = slot->value;
	if (!value)
		return NULL;
	close_gap(table, (size_t)(slot - table->slots));
	table->count--;
	return value;
}
