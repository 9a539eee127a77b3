/*
 * launch/spec.c: every rule of a request, as a table; what a spec holds; and that
 * its descriptors are closed whatever becomes of it.
 */
#include "launch/spec.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/annotate.h"
#include "base/clock.h"
#include "support/clean.h"

#define KIB 1024u

#define TEXT(literal)                                                                    \
	{                                                                                \
		literal, sizeof(literal) - 1                                             \
	}
#define PACKED(literal)                                                                  \
	{                                                                                \
		.packed = literal, .packed_bytes = sizeof(literal)                       \
	}

static const char *const only_true[] = { "true", NULL };
static const char *const nothing[] = { NULL };
static const char *const empty_name[] = { "", NULL };

#define TRUE_ARGV     .argv = { .vector = only_true }
#define STDIO(i, ...) .options.stdio = { [i] = { __VA_ARGS__ } }

/* A literal given to PACKED() ends with the NUL that C adds. */
static const struct row {
	const char *name;
	struct spec_input input;
	int want;
	const char *field;
} rows[] = {
	{ "a vector", { TRUE_ARGV }, 0, "" },
	{ "packed", { .argv = PACKED("true\0--help") }, 0, "" },
	{ "no argv", { .options.group = USP_GROUP_NEW }, -EINVAL, "argv" },
	{ "an empty vector", { .argv = { .vector = nothing } }, -EINVAL, "argv" },
	{ "packed and empty", { .argv = { "", 0, NULL } }, -EINVAL, "argv" },
	{ "packed wins over a vector",
	  { .argv = { "", 0, only_true } },
	  -EINVAL,
	  "argv" },
	{ "packed without its last NUL",
	  { .argv = { "ab\0cd", 5, NULL } },
	  -EINVAL,
	  "argv" },
	{ "an empty name", { .argv = { .vector = empty_name } }, 0, "" },
	{ "an empty name, but a path",
	  { .argv = { .vector = empty_name }, .path = TEXT("/bin/true") },
	  0,
	  "" },
	{ "an empty argument", { .argv = PACKED("true\0\0") }, 0, "" },
	{ "an environment without its last NUL",
	  { TRUE_ARGV, .env = { "A=1", 3, NULL } },
	  -EINVAL,
	  "env" },
	{ "an empty environment", { TRUE_ARGV, .env = { .vector = nothing } }, 0, "" },
	{ "a variable without =", { TRUE_ARGV, .env = PACKED("A") }, 0, "" },
	{ "an empty path", { TRUE_ARGV, .path = { "", 0 } }, -EINVAL, "path" },
	{ "a NUL in the path", { TRUE_ARGV, .path = { "a\0b", 3 } }, -EINVAL, "path" },
	{ "an empty search", { TRUE_ARGV, .search = { "", 0 } }, -EINVAL, "search" },
	{ "a NUL in the search",
	  { TRUE_ARGV, .search = { "a\0", 2 } },
	  -EINVAL,
	  "search" },
	{ "path and search",
	  { TRUE_ARGV, .path = TEXT("/bin/true"), .search = TEXT("true") },
	  -EINVAL,
	  "search" },
	{ "an empty directory", { TRUE_ARGV, .cwd = { "", 0 } }, -EINVAL, "cwd" },
	{ "a NUL in the directory",
	  { TRUE_ARGV, .cwd = { "/\0tmp", 5 } },
	  -EINVAL,
	  "cwd" },
	{ "stdio kind -1",
	  { TRUE_ARGV, STDIO(0, (enum usp_stdio_kind) - 1, 0) },
	  -EINVAL,
	  "stdio" },
	{ "stdio kind 9",
	  { TRUE_ARGV, STDIO(2, (enum usp_stdio_kind)9, 0) },
	  -EINVAL,
	  "stdio" },
	{ "a null stream", { TRUE_ARGV, STDIO(1, USP_STDIO_NULL, 77) }, 0, "" },
	{ "a piped stdin", { TRUE_ARGV, STDIO(0, USP_STDIO_PIPE, -1) }, 0, "" },
	{ "descriptor -1", { TRUE_ARGV, STDIO(1, USP_STDIO_FD, -1) }, -EBADF, "stdio" },
	{ "stderr to stdout", { TRUE_ARGV, STDIO(2, USP_STDIO_DUP, 1) }, 0, "" },
	{ "stdout to stderr", { TRUE_ARGV, STDIO(1, USP_STDIO_DUP, 2) }, 0, "" },
	{ "stdout to itself",
	  { TRUE_ARGV, STDIO(1, USP_STDIO_DUP, 1) },
	  -EINVAL,
	  "stdio" },
	{ "stdout to stream 3",
	  { TRUE_ARGV, STDIO(1, USP_STDIO_DUP, 3) },
	  -EINVAL,
	  "stdio" },
	{ "stdout to stream -1",
	  { TRUE_ARGV, STDIO(1, USP_STDIO_DUP, -1) },
	  -EINVAL,
	  "stdio" },
	{ "a duplicate of a duplicate",
	  { TRUE_ARGV, .options.stdio = { [1] = { .kind = USP_STDIO_DUP, .fd = 2 },
					  [2] = { .kind = USP_STDIO_DUP, .fd = 0 } } },
	  -EINVAL,
	  "stdio" },
	{ "two duplicates of one",
	  { TRUE_ARGV, .options.stdio = { [1] = { .kind = USP_STDIO_DUP, .fd = 0 },
					  [2] = { .kind = USP_STDIO_DUP, .fd = 0 } } },
	  0,
	  "" },
	{ "a session", { TRUE_ARGV, .options.group = USP_GROUP_SESSION }, 0, "" },
	{ "the same group", { TRUE_ARGV, .options.group = USP_GROUP_SAME }, 0, "" },
	{ "the foreground group",
	  { TRUE_ARGV, .options.group = USP_GROUP_FOREGROUND },
	  0,
	  "" },
	{ "somebody's group",
	  { TRUE_ARGV, .options.group = USP_GROUP_JOIN, .options.pgid = 1 },
	  0,
	  "" },
	{ "no group", { TRUE_ARGV, .options.pgid = -1 }, -EINVAL, "group" },
	{ "group 5",
	  { TRUE_ARGV, .options.group = (enum usp_group)5 },
	  -EINVAL,
	  "group" },
	{ "group -1",
	  { TRUE_ARGV, .options.group = (enum usp_group) - 1 },
	  -EINVAL,
	  "group" },
	{ "kill by signal 1", { TRUE_ARGV, .options.kill = { .signal = 1 } }, 0, "" },
	{ "kill by signal 64", { TRUE_ARGV, .options.kill = { .signal = 64 } }, 0, "" },
	{ "kill by signal 65",
	  { TRUE_ARGV, .options.kill = { .signal = 65 } },
	  -EINVAL,
	  "kill" },
	{ "kill by signal -1",
	  { TRUE_ARGV, .options.kill = { .signal = -1 } },
	  -EINVAL,
	  "kill" },
	{ "kill the process",
	  { TRUE_ARGV, .options.kill = { .target = USP_TARGET_PROCESS } },
	  0,
	  "" },
	{ "kill the tree",
	  { TRUE_ARGV, .options.kill = { .target = USP_TARGET_TREE } },
	  0,
	  "" },
	{ "kill target 3",
	  { TRUE_ARGV, .options.kill = { .target = (enum usp_target)3 } },
	  -EINVAL,
	  "kill" },
	{ "a cgroup", { TRUE_ARGV, .options.cgroup.path = "/a..b/..c" }, 0, "" },
	{ "a cgroup of no name",
	  { TRUE_ARGV, .options.cgroup.path = "" },
	  -EINVAL,
	  "cgroup" },
	{ "a cgroup above",
	  { TRUE_ARGV, .options.cgroup.path = "/a/../.." },
	  -EINVAL,
	  "cgroup" },
	{ "a cgroup, and limits",
	  { TRUE_ARGV, .options.cgroup = { .path = "/a", .pids_max = 1 } },
	  -EINVAL,
	  "cgroup" },
	{ "a cgroup, and one of its own",
	  { TRUE_ARGV, .options.cgroup.path = "/a", .options.flags = USP_FLAG_CGROUP },
	  -EINVAL,
	  "cgroup" },
};

