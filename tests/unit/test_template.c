/*
 * Templates of an engine: what a spawn does not say is theirs.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "api/options.h"
#include "support/clean.h"
#include "support/record.h"

/* Keep @options, and forget that they were ever there. */
static struct usp_template *keep(struct usp_engine *engine,
				 const struct usp_options *options)
{
	struct usp_template *kept = NULL;

	cr_assert(eq(int, usp_template_new(engine, options, &kept), 0));
	return kept;
}

static void on_nothing(struct usp_process *process, const struct usp_event *event,
		       void *user)
{
	(void)process;
	(void)event;
	(void)user;
}

#define PRINT_ENV SHELL("echo \"$A-$B-$C-$D\"; pwd")

CLEAN_TEST(template, a_spawn_says_only_what_differs)
{
	struct usp_engine *engine = record_engine(NULL);
	char cwd[] = "/usr", env[] = "A=1";
	const char *const envp[] = { env, "B=2", "PATH=/bin:/usr/bin", NULL };
	struct usp_template *kept =
		keep(engine, &USP_OPTIONS(.argv = PRINT_ENV, .envp = envp, .cwd = cwd));
	struct record first = { 0 }, second = { 0 };

	/* It is a copy. */
	memset(cwd, 'x', sizeof(cwd) - 1);
	memset(env, 'x', sizeof(env) - 1);
	record_spawn(&first, engine, &USP_OPTIONS(.base = kept));
	record_spawn(&second, engine, &USP_OPTIONS(.base = kept, .cwd = "/"));
	record_wait(&first);
	record_wait(&second);

	record_expect_exit(&first, 0);
	cr_assert(eq(str, (char *)record_text(&first, 1), "1-2--\n/usr\n"));
	cr_assert(eq(str, (char *)record_text(&second, 1), "1-2--\n/\n"));
	record_done(&first);
	record_done(&second);
	cr_assert(usp_template_free(kept) == NULL);
	usp_engine_free(engine);
}

CLEAN_TEST(template, its_environment_is_extended_in_layers)
{
	struct usp_engine *engine = record_engine(NULL);
	const char *const envp[] = { "A=1", "B=2", "C=3", NULL };
	struct usp_template *kept = keep(
		engine, &USP_OPTIONS(.argv = PRINT_ENV, .cwd = "/", .envp = envp,
				     .env_extend = (const char *const[]){ "D=4", NULL },
				     .env_unset = (const char *const[]){ "B", NULL }));
	struct record layered = { 0 }, replaced = { 0 };

	record_spawn(
		&layered, engine,
		&USP_OPTIONS(.base = kept,
			     .env_extend = (const char *const[]){ "B=5", "A=6", NULL },
			     .env_unset = (const char *const[]){ "C", NULL }));
	record_spawn(&replaced, engine,
		     &USP_OPTIONS(.base = kept, .envp = (const char *const[]){ NULL }));
	record_wait(&layered);
	record_wait(&replaced);

	cr_assert(eq(str, (char *)record_text(&layered, 1), "6-5--4\n/\n"));
	cr_assert(eq(str, (char *)record_text(&replaced, 1), "---\n/\n"));
	record_done(&layered);
	record_done(&replaced);
	usp_template_free(kept);
	usp_engine_free(engine);
}

CLEAN_TEST(template, one_that_is_freed_leaves_its_processes_alone)
{
	struct usp_engine *engine = record_engine(NULL);
	struct usp_template *kept = keep(
		engine, &USP_OPTIONS(.argv = SHELL("echo $A"),
				     .envp = (const char *const[]){ "A=here", NULL }));
	struct record record = { 0 };

	record_spawn(&record, engine, &USP_OPTIONS(.base = kept));
	usp_template_free(kept);
	record_wait(&record);

	cr_assert(eq(str, (char *)record_text(&record, 1), "here\n"));
	record_done(&record);
	usp_engine_free(engine);
}

CLEAN_TEST(template, what_it_may_not_have_is_refused)
{
	struct usp_engine *engine = record_engine(NULL);
	struct usp_template *kept = keep(engine, &USP_OPTIONS(0)), *none = NULL;
	const struct usp_fd fds[] = { { 3, { .kind = USP_STDIO_FD } } };
	struct usp_options newer = USP_OPTIONS(0);

	newer.size = 0;
	cr_assert(eq(int, usp_template_new(engine, &newer, &none), -EINVAL));
	cr_assert(eq(int, usp_template_new(engine, NULL, &none), -EINVAL));
	cr_assert(eq(int, usp_template_new(engine, &USP_OPTIONS(.base = kept), &none),
		     -EINVAL));
	cr_assert(eq(int,
		     usp_template_new(engine,
				      &USP_OPTIONS(.stdio = { { .kind = USP_STDIO_FD } }),
				      &none),
		     -EINVAL));
	cr_assert(
		eq(int,
		   usp_template_new(engine, &USP_OPTIONS(.fds = fds, .n_fds = 1), &none),
		   -EINVAL));
	cr_assert(eq(int, usp_template_new(engine, &USP_OPTIONS(.n_groups = 257), &none),
		     -EINVAL));
	cr_assert(none == NULL, "an output was set on failure");
	cr_assert(usp_template_free(NULL) == NULL);
	usp_template_free(kept);
	usp_engine_free(engine);
}

