/*
 * base/list.h: order, removal in the middle of a walk, and links in no list.
 */
#include "base/list.h"
#include "support/clean.h"

struct item {
	int number;
	struct list link;
};

static struct item items[3] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };

static void fill(struct list *list)
{
	list_init(list);
	for (size_t i = 0; i < 3; i++)
		list_append(list, &items[i].link);
}

static int number_of(struct list *link)
{
	return container_of(link, struct item, link)->number;
}

Test(list, keeps_the_order_of_appending)
{
	struct list list;

	fill(&list);

	for (int n = 1; n <= 3; n++)
		cr_assert(eq(int, number_of(list_take_first(&list)), n));
	cr_assert(list_take_first(&list) == NULL);
	cr_assert(list_first(&list) == NULL);
	cr_assert(list_empty(&list));
}

Test(list, may_lose_any_link_while_it_is_walked)
{
	struct list list;
	int sum = 0;

	fill(&list);
	list_each(link, following, &list) {
		sum += number_of(link);
		list_remove(link);
	}

	cr_assert(eq(int, sum, 6));
	cr_assert(list_empty(&list));
}

Test(list, lets_a_link_be_removed_twice)
{
	struct list list;

	fill(&list);
	list_remove(&items[1].link);
	list_remove(&items[1].link);

	cr_assert(list_empty(&items[1].link));
	cr_assert(eq(int, number_of(list_take_first(&list)), 1));
	cr_assert(eq(int, number_of(list_take_first(&list)), 3));
}