ParameterizedTestParameters(spec, rules)
{
	static size_t number[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(rows));
}

ParameterizedTest(size_t *number, spec, rules)
{
	const struct row *row = &rows[*number];
	const char *field = "";
	struct spec *spec = NULL;
	int ret = spec_new(&row->input, &spec, &field);

	cr_assert(eq(int, ret, row->want), "%s", row->name);
	cr_assert(eq(str, (char *)field, (char *)row->field), "%s", row->name);
	cr_assert(eq(int, spec != NULL, ret == 0), "%s", row->name);
	spec_free(spec);
}

/* ---- sizes --------------------------------------------------------------- */

static char *letters(size_t size)
{
	char *text = malloc(size + 1);

	memset(text, 'x', size);
	text[size] = '\0';
	return text;
}

static int try_argv(const char *const *argv)
{
	const struct spec_input input = { .argv = { .vector = argv } };
	const char *field = "argv";
	struct spec *spec = NULL;
	int ret = spec_new(&input, &spec, &field);

	cr_assert(eq(str, (char *)field, "argv"));
	spec_free(spec);
	return ret;
}

CLEAN_TEST(spec, a_string_has_less_than_128_kib)
{
	char *longest = letters(128 * KIB - 1), *too_long = letters(128 * KIB);
	struct spec_input input = { TRUE_ARGV };
	const char *field;
	struct spec *spec;

	cr_assert(eq(int, try_argv((const char *[]){ "true", longest, NULL }), 0));
	cr_assert(eq(int, try_argv((const char *[]){ "true", too_long, NULL }), -E2BIG));

	input.cwd = (struct bytes){ longest, 128 * KIB - 1 };
	cr_assert(eq(int, spec_new(&input, &spec, &field), 0));
	cr_assert(eq(sz, strlen(spec->program->cwd), 128 * KIB - 1));
	spec_free(spec);
	input.cwd = (struct bytes){ too_long, 128 * KIB };
	cr_assert(eq(int, spec_new(&input, &spec, &field), -E2BIG));
	cr_assert(eq(str, (char *)field, "cwd"));

	input = (struct spec_input){ TRUE_ARGV,
				     .env = { too_long, 128 * KIB + 1, NULL } };
	cr_assert(eq(int, spec_new(&input, &spec, &field), -E2BIG));
	cr_assert(eq(str, (char *)field, "env"));
	free(longest);
	free(too_long);
}

