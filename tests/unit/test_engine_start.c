/*
 * The engine: programs that do not start, each with its stage, errno and path; and
 * which file is executed.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/annotate.h"
#include "process/process.h"
#include "support/clean.h"
#include "support/deny.h"
#include "support/record.h"
#include "support/tmpdir.h"
#include "sys/fd.h"

TestSuite(engine_start, .timeout = 60);

/* A file, or with NULL a directory, in the directory of the test. */
static const char *make(const char *name, const char *text, mode_t mode)
{
	const char *path = tmpdir_path(name);
	FILE *file;

	if (!text) {
		cr_assert(eq(int, mkdir(path, mode), 0));
		return path;
	}
	file = fopen(path, "we");
	cr_assert(file != NULL);
	fputs(text, file);
	fclose(file);
	cr_assert(eq(int, chmod(path, mode), 0));
	return path;
}

#define expect_failed(stage, error, at, ...)                                             \
	do {                                                                             \
		struct record record = { 0 };                                            \
                                                                                         \
		RUN(&record, __VA_ARGS__);                                               \
		record_expect_failed(&record, stage, error, at);                         \
		record_done(&record);                                                    \
	} while (0)

#define expect_exit(code, ...)                                                           \
	do {                                                                             \
		struct record record = { 0 };                                            \
                                                                                         \
		RUN(&record, __VA_ARGS__);                                               \
		record_expect_exit(&record, code);                                       \
		record_done(&record);                                                    \
	} while (0)

/* ---- refused ------------------------------------------------------------- */

CLEAN_TEST(engine_start, a_call_without_the_necessary_is_refused)
{
	struct usp_engine *engine = record_engine(NULL);
	struct {
		struct usp_options options;
		char more[8];
	} newer = { .more = "x" };
	struct usp_options options = { .size = sizeof(options) };
	struct usp_process *process = NULL;

	cr_assert(eq(int, usp_spawn(engine, NULL, &process), -EINVAL));
	cr_assert(eq(int, usp_spawn(engine, &options, &process), -EINVAL));
	options.argv = ARGV("true");
	cr_assert(eq(int, usp_spawn(engine, &options, &process), -EINVAL));
	options.size = 0;
	cr_assert(eq(int, usp_spawn(engine, &options, &process), -EINVAL));
	newer.options.size = sizeof(newer);
	cr_assert(eq(int, usp_spawn(engine, &newer.options, &process), -E2BIG));
	cr_assert(process == NULL, "set although it failed");
	usp_engine_free(engine);
}

CLEAN_TEST(engine_start, what_breaks_a_rule_fails_at_validate)
{
	static const char *const none[] = { NULL };

	expect_failed(USP_STAGE_VALIDATE, EINVAL, "argv", .argv = none);
	expect_failed(USP_STAGE_VALIDATE, EINVAL, "path", .argv = ARGV("x"), .path = "");
	expect_failed(USP_STAGE_VALIDATE, EINVAL, "cwd", .argv = ARGV("x"), .cwd = "");
	expect_failed(USP_STAGE_VALIDATE, EBADF, "stdio", .argv = ARGV("x"),
		      .stdio = { { USP_STDIO_FD, -1 } });
	expect_failed(USP_STAGE_VALIDATE, EBADF, "stdio", .argv = ARGV("x"),
		      .stdio = { { USP_STDIO_FD, 0 }, { USP_STDIO_FD, 19999 } });
}

/* ---- directory ----------------------------------------------------------- */

CLEAN_TEST(engine_start, a_wrong_directory_is_not_a_missing_program)
{
	const char *file = make("file", "", 0644), *below = tmpdir_path("file/dir");

	expect_failed(USP_STAGE_CHDIR, ENOENT, "/no/such/dir", .argv = ARGV("true"),
		      .cwd = "/no/such/dir");
	expect_failed(USP_STAGE_CHDIR, ENOTDIR, file, .argv = ARGV("true"), .cwd = file);
	expect_failed(USP_STAGE_CHDIR, ENOTDIR, below, .argv = ARGV("true"),
		      .cwd = below);
}

CLEAN_TEST(engine_start, a_directory_without_permission_is_said_to_be)
{
	const char *closed = make("closed", NULL, 0);

	/* Root may all; this thread and those that it makes are nobody for files. */
	cr_assert(eq(int, chmod(tmpdir(), 0755), 0));
	setfsuid(65534);
	expect_failed(USP_STAGE_CHDIR, EACCES, closed, .argv = ARGV("true"),
		      .cwd = closed);
	setfsuid(geteuid());
}

