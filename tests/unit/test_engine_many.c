/*
 * The engine: many processes at once, its limits, and its end with processes in
 * every state.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "support/backend.h"
#include "support/clean.h"
#include "support/record.h"

TestSuite(engine_many, .timeout = 60);

#define STDIN_PIPE                                                                       \
	{                                                                                \
		{                                                                        \
			.kind = USP_STDIO_PIPE                                           \
		}                                                                        \
	}

static struct usp_engine_stats stats_of(const struct usp_engine *engine)
{
	struct usp_engine_stats stats;

	usp_engine_stats(engine, &stats);
	return stats;
}

/* ---- at once ------------------------------------------------------------- */

enum { MANY = 500 };
static struct record many[MANY];
static unsigned n_started;
static int fds_at_most;

/* Nobody ends before everybody runs. */
static void on_started_count(struct record *r, const struct usp_event *event)
{
	if (event->kind != USP_EVENT_STARTED || ++n_started < MANY)
		return;
	cr_assert(eq(u64, stats_of(r->engine).running, MANY));
	fds_at_most = open_fds();
	for (int i = 0; i < MANY; i++) {
		cr_assert(eq(int, usp_process_write(many[i].process, "hello", 5), 0));
		cr_assert(eq(int, usp_process_close_stdin(many[i].process), 0));
	}
}

CLEAN_TEST(engine_many, five_hundred_run_at_once)
{
	struct usp_engine *engine = record_engine(NULL);

	for (int i = 0; i < MANY; i++) {
		many[i].also = on_started_count;
		record_spawn(&many[i], engine,
			     &USP_OPTIONS(.argv = ARGV("cat"), .stdio = STDIN_PIPE));
	}
	cr_assert(eq(int, usp_engine_run(engine), 0));
	cr_assert(eq(uint, n_started, MANY));
	/* With epoll they are what they are elsewhere: pidfd and three pipes each. */
	cr_assert(lt(int, fds_at_most, 100 + (on_epoll() ? 4 * MANY : 0)),
		  "their descriptors are in this process's table");
	for (int i = 0; i < MANY; i++) {
		record_expect_exit(&many[i], 0);
		cr_assert(eq(str, (char *)record_text(&many[i], 1), "hello"));
		record_done(&many[i]);
	}
	usp_engine_free(engine);
	cr_assert(no_children());
}

/* A child of this program's own, that is gone already. */
static pid_t make_own(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(9);
	cr_assert(eq(int, waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT), 0));
	return pid;
}

static void on_started_release(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_STARTED && ++n_started == MANY)
		close(*(int *)r->user);
}

/* They wait for the end of one pipe; nothing is told by a signal, or to anybody else. */
CLEAN_TEST(engine_many, exits_at_one_moment_are_each_told_and_nobody_elses)
{
	struct usp_engine *engine = record_engine(NULL);
	pid_t own = make_own();
	sigset_t set;
	int ends[2], status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	for (int i = 0; i < MANY; i++) {
		char script[32];

		snprintf(script, sizeof(script), "read end; exit %d", i % 256);
		many[i].also = on_started_release;
		many[i].user = &ends[1];
		record_spawn(&many[i], engine,
			     &USP_OPTIONS(.argv = SHELL(script),
					  .stdio = { { USP_STDIO_FD, ends[0] },
						     { USP_STDIO_NULL },
						     { USP_STDIO_NULL } }));
	}
	close(ends[0]);
	cr_assert(eq(int, usp_engine_run(engine), 0));
	for (int i = 0; i < MANY; i++) {
		record_expect_exit(&many[i], i % 256);
		record_done(&many[i]);
	}
	usp_engine_free(engine);
	cr_assert(eq(int, waitpid(own, &status, WNOHANG), own), "it was stolen");
	cr_assert(eq(int, WEXITSTATUS(status), 9));
	cr_assert(no_children());
}

/* ---- their pipes ---------------------------------------------------------- */

enum { WIDE_MAX = 64, PIPED = WIDE_MAX + 6, ROUNDS = 2 };
static unsigned n_wide, n_usual;

static int pipe_bytes(pid_t pid, int number)
{
	char path[64];
	int fd, bytes;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, number);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	cr_assert(ge(int, fd, 0));
	bytes = fcntl(fd, F_GETPIPE_SZ);
	close(fd);
	return bytes;
}

static void on_started_measure(struct record *r, const struct usp_event *event)
{
	if (event->kind != USP_EVENT_STARTED || ++n_started % PIPED)
		return;
	for (unsigned i = n_started - PIPED; i < n_started; i++) {
		pid_t pid = usp_process_pid(many[i].process);
		int bytes = pipe_bytes(pid, 1);

		n_wide += bytes == 256 << 10;
		n_usual += bytes == 64 << 10;
		cr_assert(eq(int, pipe_bytes(pid, 2), 64 << 10));
		cr_assert(eq(int, usp_process_close_stdin(many[i].process), 0));
	}
	(void)r;
}

