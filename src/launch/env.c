/*
 * The environment of a child, from three lists.
 *
 * What extend and unset say is sorted by name, so that each string of the
 * environment finds what is to become of it in few steps, however many there are.
 */
#include "launch/env.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/annotate.h"

/* Of extend and of unset, each. */
#define CHANGES_MAX 65536

/* What is to become of a name. */
struct change {
	const char *name;
	size_t size;
	const char *string; /* that takes its place; NULL: none */
	bool unset;	    /* what the environment has is left out */
	bool told;	    /* the string is in the result already */
	size_t order;
};

/* Where one is in a list of strings. */
struct cursor {
	const struct strings *list;
	size_t index, offset;
};

static bool ends_in_nul(const struct strings *list)
{
	return !list->packed || list->packed_bytes == 0 ||
	       list->packed[list->packed_bytes - 1] == '\0';
}

/* The next string, or NULL. */
static const char *next_string(struct cursor *at)
{
	const struct strings *list = at->list;
	const char *string;

	if (!list->packed)
		return list->vector ? list->vector[at->index++] : NULL;
	if (at->offset >= list->packed_bytes)
		return NULL;
	string = list->packed + at->offset;
	at->offset += strlen(string) + 1;
	at->index++;
	return string;
}

static size_t count_strings(const struct strings *list)
{
	struct cursor at = { .list = list };
	size_t count = 0;

	while (next_string(&at))
		count++;
	return count;
}

/* ---- changes by name ------------------------------------------------------ */

static size_t name_size(const char *string)
{
	return strcspn(string, "=");
}

static int compare_names(const struct change *a, const struct change *b)
{
	int order = memcmp(a->name, b->name, a->size < b->size ? a->size : b->size);

	if (order)
		return order;
	return a->size < b->size ? -1 : a->size > b->size;
}

static int compare_changes(const void *one, const void *other)
{
	const struct change *a = one, *b = other;
	int order = compare_names(a, b);

	if (order)
		return order;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int compare_key(const void *key, const void *change)
{
	return compare_names(key, change);
}

/* One change for each name: of two the later one, but what was left out stays so. */
static size_t merge_changes(struct change *changes, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct change *last = kept ? &changes[kept - 1] : NULL;

		if (!last || compare_names(last, &changes[i])) {
			changes[kept++] = changes[i];
			continue;
		}
		last->unset |= changes[i].unset;
		if (changes[i].string)
			last->string = changes[i].string;
	}
	return kept;
}

/* All that unset says, and then all that extend says.  Returns 0 or -EINVAL. */
static int collect(const struct strings *extend, const struct strings *unset,
		   struct change *changes, const char **ret_field)
{
	struct cursor at = { .list = unset };
	const char *string;
	size_t n = 0;

	*ret_field = "env_unset";
	while ((string = next_string(&at))) {
		changes[n] = (struct change){ .name = string,
					      .size = name_size(string),
					      .unset = true,
					      .order = n };
		if (changes[n].size == 0 || string[changes[n].size])
			return -EINVAL;
		n++;
	}
	*ret_field = "env_extend";
	at = (struct cursor){ .list = extend };
	while ((string = next_string(&at))) {
		changes[n] = (struct change){ .name = string,
					      .size = name_size(string),
					      .string = string,
					      .order = n };
		if (changes[n].size == 0 || !string[changes[n].size])
			return -EINVAL;
		n++;
	}
	return 0;
}

/* ---- the result ------------------------------------------------------------- */

static struct change *find_change(struct change *changes, size_t count,
				  const char *string)
{
	struct change key = { .name = string, .size = name_size(string) };

	return bsearch(&key, changes, count, sizeof(*changes), compare_key);
}

static void apply(const struct strings *env, const struct strings *extend,
		  struct change *changes, size_t count, const char **vector)
{
	struct cursor at = { .list = env };
	const char *string;

	while ((string = next_string(&at))) {
		struct change *change = find_change(changes, count, string);

		if (!change) {
			*vector++ = string;
		} else if (!change->unset && !change->told) {
			*vector++ = change->string;
			change->told = true;
		}
	}
	at = (struct cursor){ .list = extend };
	while ((string = next_string(&at))) {
		struct change *change = find_change(changes, count, string);

		if (!change->told)
			*vector++ = change->string;
		change->told = true;
	}
	*vector = NULL;
}

static int check_list(const struct strings *list, size_t count_max)
{
	if (!ends_in_nul(list))
		return -EINVAL;
	return count_strings(list) > count_max ? -E2BIG : 0;
}

static int check_lists(const struct strings *env, const struct strings *extend,
		       const struct strings *unset, const char **ret_field)
{
	int ret;

	*ret_field = "env";
	ret = check_list(env, SIZE_MAX);
	if (ret < 0)
		return ret;
	*ret_field = "env_extend";
	ret = check_list(extend, CHANGES_MAX);
	if (ret < 0)
		return ret;
	*ret_field = "env_unset";
	return check_list(unset, CHANGES_MAX);
}

int env_make(const struct strings *env, const struct strings *extend,
	     const struct strings *unset, const char ***ret_vector,
	     const char **ret_field)
{
	own_mem struct change *changes = NULL;
	size_t n_extend, count;
	const char **vector;
	int ret = check_lists(env, extend, unset, ret_field);

	if (ret < 0)
		return ret;
	n_extend = count_strings(extend);
	count = n_extend + count_strings(unset);
	changes = mem_alloc((count + 1) * sizeof(*changes));
	if (!changes)
		return -ENOMEM;
	ret = collect(extend, unset, changes, ret_field);
	if (ret < 0)
		return ret;
	qsort(changes, count, sizeof(*changes), compare_changes);
	count = merge_changes(changes, count);
	vector = mem_alloc((count_strings(env) + n_extend + 1) * sizeof(*vector));
	if (!vector)
		return -ENOMEM;
	apply(env, extend, changes, count, vector);
	*ret_vector = vector;
	return 0;
}