/* ---- program ------------------------------------------------------------- */

CLEAN_TEST(engine_start, what_cannot_be_executed_says_why)
{
	const char *plain = make("plain", "#!/bin/sh\n", 0644);
	const char *garbage = make("garbage", "garbage", 0755),
		   *empty = make("empty", "", 0755);
	const char *script = make("script", "#!/nonexistent\n", 0755);

	expect_failed(USP_STAGE_EXEC, ENOENT, "/no/such/program",
		      .argv = ARGV("/no/such/program"));
	expect_failed(USP_STAGE_EXEC, ENOENT, "", .argv = ARGV(""));
	expect_failed(USP_STAGE_EXEC, ENOENT, "no-such-program",
		      .argv = ARGV("no-such-program"));
	expect_failed(USP_STAGE_EXEC, EACCES, tmpdir(), .argv = ARGV(tmpdir()));
	expect_failed(USP_STAGE_EXEC, EACCES, plain, .argv = ARGV(plain));
	expect_failed(USP_STAGE_EXEC, ENOEXEC, garbage, .argv = ARGV(garbage));
	expect_failed(USP_STAGE_EXEC, ENOEXEC, empty, .argv = ARGV("x"), .path = empty);
	expect_failed(USP_STAGE_INTERPRETER, ENOENT, script, .argv = ARGV(script));
}

CLEAN_TEST(engine_start, more_arguments_than_the_kernel_takes_are_said_to_be)
{
	enum { ARGUMENTS = 30, SIZE = 100 << 10 };
	const struct rlimit stack = { .rlim_cur = 8 << 20, .rlim_max = RLIM_INFINITY };
	const char *argv[ARGUMENTS + 2] = { "/bin/true" };
	char *argument = malloc(SIZE + 1);

	memset(argument, 'x', SIZE);
	argument[SIZE] = '\0';
	for (int i = 1; i <= ARGUMENTS; i++)
		argv[i] = argument;
	setrlimit(RLIMIT_STACK, &stack);
	expect_failed(USP_STAGE_EXEC, E2BIG, "/bin/true", .argv = argv);
	free(argument);
}

/* ---- lookup -------------------------------------------------------------- */

/* A PATH of these directories of the test, which are made. */
static const char *search_path(const char *names)
{
	static char path[1024] = "PATH=";
	char copy[64], *rest = copy, *name;

	make("one", NULL, 0755);
	make("one/prog", "#!/bin/sh\nexit 1\n", 0755);
	make("two", NULL, 0755);
	make("two/prog", "#!/bin/sh\nexit 2\n", 0755);
	make("refused", NULL, 0755);
	make("refused/prog", "#!/bin/sh\nexit 3\n", 0644);
	make("broken", NULL, 0755);
	make("broken/prog", "#!/nonexistent\n", 0755);
	make("file", "", 0644);
	snprintf(copy, sizeof(copy), "%s", names);
	while ((name = strsep(&rest, ":")))
		strcat(strcat(path, tmpdir_path(name)), rest ? ":" : "");
	return path;
}

static const struct lookup {
	const char *name, *path;
	enum usp_stage stage;
	int error; /* 0: it runs */
	int code;  /* ... and exits so */
	const char *
		at; /* what the failure names; in the directory of the test if it has a / */
} lookups[] = {
	{ "the first one", "one:two", 0, 0, 1, NULL },
	{ "in order", "two:one", 0, 0, 2, NULL },
	{ "what is not there is passed over", "none:two", 0, 0, 2, NULL },
	{ "what is no directory is passed over", "file:two", 0, 0, 2, NULL },
	{ "what may not be executed is passed over", "refused:one", 0, 0, 1, NULL },
	{ "what lacks its interpreter is passed over", "broken:one", 0, 0, 1, NULL },
	{ "refused goes before missing", "none:refused:none", USP_STAGE_EXEC, EACCES, 0,
	  "refused/prog" },
	{ "refused goes before broken", "broken:refused", USP_STAGE_EXEC, EACCES, 0,
	  "refused/prog" },
	{ "broken goes before missing", "none:broken:none", USP_STAGE_INTERPRETER, ENOENT,
	  0, "broken/prog" },
	{ "nowhere", "none:file", USP_STAGE_EXEC, ENOENT, 0, "prog" },
};

ParameterizedTestParameters(engine_start, lookup)
{
	static size_t number[ARRAY_SIZE(lookups)];

	for (size_t i = 0; i < ARRAY_SIZE(lookups); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(lookups));
}

