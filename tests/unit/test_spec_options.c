/*
 * launch/spec_fds.c, launch/spec_values.c: every rule about descriptors and values, as
 * a table; what the list of descriptors is made into; and that nothing stays borrowed.
 */
#include "launch/spec.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "base/annotate.h"
#include "support/clean.h"

static const char *const only_true[] = { "true", NULL };

#define STDIO(i, ...) .stdio = { [i] = { __VA_ARGS__ } }
#define FDS(...)                                                                         \
	.fds = (const struct usp_fd[]){ __VA_ARGS__ },                                   \
	.n_fds = ARRAY_SIZE(((const struct usp_fd[]){ __VA_ARGS__ }))
#define ADDED(number, ...)                                                               \
	{                                                                                \
		.target = number, .stdio = { __VA_ARGS__ }                               \
	}
#define FILE_AT(text) .kind = USP_STDIO_FILE, .path = text

static char too_long[PATH_MAX + 1], longest[PATH_MAX];
static const gid_t groups[] = { 5, (gid_t)-1, 6 };

static const struct row {
	const char *name;
	struct usp_options options;
	int want;
	const char *field;
} rows[] = {
	/* The first three. */
	{ "a socket pair", { STDIO(0, USP_STDIO_DUPLEX) }, 0, "" },
	{ "a pipe end handed over", { STDIO(1, USP_STDIO_HANDOVER) }, 0, "" },
	{ "a stdin that is written",
	  { STDIO(0, USP_STDIO_PIPE, .direction = USP_DIRECTION_WRITE) },
	  0,
	  "" },
	{ "direction 3",
	  { STDIO(0, USP_STDIO_PIPE, .direction = (enum usp_direction)3) },
	  -EINVAL,
	  "stdio" },
	{ "direction -1",
	  { STDIO(0, USP_STDIO_PIPE, .direction = (enum usp_direction) - 1) },
	  -EINVAL,
	  "stdio" },
	{ "a duplicate of one that was added",
	  { STDIO(1, USP_STDIO_DUP, .fd = 9), FDS(ADDED(9, USP_STDIO_PIPE)) },
	  0,
	  "" },
	{ "a duplicate of one that is not there",
	  { STDIO(1, USP_STDIO_DUP, .fd = 8), FDS(ADDED(9, USP_STDIO_PIPE)) },
	  -EINVAL,
	  "stdio" },
	{ "a duplicate of an added duplicate",
	  { STDIO(1, USP_STDIO_DUP, .fd = 9), FDS(ADDED(9, USP_STDIO_DUP, .fd = 0)) },
	  -EINVAL,
	  "stdio" },

	/* Files. */
	{ "a file", { STDIO(0, FILE_AT("/dev/null")) }, 0, "" },
	{ "a file without a path", { STDIO(0, USP_STDIO_FILE) }, -EINVAL, "stdio" },
	{ "a file with an empty path", { STDIO(1, FILE_AT("")) }, -EINVAL, "stdio" },
	{ "a file with the longest path", { STDIO(1, FILE_AT(longest)) }, 0, "" },
	{ "a file with too long a path",
	  { STDIO(1, FILE_AT(too_long)) },
	  -E2BIG,
	  "stdio" },
	{ "a stdin to be made",
	  { STDIO(0, FILE_AT("x"), .flags = O_RDWR | O_CREAT) },
	  -EINVAL,
	  "stdio" },
	{ "a stdin to be written, as a file is by default",
	  { STDIO(0, FILE_AT("x"), .direction = USP_DIRECTION_WRITE) },
	  -EINVAL,
	  "stdio" },
	{ "a stdout to be read",
	  { STDIO(1, FILE_AT("x"), .direction = USP_DIRECTION_READ) },
	  0,
	  "" },
	{ "a directory",
	  { STDIO(1, FILE_AT("x"), .flags = O_DIRECTORY) },
	  -EINVAL,
	  "stdio" },
	{ "no file, but a place",
	  { STDIO(1, FILE_AT("x"), .flags = O_PATH) },
	  -EINVAL,
	  "stdio" },
	{ "mode 07777", { STDIO(1, FILE_AT("x"), .mode = 07777) }, 0, "" },
	{ "mode 010000", { STDIO(1, FILE_AT("x"), .mode = 010000) }, -EINVAL, "stdio" },

	/* Those that were added. */
	{ "descriptor 3", { FDS(ADDED(3, USP_STDIO_NULL)) }, 0, "" },
	{ "descriptor 255", { FDS(ADDED(255, USP_STDIO_NULL)) }, 0, "" },
	{ "descriptor 2", { FDS(ADDED(2, USP_STDIO_NULL)) }, -EINVAL, "fds" },
	{ "descriptor 256", { FDS(ADDED(256, USP_STDIO_NULL)) }, -EINVAL, "fds" },
	{ "descriptor -1", { FDS(ADDED(-1, USP_STDIO_NULL)) }, -EINVAL, "fds" },
	{ "one twice",
	  { FDS(ADDED(4, USP_STDIO_NULL), ADDED(4, USP_STDIO_PIPE)) },
	  -EINVAL,
	  "fds" },
	{ "of no kind", { FDS(ADDED(4, USP_STDIO_DEFAULT)) }, -EINVAL, "fds" },
	{ "a terminal among them", { FDS(ADDED(4, USP_STDIO_PTY)) }, -EINVAL, "fds" },
	{ "of kind 9", { FDS(ADDED(4, (enum usp_stdio_kind)9)) }, -EINVAL, "fds" },
	{ "not open", { FDS(ADDED(4, USP_STDIO_FD, .fd = -1)) }, -EBADF, "fds" },
	{ "a duplicate of itself",
	  { FDS(ADDED(4, USP_STDIO_DUP, .fd = 4)) },
	  -EINVAL,
	  "fds" },
	{ "a duplicate of a later one",
	  { FDS(ADDED(4, USP_STDIO_DUP, .fd = 5), ADDED(5, USP_STDIO_PIPE)) },
	  0,
	  "" },
	{ "a file without a path among them",
	  { FDS(ADDED(4, USP_STDIO_FILE)) },
	  -EINVAL,
	  "fds" },
	{ "a number and no list", { .n_fds = 1 }, -EINVAL, "fds" },
	{ "more than there may be",
	  { .n_fds = USP_FDS_MAX + 1, .fds = (const struct usp_fd[1]){ { 0 } } },
	  -EINVAL,
	  "fds" },

	/* Terminals. */
	{ "a terminal", { STDIO(1, USP_STDIO_PTY) }, 0, "" },
	{ "a terminal in a session",
	  { STDIO(1, USP_STDIO_PTY), .group = USP_GROUP_SESSION },
	  0,
	  "" },
	{ "a terminal in the same group",
	  { STDIO(1, USP_STDIO_PTY), .group = USP_GROUP_SAME },
	  -EINVAL,
	  "pty" },
	{ "a terminal in the foreground of another",
	  { STDIO(1, USP_STDIO_PTY), .group = USP_GROUP_FOREGROUND },
	  -EINVAL,
	  "pty" },
	{ "a terminal beside the pipe whose number it has",
	  { STDIO(0, USP_STDIO_PTY) },
	  -EINVAL,
	  "pty" },
	{ "a terminal beside a piped stdin",
	  { .stdio = { { .kind = USP_STDIO_PIPE }, { .kind = USP_STDIO_PTY } } },
	  -EINVAL,
	  "pty" },
	{ "a terminal beside files",
	  { .stdio = { { .kind = USP_STDIO_PTY },
		       { .kind = USP_STDIO_FILE, .path = "x" },
		       { .kind = USP_STDIO_PIPE } } },
	  0,
	  "" },

	/* Values. */
	{ "a flag that there is not", { .flags = 64 }, -EINVAL, "flags" },
	{ "a value that there is not", { .set = 16 }, -EINVAL, "set" },
	{ "umask 0777", { .set = USP_SET_UMASK, .umask = 0777 }, 0, "" },
	{ "umask 01000", { .set = USP_SET_UMASK, .umask = 01000 }, -EINVAL, "umask" },
	{ "umask 01000, which does not count", { .umask = 01000 }, 0, "" },
	{ "nice -20", { .set = USP_SET_NICE, .nice = -20 }, 0, "" },
	{ "nice 19", { .set = USP_SET_NICE, .nice = 19 }, 0, "" },
	{ "nice -21", { .set = USP_SET_NICE, .nice = -21 }, -EINVAL, "nice" },
	{ "nice 20", { .set = USP_SET_NICE, .nice = 20 }, -EINVAL, "nice" },
	{ "nice 20, which does not count", { .nice = 20 }, 0, "" },
	{ "oom_score_adj 1000",
	  { .set = USP_SET_OOM_SCORE_ADJ, .oom_score_adj = 1000 },
	  0,
	  "" },
	{ "oom_score_adj 1001",
	  { .set = USP_SET_OOM_SCORE_ADJ, .oom_score_adj = 1001 },
	  -EINVAL,
	  "oom_score_adj" },
	{ "oom_score_adj -1001",
	  { .set = USP_SET_OOM_SCORE_ADJ, .oom_score_adj = -1001 },
	  -EINVAL,
	  "oom_score_adj" },
	{ "credentials", { .set = USP_SET_CREDENTIALS, .uid = 1, .gid = 1 }, 0, "" },
	{ "uid -1",
	  { .set = USP_SET_CREDENTIALS, .uid = (uid_t)-1 },
	  -EINVAL,
	  "credentials" },
	{ "gid -1",
	  { .set = USP_SET_CREDENTIALS, .gid = (gid_t)-1 },
	  -EINVAL,
	  "credentials" },
	{ "group -1",
	  { .set = USP_SET_CREDENTIALS, .groups = groups, .n_groups = 2 },
	  -EINVAL,
	  "credentials" },
	{ "a number of groups and no list",
	  { .set = USP_SET_CREDENTIALS, .n_groups = 2 },
	  -EINVAL,
	  "credentials" },
	{ "too many groups",
	  { .set = USP_SET_CREDENTIALS,
	    .groups = groups,
	    .n_groups = USP_GROUPS_MAX + 1 },
	  -EINVAL,
	  "credentials" },
	{ "credentials that do not count",
	  { .uid = (uid_t)-1, .groups = groups, .n_groups = USP_GROUPS_MAX + 1 },
	  0,
	  "" },
	{ "limits",
	  { .rlimits = { { RLIMIT_CORE, 0, 0 }, { 15, 1, UINT64_MAX } }, .n_rlimits = 2 },
	  0,
	  "" },
	{ "limit 16",
	  { .rlimits = { { 16, 0, 0 } }, .n_rlimits = 1 },
	  -EINVAL,
	  "rlimits" },
	{ "limit -1",
	  { .rlimits = { { -1, 0, 0 } }, .n_rlimits = 1 },
	  -EINVAL,
	  "rlimits" },
	{ "a limit twice",
	  { .rlimits = { { RLIMIT_CORE, 0, 0 }, { RLIMIT_CORE, 0, 0 } }, .n_rlimits = 2 },
	  -EINVAL,
	  "rlimits" },
	{ "a soft limit above the hard one",
	  { .rlimits = { { RLIMIT_CORE, 2, 1 } }, .n_rlimits = 1 },
	  -EINVAL,
	  "rlimits" },
	{ "more limits than there are", { .n_rlimits = 17 }, -EINVAL, "rlimits" },
	{ "an empty cgroup", { .cgroup = { .path = "" } }, -EINVAL, "cgroup" },
	{ "too long a cgroup", { .cgroup = { .path = too_long } }, -E2BIG, "cgroup" },
	{ "a cgroup with limits",
	  { .cgroup = { .path = "a", .pids_max = 1 } },
	  -EINVAL,
	  "cgroup" },
	{ "output action 2",
	  { .output_action = (enum usp_output_action)2 },
	  -EINVAL,
	  "output" },
	{ "a tail",
	  { .output_action = USP_OUTPUT_DROP,
	    .output_max_bytes = 1 << 21,
	    .output_tail_bytes = 1 << 20 },
	  0,
	  "" },
	{ "a tail of more than 1 MiB",
	  { .output_action = USP_OUTPUT_DROP,
	    .output_max_bytes = 1 << 21,
	    .output_tail_bytes = (1 << 20) + 1 },
	  -EINVAL,
	  "output" },
	{ "a tail longer than all",
	  { .output_action = USP_OUTPUT_DROP,
	    .output_max_bytes = 10,
	    .output_tail_bytes = 11 },
	  -EINVAL,
	  "output" },
	{ "a tail of what is killed",
	  { .output_max_bytes = 10, .output_tail_bytes = 1 },
	  -EINVAL,
	  "output" },
	{ "drain action 2",
	  { .drain_action = (enum usp_drain_action)2 },
	  -EINVAL,
	  "drain" },
	{ "kill who holds a pipe", { .drain_action = USP_DRAIN_KILL }, 0, "" },
	{ "kill who holds a pipe, but only the process",
	  { .drain_action = USP_DRAIN_KILL, .kill.target = USP_TARGET_PROCESS },
	  -EINVAL,
	  "drain" },
	{ "kill who holds a pipe in the same group",
	  { .drain_action = USP_DRAIN_KILL, .group = USP_GROUP_SAME },
	  -EINVAL,
	  "drain" },
	{ "released", { .gone = USP_GONE_RELEASE }, 0, "" },
	{ "released in a cgroup that is there",
	  { .gone = USP_GONE_RELEASE, .cgroup.path = "/a" },
	  0,
	  "" },
	{ "released in one of its own",
	  { .gone = USP_GONE_RELEASE, .flags = USP_FLAG_CGROUP },
	  -EINVAL,
	  "gone" },
	{ "released with limits of memory",
	  { .gone = USP_GONE_RELEASE, .cgroup.memory_max_bytes = 1 << 20 },
	  -EINVAL,
	  "gone" },
	{ "released with limits of processes",
	  { .gone = USP_GONE_RELEASE, .cgroup.pids_max = 1 },
	  -EINVAL,
	  "gone" },
	{ "released with limits of time",
	  { .gone = USP_GONE_RELEASE, .cgroup.cpu_milli = 1 },
	  -EINVAL,
	  "gone" },
	{ "released with its tree",
	  { .gone = USP_GONE_RELEASE, .kill.target = USP_TARGET_TREE },
	  -EINVAL,
	  "gone" },
	{ "gone 3", { .gone = (enum usp_gone)3 }, -EINVAL, "gone" },
};

