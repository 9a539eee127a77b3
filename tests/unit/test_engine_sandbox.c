/*
 * The engine where a sandbox forbids things, and where a launch hangs.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/annotate.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "support/clean.h"
#include "support/deny.h"
#include "support/record.h"

TestSuite(engine_sandbox, .timeout = 60);

/* ---- the back end -------------------------------------------------------- */

static void expect_backend(const char *name)
{
	struct usp_engine *engine = NULL;

	cr_assert(eq(int, usp_engine_new(NULL, &engine), 0));
	cr_assert(eq(str, (char *)usp_engine_backend(engine), (char *)name));
	usp_engine_free(engine);
}

static void expect_no_engine(int error)
{
	struct usp_engine *engine = NULL;

	cr_assert(eq(int, usp_engine_new(NULL, &engine), -error));
	cr_assert(engine == NULL);
}

CLEAN_TEST(engine_sandbox, the_back_end_is_the_one_that_was_asked_for)
{
	setenv(USP_BACKEND_VARIABLE, "uring", true);
	expect_backend("io_uring");
	setenv(USP_BACKEND_VARIABLE, "epoll", true);
	expect_backend("epoll");
	setenv(USP_BACKEND_VARIABLE, "", true);
	expect_backend("io_uring");
	unsetenv(USP_BACKEND_VARIABLE);
	expect_backend("io_uring");
	setenv(USP_BACKEND_VARIABLE, "Epoll", true);
	expect_no_engine(EINVAL);
}

static const struct refusal {
	int nr, error;
	int told; /* when no other back end may be used */
} refusals[] = {
	{ SYS_io_uring_setup, EPERM, EPERM },
	{ SYS_io_uring_setup, ENOSYS, ENOSYS },
	{ SYS_io_uring_setup, ENOMEM, ENOMEM },
	{ SYS_io_uring_setup, EINVAL, ENOSYS }, /* flags that are too new */
	{ SYS_io_uring_register, EPERM, ENOSYS },
};

ParameterizedTestParameters(engine_sandbox, where_io_uring_is_refused_epoll_does)
{
	static size_t number[ARRAY_SIZE(refusals)];

	for (size_t i = 0; i < ARRAY_SIZE(number); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(number));
}

ParameterizedTest(size_t *number, engine_sandbox, where_io_uring_is_refused_epoll_does)
{
	const struct refusal *refusal = &refusals[*number];
	int before = open_fds();

	deny(refusal->nr, refusal->error);
	unsetenv(USP_BACKEND_VARIABLE);
	expect_backend("epoll");
	setenv(USP_BACKEND_VARIABLE, "uring", true);
	expect_no_engine(refusal->told);
	cr_assert(eq(int, open_fds(), before));
	cr_assert(eq(int, leaks(), 0));
}

/* ---- forbidden ----------------------------------------------------------- */

static void on_signal(int signal)
{
	(void)signal;
	abort();
}

static uint64_t status_mask(struct record *r, const char *name)
{
	const char *line = strstr(record_text(r, 1), name);

	cr_assert(line != NULL);
	return strtoull(line + strlen(name), NULL, 16);
}

/* Everything that a child is promised, made by clone(). */
static void expect_children_as_ever(void)
{
	struct record r = { 0 }, failed = { 0 }, killed = { 0 };

	signal(SIGPIPE, SIG_IGN);
	signal(SIGRTMIN + 3, SIG_IGN);
	signal(SIGUSR1, on_signal);
	RUN(&r, .argv = ARGV("cat", "/proc/self/status"));
	record_expect_exit(&r, 0);
	cr_assert(eq(u64, status_mask(&r, "SigIgn:\t"), 0));
	cr_assert(eq(u64, status_mask(&r, "SigBlk:\t"), 0));
	cr_assert(eq(u64, status_mask(&r, "SigCgt:\t"), 0));
	record_done(&r);

	RUN(&failed, .argv = ARGV("/no/such/program"));
	record_expect_failed(&failed, USP_STAGE_EXEC, ENOENT, "/no/such/program");
	record_done(&failed);

	RUN(&killed, .argv = ARGV(PROGRAM("sleep_forever")),
	    .timeout_ns = 10 * NS_PER_MS);
	cr_assert(eq(int, killed.end.reason, USP_REASON_TIMEOUT));
	record_done(&killed);
}

CLEAN_TEST(engine_sandbox, where_clone3_is_unknown_clone_does)
{
	deny(SYS_clone3, ENOSYS);
	expect_children_as_ever();
}

/* What Docker's profile does. */
CLEAN_TEST(engine_sandbox, where_neither_io_uring_nor_clone3_is_allowed_both_are_replaced)
{
	unsetenv(USP_BACKEND_VARIABLE);
	deny(SYS_io_uring_setup, EPERM);
	deny(SYS_clone3, ENOSYS);
	expect_backend("epoll");
	expect_children_as_ever();
}

/* A profile that kills instead of refusing: where epoll is asked for, nobody asks. */
CLEAN_TEST(engine_sandbox, where_io_uring_is_death_epoll_does_not_touch_it)
{
	deny_kill(SYS_io_uring_setup);
	deny_kill(SYS_io_uring_register);
	deny_kill(SYS_io_uring_enter);
	setenv(USP_BACKEND_VARIABLE, "epoll", true);
	expect_backend("epoll");
	expect_children_as_ever();
}

/* Only the question whether it is allowed: libc's threads need the call itself. */
CLEAN_TEST(engine_sandbox, where_clone3_is_refused_clone_does)
{
	deny_second(SYS_clone3, 0, EPERM);
	expect_children_as_ever();
}