CLEAN_TEST(spec, all_strings_have_at_most_16_mib)
{
	enum { FULL = 128 };
	const char *argv[FULL + 2] = { 0 };
	char *longest = letters(128 * KIB - 1);

	for (int i = 0; i < FULL; i++)
		argv[i] = longest;
	cr_assert(eq(int, try_argv(argv), 0));
	argv[FULL] = "";
	cr_assert(eq(int, try_argv(argv), -E2BIG));
	free(longest);
}

/* ---- candidates ---------------------------------------------------------- */

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })
static const char *const no_path[] = { "HOME=/", "XPATH=/no", "PAT=/no", "PATHS=/no",
				       NULL };
static const char *const two_dirs[] = { "A=1", "PATH=/one:/two", NULL };
static const char *const empty_path[] = { "PATH=", NULL };
static const char *const empty_first[] = { "PATH=:/one", NULL };
static const char *const empty_last[] = { "PATH=/one:", NULL };
static const char *const empty_inside[] = { "PATH=/one::two", NULL };
static const char *const two_paths[] = { "PATH=/first", "PATH=/second", NULL };

/* As execvpe(3) has it, with the child's own environment. */
static const struct lookup {
	const char *name, *argv0;
	struct bytes path, search;
	const char *const *env;
	const char *want; /* the candidates, each followed by a space */
} lookups[] = {
	{ "a slash is not searched for", "./a/b", { 0 }, { 0 }, two_dirs, "./a/b " },
	{ "an empty name is not searched for", "", { 0 }, { 0 }, two_dirs, " " },
	{ "a path is not searched for", "x", TEXT("prog"), { 0 }, two_dirs, "prog " },
	{ "each element in its order",
	  "prog",
	  { 0 },
	  { 0 },
	  two_dirs,
	  "/one/prog /two/prog " },
	{ "search instead of argv[0]",
	  "x",
	  { 0 },
	  TEXT("prog"),
	  two_dirs,
	  "/one/prog /two/prog " },
	{ "search with a slash", "x", { 0 }, TEXT("/d/prog"), two_dirs, "/d/prog " },
	{ "an empty PATH is the directory", "prog", { 0 }, { 0 }, empty_path, "prog " },
	{ "empty at the start", "prog", { 0 }, { 0 }, empty_first, "prog /one/prog " },
	{ "empty at the end", "prog", { 0 }, { 0 }, empty_last, "/one/prog prog " },
	{ "empty inside",
	  "prog",
	  { 0 },
	  { 0 },
	  empty_inside,
	  "/one/prog prog two/prog " },
	{ "without a PATH", "prog", { 0 }, { 0 }, no_path, "/bin/prog /usr/bin/prog " },
	{ "without an environment",
	  "prog",
	  { 0 },
	  { 0 },
	  NULL,
	  "/bin/prog /usr/bin/prog " },
	{ "the first of two", "prog", { 0 }, { 0 }, two_paths, "/first/prog " },
};

ParameterizedTestParameters(spec, candidates)
{
	static size_t number[ARRAY_SIZE(lookups)];

	for (size_t i = 0; i < ARRAY_SIZE(lookups); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(lookups));
}

