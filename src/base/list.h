/*
 * An intrusive doubly linked list.  The head is a link of its own; an element is
 * in at most one list per link, and a link that is in none points at itself.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define container_of(ptr, type, member)                                                  \
	((type *)((char *)(1 ? (ptr) : &((type *)0)->member) - offsetof(type, member)))

static inline void list_init(struct list *list)
{
	list->next = list->prev = list;
}

static inline bool list_empty(const struct list *list)
{
	return list->next == list;
}

static inline void list_append(struct list *list, struct list *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* The first link, or NULL. */
static inline struct list *list_first(const struct list *list)
{
	return list_empty(list) ? NULL : list->next;
}

/* Remove the first link and give it, or NULL. */
static inline struct list *list_take_first(struct list *list)
{
	struct list *first = list_first(list);

	if (first)
		list_remove(first);
	return first;
}

/* Move all links of @from to @to, which is empty. */
static inline void list_take_all(struct list *from, struct list *to)
{
	if (list_empty(from))
		return;
	to->next = from->next;
	to->prev = from->prev;
	to->next->prev = to->prev->next = to;
	list_init(from);
}

/* Visit each link; @next allows the body to remove @link. */
#define list_each(link, following, head)                                                 \
	for (struct list *link = (head)->next, *following = link->next; link != (head);  \
	     link = following, following = link->next)

#endif