static int try(const struct usp_options *options, struct spec **ret_spec,
	       const char **ret_field)
{
	const struct spec_input input = { .argv = { .vector = only_true },
					  .options = *options };

	memset(too_long, 'x', PATH_MAX);
	memset(longest, 'x', PATH_MAX - 1);
	return spec_new(&input, ret_spec, ret_field);
}

ParameterizedTestParameters(spec_options, rules)
{
	static size_t number[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(rows));
}

ParameterizedTest(size_t *number, spec_options, rules)
{
	const struct row *row = &rows[*number];
	const char *field = "";
	struct spec *spec = NULL;
	int ret = try(&row->options, &spec, &field);

	cr_assert(eq(int, ret, row->want), "%s", row->name);
	cr_assert(eq(str, (char *)field, (char *)row->field), "%s", row->name);
	cr_assert(eq(int, spec != NULL, ret == 0), "%s", row->name);
	spec_free(spec);
}

/* ---- the list ------------------------------------------------------------ */

CLEAN_TEST(spec_options, the_list_is_in_the_order_of_its_numbers)
{
	const struct usp_options options = {
		.stdio = { { .kind = USP_STDIO_DUP, .fd = 7 },
			   { .kind = USP_STDIO_DUPLEX } },
		FDS(ADDED(9, USP_STDIO_PIPE), ADDED(4, USP_STDIO_DUP, .fd = 9),
		    ADDED(200, USP_STDIO_NULL),
		    ADDED(7, USP_STDIO_PIPE, .direction = USP_DIRECTION_READ)),
	};
	static const int targets[] = { 0, 1, 2, 4, 7, 9, 200 };
	static const char *const names[] = { "stdin",	      "stdout",
					     "stderr",	      "descriptor 4",
					     "descriptor 7",  "descriptor 9",
					     "descriptor 200" };
	const char *field;
	struct spec *spec;

	cr_assert(eq(int, try(&options, &spec, &field), 0));
	cr_assert(eq(sz, spec->n_fds, ARRAY_SIZE(targets)));
	for (size_t i = 0; i < spec->n_fds; i++) {
		cr_assert(eq(int, spec->fds[i].target, targets[i]));
		cr_assert(eq(str, (char *)spec->fds[i].name, (char *)names[i]));
	}
	cr_assert(eq(sz, spec->fds[0].same_as, 4));
	cr_assert(eq(sz, spec->fds[3].same_as, 5));
	cr_assert(spec->fds[4].is_read && !spec->fds[5].is_read);
	spec_free(spec);
}

