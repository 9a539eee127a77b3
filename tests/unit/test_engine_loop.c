/*
 * The engine in a program's own event loop: it is turned only when its descriptor
 * polls readable, and nothing is ever missed.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "support/clean.h"
#include "support/record.h"
#include "support/wait.h"

TestSuite(engine_loop, .timeout = 60);

#define STDIN_PIPE                                                                       \
	{                                                                                \
		{                                                                        \
			.kind = USP_STDIO_PIPE                                           \
		}                                                                        \
	}

static struct usp_engine *engine;

static void open_engine(const struct usp_engine_options *options)
{
	engine = record_engine(options);
	cr_assert(ge(int, usp_engine_fd(engine), 0));
	cr_assert(eq(int, usp_engine_fd(engine), usp_engine_fd(engine)));
}

/* As a program's own loop does it. */
static void poll_and_turn(void)
{
	cr_assert(wait_fd(usp_engine_fd(engine), POLLIN, WAIT_MS),
		  "there is work, and no sign");
	cr_assert(eq(int, usp_engine_turn(engine), 0));
}

#define poll_until(condition)                                                            \
	do {                                                                             \
		while (!(condition))                                                     \
			poll_and_turn();                                                 \
	} while (0)

CLEAN_TEST(engine_loop, a_process_runs_by_poll_alone)
{
	struct record r = { 0 };

	open_engine(NULL);
	for (int i = 0; i < 100; i++) {
		r = (struct record){ 0 };
		record_spawn(&r, engine, &USP_OPTIONS(.argv = ARGV(PROGRAM("true"))));
		poll_until(r.ended);
		record_expect_exit(&r, 0);
		record_done(&r);
	}
	usp_engine_free(engine);
}

CLEAN_TEST(engine_loop, many_processes_run_by_poll_alone)
{
	enum { MANY = 100 };
	const struct usp_engine_options small = { .size = sizeof(small),
						  .launchers = 3,
						  .running_max = 10,
						  .ring_entries = 32,
						  .read_buffers = 2 };
	static struct record r[MANY];

	open_engine(&small);
	for (int i = 0; i < MANY; i++)
		record_spawn(&r[i], engine,
			     &USP_OPTIONS(.argv = SHELL("seq 1 3000; echo error >&2")));
	for (int i = 0; i < MANY; i++) {
		poll_until(r[i].ended);
		record_expect_exit(&r[i], 0);
		cr_assert(eq(sz, buf_size(&r[i].out[1]),
			     9 * 2 + 90 * 3 + 900 * 4 + 2001 * 5));
		record_done(&r[i]);
	}
	usp_engine_free(engine);
}

CLEAN_TEST(engine_loop, timeouts_make_it_readable)
{
	struct record r = { 0 };

	open_engine(NULL);
	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever")),
				  .ignored_signals = UINT64_C(1) << (SIGTERM - 1),
				  .timeout_ns = 30 * NS_PER_MS,
				  .kill = { .grace_ns = 30 * NS_PER_MS }));
	poll_until(r.ended);
	cr_assert(eq(int, r.end.reason, USP_REASON_TIMEOUT));
	cr_assert(eq(int, r.exit.signal, SIGKILL));
	record_done(&r);
	usp_engine_free(engine);
}

/* A nearer deadline after a farther one. */
CLEAN_TEST(engine_loop, the_nearest_timeout_makes_it_readable)
{
	struct record far = { 0 }, near = { 0 };

	open_engine(NULL);
	record_spawn(&far, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever")),
				  .timeout_ns = 3600 * NS_PER_S));
	poll_until(far.started);
	record_spawn(&near, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever")),
				  .timeout_ns = 20 * NS_PER_MS));
	poll_until(near.ended);
	cr_assert(not(far.ended));
	usp_process_kill(far.process);
	poll_until(far.ended);
	record_done(&far);
	record_done(&near);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_loop, calls_from_outside_a_turn_need_no_other)
{
	struct record r = { 0 }, refused = { 0 }, signalled = { 0 };

	open_engine(NULL);
	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("cat"), .stdio = STDIN_PIPE,
				  .window_bytes = 2));
	poll_until(r.started);
	cr_assert(eq(int, usp_process_write(r.process, "abcd", 4), 0));
	poll_until(buf_size(&r.out[1]) == 2);
	usp_process_credit(r.process, 1, 2);
	poll_until(buf_size(&r.out[1]) == 4);
	usp_process_credit(r.process, 1, 1);
	usp_process_credit(r.process, 2, 1);
	cr_assert(eq(int, usp_process_close_stdin(r.process), 0));
	poll_until(r.ended);
	record_expect_exit(&r, 0);

	record_spawn(&refused, engine, &USP_OPTIONS(.argv = ARGV("")));
	poll_until(refused.ended);
	record_spawn(&signalled, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever"))));
	poll_until(signalled.started);
	cr_assert(eq(int,
		     usp_process_signal(signalled.process, SIGINT, USP_TARGET_PROCESS),
		     0));
	poll_until(signalled.ended);
	record_done(&r);
	record_done(&refused);
	record_done(&signalled);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_loop, it_is_quiet_without_work)
{
	struct record r = { 0 };

	open_engine(NULL);
	record_spawn(&r, engine, &USP_OPTIONS(.argv = ARGV("cat"), .stdio = STDIN_PIPE));
	poll_until(r.started);
	for (int i = 0; i < 5; i++)
		cr_assert(eq(int, usp_engine_turn(engine), 0));
	cr_assert(not(wait_fd(usp_engine_fd(engine), POLLIN, 50)), "it would spin");
	usp_process_kill(r.process);
	poll_until(r.ended);
	record_done(&r);
	usp_engine_free(engine);
}

/* The descriptor may be asked for when processes run already. */
CLEAN_TEST(engine_loop, its_descriptor_may_come_late)
{
	struct record r = { 0 };

	engine = record_engine(NULL);
	record_spawn(&r, engine, &USP_OPTIONS(.argv = SHELL("echo hello")));
	poll_until(r.ended);
	record_expect_exit(&r, 0);
	record_done(&r);
	usp_engine_free(engine);
}