/* In a process that ends at once: leak checkers make threads as well. */
CLEAN_TEST(engine_sandbox, where_neither_is_allowed_there_is_no_engine)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct usp_engine *engine = NULL;
		int ret;

		deny(SYS_clone3, ENOSYS);
		deny(SYS_clone, EAGAIN);
		ret = usp_engine_new(NULL, &engine);
		_exit(ret == -EAGAIN && !engine ? 0 : 1);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, status, 0));
}

/* ---- descriptors --------------------------------------------------------- */

/* It has those that it was to have, whatever is open here, and however much. */
static void expect_three_descriptors(unsigned open)
{
	struct record r = { 0 };
	int fds[400];

	for (unsigned i = 0; i < open; i++)
		cr_assert(ge(int, fds[i] = dup(1), 0));
	RUN(&r, .argv = ARGV(PROGRAM("print_fds")));
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "0\n1\n2\n"));
	record_done(&r);
	for (unsigned i = 0; i < open; i++)
		close(fds[i]);
}

CLEAN_TEST(engine_sandbox, where_close_range_is_unknown_proc_tells_what_to_close)
{
	deny(SYS_close_range, ENOSYS);
	expect_three_descriptors(0);
	expect_three_descriptors(400);
}

CLEAN_TEST(engine_sandbox, where_close_range_is_refused_proc_tells_what_to_close)
{
	deny(SYS_close_range, EPERM);
	expect_three_descriptors(400);
}

/* A launch that would let descriptors through is none. */
/* No CLEAN_TEST: that reads a directory itself. */
Test(engine_sandbox, without_close_range_and_proc_nothing_is_started)
{
	struct record r = { 0 };

	deny(SYS_close_range, EPERM);
	deny(SYS_getdents64, EACCES);
	RUN(&r, .argv = ARGV("/bin/true"));
	record_expect_failed(&r, USP_STAGE_STDIO, EACCES, "close_range");
	record_done(&r);
}

/* ---- a launch that hangs ------------------------------------------------- */

static void expect_stuck(struct record *r, enum usp_stage stage, enum usp_reason reason)
{
	cr_assert(eq(str, r->order, "f."));
	cr_assert(eq(int, r->failure.stage, stage));
	cr_assert(eq(int, r->failure.error, 0));
	cr_assert(eq(int, r->failure.signal, SIGKILL));
	cr_assert(eq(int, r->end.reason, reason));
	record_done(r);
}

static void expect_launch_timeout(int nr, enum usp_stage stage)
{
	int listener = deny_hang(nr);
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };
	struct usp_engine_stats stats;

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("/bin/true"), .cwd = "/",
				  .timeout_ns = 30 * NS_PER_MS));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	usp_engine_stats(engine, &stats);
	cr_assert(eq(u64, stats.launches_stuck, 1));
	cr_assert(ge(u64, r.end.timings.launch_ns, 30 * NS_PER_MS));
	expect_stuck(&r, stage, USP_REASON_LAUNCH_TIMEOUT);
	usp_engine_free(engine);
	close(listener);
	cr_assert(no_children());
}

CLEAN_TEST(engine_sandbox, a_launch_that_hangs_in_its_directory_times_out)
{
	expect_launch_timeout(SYS_chdir, USP_STAGE_CHDIR);
}

CLEAN_TEST(engine_sandbox, a_launch_that_hangs_in_exec_times_out)
{
	expect_launch_timeout(SYS_execve, USP_STAGE_EXEC);
}

CLEAN_TEST(engine_sandbox, a_launch_that_hangs_can_be_killed_and_holds_up_nobody)
{
	int listener = deny_hang(SYS_chdir);
	struct usp_engine *engine = record_engine(NULL);
	struct record stuck = { 0 }, other = { 0 };

	record_spawn(&stuck, engine,
		     &USP_OPTIONS(.argv = ARGV("/bin/true"), .cwd = "/",
				  .kill = { .grace_ns = 20 * NS_PER_MS }));
	record_spawn(&other, engine, &USP_OPTIONS(.argv = ARGV("/bin/true")));
	record_wait(&other);
	record_expect_exit(&other, 0);
	cr_assert(eq(str, stuck.order, ""));
	usp_process_kill(stuck.process);
	record_wait(&stuck);
	expect_stuck(&stuck, USP_STAGE_CHDIR, USP_REASON_KILLED);
	record_done(&other);
	usp_engine_free(engine);
	close(listener);
}

CLEAN_TEST(engine_sandbox, an_engine_is_freed_with_launches_that_hang)
{
	int listener = deny_hang(SYS_chdir);
	struct usp_engine *engine = record_engine(NULL);
	struct record r[5] = { 0 };

	/* Two hang, and the others wait for a launcher. */
	for (int i = 0; i < 5; i++)
		record_spawn(&r[i], engine,
			     &USP_OPTIONS(.argv = ARGV("/bin/true"), .cwd = "/"));
	for (int i = 0; i < 20; i++)
		usp_engine_turn(engine);
	usp_engine_free(engine);
	for (int i = 0; i < 5; i++) {
		cr_assert(eq(str, r[i].order, "f."));
		cr_assert(eq(int, r[i].end.reason, USP_REASON_KILLED));
		record_done(&r[i]);
	}
	close(listener);
	cr_assert(no_children());
}

/* The call is let go, and fails: that is what is told. */
CLEAN_TEST(engine_sandbox, a_launch_that_hung_for_a_while_goes_on)
{
	int listener = deny_hang(SYS_chdir);
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("/bin/true"), .cwd = "/",
				  .timeout_ns = 60 * NS_PER_S));
	for (int i = 0; i < 20; i++)
		usp_engine_turn(engine);
	close(listener);
	cr_assert(eq(int, usp_engine_run(engine), 0));
	record_expect_failed(&r, USP_STAGE_CHDIR, ENOSYS, "/");
	record_done(&r);
	usp_engine_free(engine);
}