CLEAN_TEST(spec_options, what_is_the_terminal_is_one_descriptor)
{
	const struct usp_options options = {
		.stdio = { { .kind = USP_STDIO_NULL },
			   { .kind = USP_STDIO_PTY },
			   { .kind = USP_STDIO_PTY } },
		FDS(ADDED(5, USP_STDIO_DUP, .fd = 2)),
	};
	const char *field;
	struct spec *spec;

	cr_assert(eq(int, try(&options, &spec, &field), 0));
	cr_assert(eq(int, spec->fds[1].kind, USP_STDIO_PTY));
	cr_assert(eq(int, spec->fds[2].kind, USP_STDIO_DUP));
	cr_assert(eq(sz, spec->fds[2].same_as, 1));
	cr_assert(eq(sz, spec->fds[3].same_as, 1));
	cr_assert(eq(int, spec->options.group, USP_GROUP_SESSION));
	cr_assert(eq(int, spec->options.pty.rows, 24));
	cr_assert(eq(int, spec->options.pty.columns, 80));
	spec_free(spec);
}

CLEAN_TEST(spec_options, how_a_file_is_opened_is_complete)
{
	const struct usp_options options = {
		.stdio = { { FILE_AT("a") },
			   { FILE_AT("b") },
			   { FILE_AT("c"), .flags = O_RDWR | O_CLOEXEC, .mode = 0600 } },
		FDS(ADDED(5, FILE_AT("d"), .direction = USP_DIRECTION_READ)),
	};
	static const int flags[] = { O_RDONLY, O_WRONLY | O_CREAT | O_TRUNC, O_RDWR,
				     O_RDONLY };
	static const unsigned modes[] = { 0666, 0666, 0600, 0666 };
	const char *field;
	struct spec *spec;

	cr_assert(eq(int, try(&options, &spec, &field), 0));
	for (size_t i = 0; i < spec->n_fds; i++) {
		cr_assert(eq(int, spec->fds[i].flags, flags[i]));
		cr_assert(eq(uint, spec->fds[i].mode, modes[i]));
		cr_assert(eq(chr, spec->fds[i].path[0], (char)('a' + i)));
	}
	spec_free(spec);
}