ParameterizedTest(size_t *number, spec, candidates)
{
	const struct lookup *row = &lookups[*number];
	const struct spec_input input = {
		.argv = { .vector = ENV(row->argv0) },
		.env = { .vector = row->env },
		.path = row->path,
		.search = row->search,
	};
	char joined[256] = "";
	const char *field;
	struct spec *spec;

	cr_assert(eq(int, spec_new(&input, &spec, &field), 0), "%s", row->name);
	for (char **c = spec->program->candidates; *c; c++)
		strcat(strcat(joined, *c), " ");
	cr_assert(eq(str, joined, (char *)row->want), "%s", row->name);
	spec_free(spec);
}

/* The parent's PATH has no say. */
CLEAN_TEST(spec, the_parents_path_does_not_matter)
{
	const struct spec_input input = { TRUE_ARGV };
	const char *field;
	struct spec *spec;

	setenv("PATH", "/nowhere", 1);
	cr_assert(eq(int, spec_new(&input, &spec, &field), 0));
	cr_assert(eq(str, spec->program->candidates[0], "/bin/true"));
	spec_free(spec);
}

/* ---- what it holds ------------------------------------------------------- */

CLEAN_TEST(spec, zero_means_the_default)
{
	const struct spec_input input = { TRUE_ARGV };
	const char *field;
	struct spec *spec;

	cr_assert(eq(int, spec_new(&input, &spec, &field), 0));
	cr_assert(eq(sz, spec->n_fds, 3));
	cr_assert(eq(int, spec->fds[0].kind, USP_STDIO_NULL));
	cr_assert(eq(int, spec->fds[1].kind, USP_STDIO_PIPE));
	cr_assert(eq(int, spec->fds[2].kind, USP_STDIO_PIPE));
	cr_assert(eq(int, spec->options.group, USP_GROUP_NEW));
	cr_assert(eq(int, spec->options.kill.signal, SIGTERM));
	cr_assert(eq(int, spec->options.kill.target, USP_TARGET_GROUP));
	cr_assert(eq(u64, spec->options.kill.grace_ns, 2 * NS_PER_S));
	cr_assert(eq(u64, spec->options.timeout_ns, 0));
	cr_assert(eq(u64, spec->options.ignored_signals, 0));
	cr_assert(eq(u32, spec->options.window_bytes, 0));
	cr_assert(spec->program->cwd == NULL);
	cr_assert(spec->program->envp[0] == NULL, "the environment is not empty");
	spec_free(spec);
}

CLEAN_TEST(spec, what_is_given_is_kept_and_copied)
{
	char packed[] = "prog\0one\0", env[] = "A=1\0B";
	char cwd[] = { '/', 't', 'm', 'p' };
	const struct spec_input input = {
		.argv = { packed, sizeof(packed), NULL },
		.env = { env, sizeof(env), NULL },
		.cwd = { cwd, sizeof(cwd) },
		.options.group = USP_GROUP_SESSION,
		.options.timeout_ns = 5,
		.options.kill = { SIGINT, USP_TARGET_PROCESS, 7 },
		.options.ignored_signals = 9,
		.options.window_bytes = 11,
	};
	const char *field;
	struct spec *spec;

	cr_assert(eq(int, spec_new(&input, &spec, &field), 0));
	memset(packed, 'z', sizeof(packed));
	memset(env, 'z', sizeof(env));
	memset(cwd, 'z', sizeof(cwd));

	cr_assert(eq(str, spec->program->argv[0], "prog"));
	cr_assert(eq(str, spec->program->argv[1], "one"));
	cr_assert(eq(str, spec->program->argv[2], ""));
	cr_assert(spec->program->argv[3] == NULL);
	cr_assert(eq(str, spec->program->envp[0], "A=1"));
	cr_assert(eq(str, spec->program->envp[1], "B"));
	cr_assert(spec->program->envp[2] == NULL);
	cr_assert(eq(str, (char *)spec->program->cwd, "/tmp"));
	cr_assert(eq(str, (char *)spec->name, "prog"));
	cr_assert(eq(int, spec->options.group, USP_GROUP_SESSION));
	cr_assert(eq(u64, spec->options.timeout_ns, 5));
	cr_assert(eq(int, spec->options.kill.signal, SIGINT));
	cr_assert(eq(int, spec->options.kill.target, USP_TARGET_PROCESS));
	cr_assert(eq(u64, spec->options.kill.grace_ns, 7));
	cr_assert(eq(u64, spec->options.ignored_signals, 9));
	cr_assert(eq(u32, spec->options.window_bytes, 11));
	spec_free(spec);
}

