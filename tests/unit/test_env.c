/*
 * launch/env: what becomes of an environment.
 */
#include "launch/env.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "support/clean.h"

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const struct row {
	const char *name;
	const char *const *env, *const *extend, *const *unset;
	const char *want; /* joined by blanks */
} rows[] = {
	{ "nothing at all", NULL, NULL, NULL, "" },
	{ "nothing to change", LIST("A=1", "B=2"), LIST(NULL), LIST(NULL), "A=1 B=2" },
	{ "a new name goes to the end", LIST("B=2"), LIST("A=1"), NULL, "B=2 A=1" },
	{ "a known name keeps its place", LIST("A=1", "B=2"), LIST("A=3"), NULL,
	  "A=3 B=2" },
	{ "no environment", NULL, LIST("A=1"), LIST("B"), "A=1" },
	{ "the last value counts", LIST("A=1"), LIST("A=2", "A=3"), NULL, "A=3" },
	{ "new names keep their order", NULL, LIST("C=1", "A=1", "B=1", "A=2"), NULL,
	  "C=1 A=2 B=1" },
	{ "a name left out", LIST("A=1", "B=2", "C=3"), NULL, LIST("B"), "A=1 C=3" },
	{ "left out first, then added at the end", LIST("A=1", "B=2"), LIST("A=3"),
	  LIST("A"), "B=2 A=3" },
	{ "a name that stands twice is replaced once", LIST("A=1", "B=2", "A=3"),
	  LIST("A=4"), NULL, "A=4 B=2" },
	{ "all of a name that stands twice is left out", LIST("A=1", "B=2", "A=3"), NULL,
	  LIST("A"), "B=2" },
	{ "a name is no beginning of another", LIST("AB=1", "A=2"), LIST("ABC=3"),
	  LIST("A"), "AB=1 ABC=3" },
	{ "a string without a value has a name", LIST("A", "B=2"), LIST("A=1"), NULL,
	  "A=1 B=2" },
	{ "an empty value", LIST("A=1"), LIST("A="), NULL, "A=" },
	{ "a value with an equals sign", LIST("A=1"), LIST("A=B=C"), NULL, "A=B=C" },
};

static struct strings vector(const char *const *list)
{
	return (struct strings){ .vector = list };
}

/* The same strings one after the other. */
static struct strings packed(const char *const *list, char *bytes)
{
	struct strings s = { .packed = list ? bytes : NULL };

	for (size_t i = 0; list && list[i]; i++) {
		memcpy(bytes + s.packed_bytes, list[i], strlen(list[i]) + 1);
		s.packed_bytes += strlen(list[i]) + 1;
	}
	return s;
}

static void check(const struct row *row, const struct strings *env,
		  const struct strings *extend, const struct strings *unset)
{
	const char **result, *field = "";
	char text[256] = "";

	cr_assert(eq(int, env_make(env, extend, unset, &result, &field), 0), "%s: %s",
		  row->name, field);
	for (size_t i = 0; result[i]; i++)
		sprintf(text + strlen(text), "%s%s", i ? " " : "", result[i]);
	cr_assert(eq(str, text, (char *)row->want), "%s", row->name);
	mem_free(result);
}

CLEAN_TEST(env, each_rule_is_kept)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		char bytes[3][64];
		struct strings lists[3] = { vector(row->env), vector(row->extend),
					    vector(row->unset) };
		struct strings wire[3] = { packed(row->env, bytes[0]),
					   packed(row->extend, bytes[1]),
					   packed(row->unset, bytes[2]) };

		check(row, &lists[0], &lists[1], &lists[2]);
		check(row, &wire[0], &wire[1], &wire[2]);
		check(row, &lists[0], &wire[1], &lists[2]);
	}
}

static const struct refusal {
	const char *name, *field;
	struct strings env, extend, unset;
} refusals[] = {
	{ "a string without a name",
	  "env_extend",
	  { 0 },
	  { .vector = LIST("=1") },
	  { 0 } },
	{ "a string without a value",
	  "env_extend",
	  { 0 },
	  { .vector = LIST("A") },
	  { 0 } },
	{ "an empty string", "env_extend", { 0 }, { .vector = LIST("") }, { 0 } },
	{ "an empty name", "env_unset", { 0 }, { 0 }, { .vector = LIST("") } },
	{ "a name with a value", "env_unset", { 0 }, { 0 }, { .vector = LIST("A=1") } },
	{ "extend without its last NUL", "env_extend", { 0 }, { "A=1", 3, NULL }, { 0 } },
	{ "unset without its last NUL", "env_unset", { 0 }, { 0 }, { "A", 1, NULL } },
	{ "env without its last NUL",
	  "env",
	  { "A=1", 3, NULL },
	  { .vector = LIST("A=2") },
	  { 0 } },
};

CLEAN_TEST(env, what_is_no_name_is_refused)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *row = &refusals[i];
		const char **result = NULL, *field = "";

		cr_assert(eq(int,
			     env_make(&row->env, &row->extend, &row->unset, &result,
				      &field),
			     -EINVAL),
			  "%s", row->name);
		cr_assert(eq(str, (char *)field, (char *)row->field), "%s", row->name);
		cr_assert(result == NULL);
	}
}

/* Each name has its place, whatever their order. */
CLEAN_TEST(env, many_names_are_found)
{
	enum { COUNT = 10000 };
	static char env[COUNT][16], extend[COUNT][16], unset[COUNT][16];
	static const char *lists[3][COUNT + 1];
	const char **result, *field;

	for (int i = 0; i < COUNT; i++) {
		sprintf(env[i], "N%d=old", i);
		sprintf(extend[i], "N%d=new", COUNT - 1 - i);
		sprintf(unset[i], "N%d", i * 2);
		lists[0][i] = env[i];
		lists[1][i] = extend[i];
		lists[2][i] = unset[i];
	}
	cr_assert(eq(int,
		     env_make(&(struct strings){ .vector = lists[0] },
			      &(struct strings){ .vector = lists[1] },
			      &(struct strings){ .vector = lists[2] }, &result, &field),
		     0));
	for (int i = 0; i < COUNT / 2; i++) {
		char want[16];

		sprintf(want, "N%d=new", 2 * i + 1);
		cr_assert(eq(str, (char *)result[i], want));
		sprintf(want, "N%d=new", COUNT - 2 - 2 * i);
		cr_assert(eq(str, (char *)result[COUNT / 2 + i], want));
	}
	cr_assert(result[COUNT] == NULL);
	mem_free(result);
}

CLEAN_TEST(env, there_is_an_end_to_what_may_be_changed)
{
	static char bytes[65537 * 2];
	const struct strings many = { .packed = bytes, .packed_bytes = sizeof(bytes) };
	const char **result, *field = "";

	for (size_t i = 0; i < sizeof(bytes); i += 2)
		bytes[i] = 'A';
	cr_assert(eq(int,
		     env_make(&(struct strings){ 0 }, &(struct strings){ 0 }, &many,
			      &result, &field),
		     -E2BIG));
	cr_assert(eq(str, (char *)field, "env_unset"));
}