ParameterizedTest(size_t *number, engine_start, lookup)
{
	const struct lookup *row = &lookups[*number];
	const char *const env[] = { search_path(row->path), NULL };
	struct record r = { 0 };

	RUN(&r, .argv = ARGV("prog"), .envp = env);
	if (!row->error)
		record_expect_exit(&r, row->code);
	else
		record_expect_failed(&r, row->stage, row->error,
				     strchr(row->at, '/') ? tmpdir_path(row->at)
							  : row->at);
	record_done(&r);
}

CLEAN_TEST(engine_start, names_are_looked_up_in_the_childs_directory)
{
	const char *dir = make("dir", NULL, 0755);
	const char *const empty[] = { "PATH=/none:", NULL };

	make("dir/prog", "#!/bin/sh\nexit 5\n", 0755);
	expect_exit(5, .argv = ARGV("./prog"), .cwd = dir);
	expect_exit(5, .argv = ARGV("x"), .path = "prog", .cwd = dir);
	expect_exit(5, .argv = ARGV("prog"), .envp = empty, .cwd = dir);
	expect_exit(5, .argv = ARGV("x"), .search = "prog", .envp = empty, .cwd = dir);
}

/* ---- each step of the child ---------------------------------------------- */

static const struct step {
	long nr;
	int error;
	enum usp_group group;
	enum usp_stage stage;
	const char *path;
} steps[] = {
	{ SYS_dup3, EMFILE, USP_GROUP_NEW, USP_STAGE_STDIO, "stdin" },
	{ SYS_close_range, EINVAL, USP_GROUP_NEW, USP_STAGE_STDIO, "close_range" },
	{ SYS_setpgid, EPERM, USP_GROUP_NEW, USP_STAGE_SESSION, "process group" },
	{ SYS_setsid, EPERM, USP_GROUP_SESSION, USP_STAGE_SESSION, "process group" },
	{ SYS_prlimit64, EPERM, USP_GROUP_SAME, USP_STAGE_LIMITS, "RLIMIT_NOFILE" },
	{ SYS_chdir, ELOOP, USP_GROUP_NEW, USP_STAGE_CHDIR, "/" },
	{ SYS_rt_sigaction, EINVAL, USP_GROUP_NEW, USP_STAGE_SIGNALS,
	  "signal disposition" },
	{ SYS_execve, ENOMEM, USP_GROUP_NEW, USP_STAGE_EXEC, "/bin/true" },
};

ParameterizedTestParameters(engine_start, steps)
{
	static size_t number[2 * ARRAY_SIZE(steps)];

	for (size_t i = 0; i < ARRAY_SIZE(number); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(number));
}

/* The first half fails the step, the second kills the child at it. */
ParameterizedTest(size_t *number, engine_start, steps)
{
	const struct step *step = &steps[*number % ARRAY_SIZE(steps)];
	const struct rlimit limit = { .rlim_cur = 2000, .rlim_max = 3000 };
	bool kills = *number >= ARRAY_SIZE(steps);
	struct record r = { 0 };

	/* Killed at its exec it counts as started; the others are called outside too. */
	if (kills && (step->nr == SYS_execve || step->nr == SYS_prlimit64 ||
		      step->nr == SYS_rt_sigaction || step->nr == SYS_close_range))
		return;
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &limit), 0));
	cr_assert(eq(int, sys_nofile_raise(), 0));
	if (kills)
		deny_kill((int)step->nr);
	else
		deny((int)step->nr, step->error);
	RUN(&r, .argv = ARGV("/bin/true"), .cwd = "/", .group = step->group);
	if (!kills) {
		record_expect_failed(&r, step->stage, step->error, step->path);
	} else {
		cr_assert(eq(str, r.order, "f."));
		cr_assert(eq(int, r.failure.stage, step->stage));
		cr_assert(eq(int, r.failure.error, 0));
		cr_assert(eq(int, r.failure.signal, SIGSYS));
		cr_assert(eq(int, r.end.reason, USP_REASON_FAILED));
	}
	record_done(&r);
}

/* ---- what is kept of it ---------------------------------------------------- */

static void expect_no_program(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_STARTED)
		cr_assert(process_of(r->process)->spec->program == NULL,
			  "it runs, and its argv and environment are still kept");
}

CLEAN_TEST(engine_start, what_it_was_started_with_is_not_kept)
{
	struct record record = { .also = expect_no_program };

	RUN(&record, .argv = ARGV("true"));
	record_expect_exit(&record, 0);
	record_done(&record);
}