/* A user without privileges has so many pages for his pipes, in all of his programs. */
CLEAN_TEST(engine_many, some_have_a_wide_pipe_and_leave_it_to_the_next)
{
	struct usp_engine *engine = record_engine(NULL);

	for (int round = 0, i = 0; round < ROUNDS; round++) {
		for (; i < (round + 1) * PIPED; i++) {
			many[i].also = on_started_measure;
			record_spawn(
				&many[i], engine,
				&USP_OPTIONS(.argv = ARGV("cat"), .stdio = STDIN_PIPE));
		}
		cr_assert(eq(int, usp_engine_run(engine), 0));
	}
	cr_assert(eq(uint, n_wide, ROUNDS * WIDE_MAX));
	cr_assert(eq(uint, n_usual, ROUNDS * (PIPED - WIDE_MAX)));
	for (int i = 0; i < ROUNDS * PIPED; i++)
		record_done(&many[i]);
	usp_engine_free(engine);
}

/* ---- limits -------------------------------------------------------------- */

static unsigned running_max;

static void on_any_look(struct record *r, const struct usp_event *event)
{
	unsigned running = (unsigned)stats_of(r->engine).running;

	(void)event;
	if (running > running_max)
		running_max = running;
}

CLEAN_TEST(engine_many, no_more_run_than_may)
{
	const struct usp_engine_options three = { .size = sizeof(three),
						  .launchers = 4,
						  .running_max = 3 };
	struct usp_engine *engine = record_engine(&three);

	for (int i = 0; i < 50; i++) {
		many[i].also = on_any_look;
		record_spawn(&many[i], engine,
			     &USP_OPTIONS(.argv = ARGV(PROGRAM("true"))));
	}
	cr_assert(eq(u64, stats_of(engine).running, 3));
	cr_assert(eq(u64, stats_of(engine).queued, 47));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	cr_assert(eq(uint, running_max, 3));
	for (int i = 0; i < 50; i++)
		record_done(&many[i]);
	usp_engine_free(engine);
}

static unsigned n_in_order;

static void on_started_order(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_STARTED)
		cr_assert(r == &many[n_in_order++], "out of order");
}

CLEAN_TEST(engine_many, they_start_in_the_order_they_came)
{
	const struct usp_engine_options one = { .size = sizeof(one),
						.launchers = 1,
						.running_max = 2 };
	struct usp_engine *engine = record_engine(&one);

	for (int i = 0; i < 100; i++) {
		many[i].also = on_started_order;
		record_spawn(&many[i], engine,
			     &USP_OPTIONS(.argv = ARGV(PROGRAM("true"))));
	}
	cr_assert(eq(int, usp_engine_run(engine), 0));
	cr_assert(eq(uint, n_in_order, 100));
	for (int i = 0; i < 100; i++)
		record_done(&many[i]);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_many, more_than_may_wait_are_refused)
{
	const struct usp_engine_options small = {
		.size = sizeof(small), .launchers = 1, .running_max = 1, .queued_max = 2
	};
	struct usp_engine *engine = record_engine(&small);

	for (int i = 0; i < 5; i++)
		record_spawn(&many[i], engine, &USP_OPTIONS(.argv = ARGV("true")));
	cr_assert(eq(u64, stats_of(engine).queued, 2));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	for (int i = 0; i < 5; i++) {
		if (i < 3)
			record_expect_exit(&many[i], 0);
		else
			record_expect_failed(&many[i], USP_STAGE_ADMISSION, EAGAIN,
					     "queued_max");
		record_done(&many[i]);
	}
	usp_engine_free(engine);
}

/* Each needs four slots; the rest waits instead of failing. */
CLEAN_TEST(engine_many, few_descriptors_make_them_wait)
{
	const struct rlimit limit = { .rlim_cur = 256, .rlim_max = 256 };
	struct usp_engine *engine;

	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &limit), 0));
	engine = record_engine(NULL);
	for (int i = 0; i < 200; i++)
		record_spawn(
			&many[i], engine,
			&USP_OPTIONS(.argv = ARGV("echo", "hi"), .stdio = STDIN_PIPE));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	for (int i = 0; i < 200; i++) {
		record_expect_exit(&many[i], 0);
		cr_assert(eq(str, (char *)record_text(&many[i], 1), "hi\n"));
		record_done(&many[i]);
	}
	usp_engine_free(engine);
}