static struct spec *make_shared(struct spec_env **last, const struct strings *env)
{
	const struct spec_input input = { TRUE_ARGV, .env = *env, .last_env = last };
	const char *field;
	struct spec *spec;

	cr_assert(eq(int, spec_new(&input, &spec, &field), 0));
	return spec;
}

CLEAN_TEST(spec, the_environment_of_the_one_before_is_shared)
{
	static const char *const vector[] = { "A=1", "B", NULL };
	const struct strings lists[] = { PACKED("A=1\0B"), { .vector = vector } };
	struct spec_env *last = NULL;
	struct spec *first = make_shared(&last, &lists[0]), *next;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		next = make_shared(&last, &lists[i]);
		cr_assert(next->program->envp == first->program->envp, "list %zu", i);
		spec_free(next);
		cr_assert(eq(str, first->program->envp[0], "A=1"),
			  "it went with another");
	}
	next = make_shared(&last, &lists[1]);
	spec_forget_program(first);
	cr_assert(eq(str, next->program->envp[1], "B"), "it went with the first");
	spec_free(first);
	spec_free(next);
	cr_assert(last == NULL, "nobody has it, and it is still to be found");
}

CLEAN_TEST(spec, another_environment_is_not_shared)
{
	static const char *const one[] = { "A=1", NULL };
	static const char *const more[] = { "A=1", "B", "C", NULL };
	const struct strings others[] = { PACKED("A=1\0C"),   PACKED("A=1"),
					  PACKED("A=1B"),     { .vector = one },
					  { .vector = more }, { .vector = NULL } };
	const struct strings given = PACKED("A=1\0B");

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct spec_env *last = NULL;
		struct spec *first = make_shared(&last, &given);
		struct spec *next = make_shared(&last, &others[i]);

		cr_assert(next->program->envp != first->program->envp, "list %zu", i);
		cr_assert(eq(str, first->program->envp[1], "B"));
		spec_free(first);
		cr_assert(last != NULL, "list %zu: the later one is the last", i);
		spec_free(next);
		cr_assert(last == NULL);
	}
}

/* Somebody else's group would be hit as well. */
static void expect_process_alone(enum usp_group group)
{
	struct spec_input input = { TRUE_ARGV, .options = { .group = group, .pgid = 5 } };
	const char *field;
	struct spec *spec;

	cr_assert(eq(int, spec_new(&input, &spec, &field), 0));
	cr_assert(eq(int, spec->options.kill.target, USP_TARGET_PROCESS));
	spec_free(spec);
	input.options.kill.target = USP_TARGET_TREE;
	cr_assert(eq(int, spec_new(&input, &spec, &field), 0));
	cr_assert(eq(int, spec->options.kill.target, USP_TARGET_TREE),
		  "its tree is its own");
	spec_free(spec);
	input.options.kill.target = USP_TARGET_GROUP;
	input.options.drain_action = USP_DRAIN_KILL;
	cr_assert(eq(int, spec_new(&input, &spec, &field), -EINVAL));
	cr_assert(eq(str, (char *)field, "drain"));
}

CLEAN_TEST(spec, in_a_group_that_is_not_its_own_only_the_process_is_killed)
{
	expect_process_alone(USP_GROUP_SAME);
	expect_process_alone(USP_GROUP_JOIN);
}

/* ---- descriptors --------------------------------------------------------- */

static struct usp_stdio some_fd(void)
{
	return (struct usp_stdio){ .kind = USP_STDIO_FD, .fd = eventfd(0, EFD_CLOEXEC) };
}

CLEAN_TEST(spec, descriptors_are_closed_with_it)
{
	const struct spec_input input = {
		TRUE_ARGV, .options.stdio = { some_fd(), some_fd(), some_fd() }
	};
	int before = open_fds();
	const char *field;
	struct spec *spec;

	cr_assert(eq(int, spec_new(&input, &spec, &field), 0));
	cr_assert(eq(int, open_fds(), before));
	spec_free(spec);
	cr_assert(eq(int, open_fds(), before - 3));
}

CLEAN_TEST(spec, descriptors_are_closed_when_it_is_refused)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spec_input input = rows[i].input;
		int before = open_fds();
		const char *field;
		struct spec *spec;

		if (rows[i].want == 0)
			continue;
		for (int k = 0; k < 3; k++)
			if (input.options.stdio[k].kind == USP_STDIO_DEFAULT)
				input.options.stdio[k] = some_fd();
		cr_assert(lt(int, spec_new(&input, &spec, &field), 0), "%s",
			  rows[i].name);
		cr_assert(eq(int, open_fds(), before), "%s", rows[i].name);
	}
}