CLEAN_TEST(template, what_nobody_says_is_still_missing)
{
	struct usp_engine *engine = record_engine(NULL);
	struct usp_template *kept = keep(engine, &USP_OPTIONS(0));
	struct usp_process *process = NULL;

	cr_assert(eq(int,
		     usp_spawn(engine, &USP_OPTIONS(.base = kept, .on_event = on_nothing),
			       &process),
		     -EINVAL));
	cr_assert(eq(int,
		     usp_spawn(engine, &USP_OPTIONS(.base = kept, .argv = ARGV("true")),
			       &process),
		     -EINVAL));
	cr_assert(process == NULL);
	usp_template_free(kept);
	usp_engine_free(engine);
}

/* ---- options on top of options ------------------------------------------------ */

static const struct usp_options base = {
	.stdio = { { USP_STDIO_PIPE }, { USP_STDIO_NULL }, { USP_STDIO_DUP, 1 } },
	.group = USP_GROUP_SESSION,
	.timeout_ns = 1,
	.kill = { SIGINT, USP_TARGET_PROCESS, 2 },
	.flags = USP_FLAG_RUSAGE,
	.set = USP_SET_NICE | USP_SET_CREDENTIALS,
	.nice = 5,
	.uid = 7,
	.gid = 8,
	.n_groups = 1,
	.rlimits = { { 7, 1, 2 } },
	.n_rlimits = 1,
	.cpus = { 3 },
	.cgroup = { .path = "a" },
	.pty = { 1, 2, 3, 4 },
	.gone = USP_GONE_KEEP,
	.pgid = 9,
};

Test(options, what_is_not_said_is_the_base_s)
{
	struct usp_options options = { 0 };

	options_inherit(&options, &base);

	cr_assert(memcmp(&options, &base, sizeof(base)) == 0);
}

/* A cgroup that is there, and one of its own: whichever is said is the one. */
Test(options, one_cgroup_takes_the_place_of_the_other)
{
	const struct usp_options there = { .cgroup = { .path = "a" } };
	const struct usp_options own = { .flags = USP_FLAG_CGROUP | USP_FLAG_RUSAGE };
	struct usp_options to_own = own, to_there = there;

	options_inherit(&to_own, &there);
	options_inherit(&to_there, &own);

	cr_assert(to_own.cgroup.path == NULL);
	cr_assert(eq(u32, to_own.flags, own.flags));
	cr_assert(eq(str, (char *)to_there.cgroup.path, "a"));
	cr_assert(eq(u32, to_there.flags, USP_FLAG_RUSAGE));
}

Test(options, what_is_said_stays)
{
	struct usp_options options = {
		.stdio = { { USP_STDIO_NULL } },
		.timeout_ns = 9,
		.kill = { .grace_ns = 10 },
		.flags = USP_FLAG_PIDFD,
		.set = USP_SET_NICE | USP_SET_UMASK,
		.umask = 0,
		.nice = 0,
		.rlimits = { { 4, 0, 0 } },
		.n_rlimits = 1,
		.cpus = { [1] = 1 },
		.cgroup = { .pids_max = 3 },
		.pty = { .rows = 9 },
	};

	options_inherit(&options, &base);

	cr_assert(eq(int, options.stdio[0].kind, USP_STDIO_NULL));
	cr_assert(eq(int, options.stdio[2].kind, USP_STDIO_DUP));
	cr_assert(eq(u64, options.timeout_ns, 9));
	cr_assert(eq(int, options.kill.signal, SIGINT));
	cr_assert(eq(u64, options.kill.grace_ns, 10));
	cr_assert(eq(u32, options.flags, USP_FLAG_PIDFD | USP_FLAG_RUSAGE));
	cr_assert(
		eq(u32, options.set, USP_SET_NICE | USP_SET_UMASK | USP_SET_CREDENTIALS));
	cr_assert(eq(int, options.nice, 0));
	cr_assert(eq(uint, options.uid, 7));
	cr_assert(eq(int, options.rlimits[0].resource, 4));
	cr_assert(eq(u64, options.cpus[0], 0));
	cr_assert(options.cgroup.path == NULL, "it excludes the limits that are said");
	cr_assert(eq(int, options.pty.columns, 0));
}