/* All that it points to is its own. */
CLEAN_TEST(spec_options, nothing_is_borrowed)
{
	gid_t two[] = { 5, 6 };
	char cgroup[] = "a/b", path[] = "file";
	struct usp_fd fd = { 3, { .kind = USP_STDIO_FILE, .path = path } };
	struct usp_options options = {
		.set = USP_SET_CREDENTIALS,
		.groups = two,
		.n_groups = 2,
		.cgroup.path = cgroup,
		.fds = &fd,
		.n_fds = 1,
	};
	const char *field;
	struct spec *spec;

	cr_assert(eq(int, try(&options, &spec, &field), 0));
	memset(two, 0, sizeof(two));
	memset(cgroup, 'z', sizeof(cgroup) - 1);
	memset(path, 'z', sizeof(path) - 1);
	memset(&fd, 0, sizeof(fd));
	cr_assert(eq(int, (int)spec->options.groups[0], 5));
	cr_assert(eq(int, (int)spec->options.groups[1], 6));
	cr_assert(eq(str, (char *)spec->options.cgroup.path, "a/b"));
	cr_assert(eq(str, (char *)spec->fds[3].path, "file"));
	cr_assert(spec->options.fds == NULL && spec->options.argv == NULL);
	spec_free(spec);
	/* What does not count is not looked at. */
	options.set = 0;
	options.n_fds = 0;
	cr_assert(eq(int, try(&options, &spec, &field), 0));
	cr_assert(spec->options.groups == NULL);
	spec_free(spec);
}

/* ---- descriptors --------------------------------------------------------- */

static struct usp_stdio some_fd(void)
{
	return (struct usp_stdio){ .kind = USP_STDIO_FD, .fd = eventfd(0, EFD_CLOEXEC) };
}

CLEAN_TEST(spec_options, descriptors_are_closed_with_it_or_when_it_is_refused)
{
	int before = open_fds();
	struct usp_fd fds[3];
	const char *field;
	struct spec *spec;

	for (int good = 0; good < 2; good++) {
		struct usp_options options = { .fds = fds, .n_fds = 3 };

		for (int i = 0; i < 3; i++)
			fds[i] = (struct usp_fd){ 3 + i, some_fd() };
		if (!good)
			fds[1].target = 1;
		cr_assert(eq(int, try(&options, &spec, &field), good ? 0 : -EINVAL));
		cr_assert(eq(int, open_fds(), good ? before + 3 : before));
		if (good)
			spec_free(spec);
		cr_assert(eq(int, open_fds(), before));
	}
}