CLEAN_TEST(engine_many, options_of_another_size_are_understood)
{
	struct {
		struct usp_engine_options options;
		char more[8];
	} newer = { .options = { .size = sizeof(newer) }, .more = "x" };
	const struct usp_engine_options none = { .size = 0 };
	const struct usp_engine_options older = {
		.size = offsetof(struct usp_engine_options, running_max),
		.launchers = 1,
		.running_max = 1
	};
	struct usp_engine *engine = NULL;

	cr_assert(eq(int, usp_engine_new(&newer.options, &engine), -E2BIG));
	cr_assert(eq(int, usp_engine_new(&none, &engine), -EINVAL));
	cr_assert(engine == NULL, "set although it failed");
	engine = record_engine(&older);
	record_spawn(&many[0], engine, &USP_OPTIONS(.argv = ARGV("true")));
	record_spawn(&many[1], engine, &USP_OPTIONS(.argv = ARGV("true")));
	cr_assert(eq(u64, stats_of(engine).running, 2),
		  "a field beyond its size was read");
	cr_assert(eq(int, usp_engine_run(engine), 0));
	record_done(&many[0]);
	record_done(&many[1]);
	cr_assert(usp_engine_free(engine) == NULL);
	cr_assert(usp_engine_free(NULL) == NULL);
	cr_assert(eq(int, usp_engine_new(NULL, &engine), 0));
	usp_engine_free(engine);
}

/* ---- the end of an engine ------------------------------------------------ */

static int spawned_at_end = 1;

static void on_end_spawn(struct record *r, const struct usp_event *event)
{
	struct usp_options options = USP_OPTIONS(.argv = ARGV("true"), .user = r);
	struct usp_process *process;

	if (event->kind != USP_EVENT_END)
		return;
	options.on_event = (usp_event_fn *)(void *)abort;
	spawned_at_end = usp_spawn(r->engine, &options, &process);
}

static void expect_all_ended(unsigned n)
{
	unsigned started = 0;

	cr_assert(no_children(), "a process is left");
	for (unsigned i = 0; i < n; i++) {
		cr_assert(many[i].ended, "%u has not ended", i);
		cr_assert(eq(int, many[i].end.reason, USP_REASON_KILLED));
		started += many[i].started;
		if (many[i].started)
			cr_assert(eq(int, many[i].exit.signal, SIGKILL));
		record_done(&many[i]);
	}
	cr_assert(le(uint, started, n));
}

/* Some run, one is being launched perhaps, the rest waits. */
CLEAN_TEST(engine_many, an_engine_that_is_freed_ends_them_all)
{
	const struct usp_engine_options four = { .size = sizeof(four),
						 .launchers = 1,
						 .running_max = 8 };
	struct usp_engine *engine = record_engine(&four);

	for (int i = 0; i < 20; i++) {
		many[i].also = i == 5 ? on_end_spawn : NULL;
		record_spawn(&many[i], engine,
			     &USP_OPTIONS(.argv = ARGV(PROGRAM("ignore_term")),
					  .stdio = STDIN_PIPE));
	}
	while (!many[3].started)
		cr_assert(eq(int, engine_wait(engine), 0));
	usp_engine_free(engine);
	cr_assert(eq(int, spawned_at_end, -ESHUTDOWN));
	expect_all_ended(20);
}

CLEAN_TEST(engine_many, an_engine_may_be_freed_at_once)
{
	for (int round = 0; round < 10; round++) {
		struct usp_engine *engine = record_engine(NULL);

		for (int i = 0; i < 10; i++) {
			many[i] = (struct record){ 0 };
			record_spawn(
				&many[i], engine,
				&USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever"))));
		}
		for (int i = 0; i < round; i++)
			usp_engine_turn(engine);
		usp_engine_free(engine);
		expect_all_ended(10);
	}
}

/* Their output is not waited for, whoever holds it. */
CLEAN_TEST(engine_many, a_freed_engine_does_not_wait_for_what_escaped)
{
	struct usp_engine *engine = record_engine(NULL);
	uint64_t start_ns;
	pid_t escaped;

	record_spawn(&many[0], engine,
		     &USP_OPTIONS(.argv = SHELL("setsid sh -c 'echo $$; exec " PROGRAM(
					  "sleep_forever") "' & wait")));
	while (buf_size(&many[0].out[1]) == 0)
		cr_assert(eq(int, engine_wait(engine), 0));
	escaped = atoi(record_text(&many[0], 1));
	start_ns = clock_now_ns();
	usp_engine_free(engine);
	cr_assert(lt(u64, clock_now_ns() - start_ns, NS_PER_S));
	kill(escaped, SIGKILL);
	expect_all_ended(1);
}
