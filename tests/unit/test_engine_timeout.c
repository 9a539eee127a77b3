/*
 * The engine: how long a process may wait, be launched, and say nothing.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "process/process.h"
#include "support/clean.h"
#include "support/deny.h"
#include "support/record.h"

TestSuite(engine_timeout, .timeout = 60);

static const struct usp_engine_options one_at_a_time = {
	.size = sizeof(one_at_a_time),
	.launchers = 1,
	.running_max = 1,
};

/* ---- in the queue -------------------------------------------------------- */

CLEAN_TEST(engine_timeout, what_gets_no_place_in_time_fails)
{
	struct usp_engine *engine = record_engine(&one_at_a_time);
	struct record first = { 0 }, r = { 0 };
	char text[100];

	record_spawn(&first, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever"))));
	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("true")),
				  .queue_timeout_ns = 20 * NS_PER_MS));
	record_wait(&r);
	cr_assert(eq(str, r.order, "f."));
	cr_assert(eq(int, r.failure.stage, USP_STAGE_ADMISSION));
	cr_assert(eq(int, r.failure.error, ETIMEDOUT));
	cr_assert(eq(str, r.path, "queue-timeout"));
	cr_assert(eq(int, r.end.reason, USP_REASON_QUEUE_TIMEOUT));
	cr_assert(ge(u64, r.end.timings.queued_ns, 20 * NS_PER_MS));
	cr_assert(eq(int, usp_shell_code(&r.end, NULL, &r.failure), 124));
	cr_assert(eq(str, (char *)usp_failure_text(&r.failure, text, sizeof(text)),
		     "not started: it waited for a place for as long as it was to"));
	cr_assert(not(first.ended));
	usp_process_kill(first.process);
	record_wait(&first);
	record_done(&first);
	record_done(&r);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_timeout, who_has_a_place_waits_no_more)
{
	struct usp_engine *engine = record_engine(&one_at_a_time);
	struct record r = { 0 };
	struct process *p;

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever")),
				  .queue_timeout_ns = 60 * NS_PER_S));
	p = process_of(r.process);
	cr_assert(eq(int, p->state, PROCESS_LAUNCHING));
	cr_assert(not(p->deadline.node.linked));
	usp_process_kill(r.process);
	record_wait(&r);
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	record_done(&r);
	usp_engine_free(engine);
}

/* ---- the launch ---------------------------------------------------------- */

static void expect_launch_timeout(uint64_t launch_ns, uint64_t run_ns, uint64_t least_ns)
{
	int listener = deny_hang(SYS_chdir);
	struct record r = { 0 };

	RUN(&r, .argv = ARGV("/bin/true"), .cwd = "/", .launch_timeout_ns = launch_ns,
	    .timeout_ns = run_ns);
	cr_assert(eq(str, r.order, "f."));
	cr_assert(eq(int, r.failure.stage, USP_STAGE_CHDIR));
	cr_assert(eq(int, r.failure.signal, SIGKILL));
	cr_assert(eq(int, r.end.reason, USP_REASON_LAUNCH_TIMEOUT));
	cr_assert(ge(u64, r.end.timings.launch_ns, least_ns));
	cr_assert(eq(int, usp_shell_code(&r.end, NULL, &r.failure), 124));
	record_done(&r);
	close(listener);
}

CLEAN_TEST(engine_timeout, a_launch_has_a_limit_of_its_own)
{
	expect_launch_timeout(30 * NS_PER_MS, 0, 30 * NS_PER_MS);
}

CLEAN_TEST(engine_timeout, a_launch_may_take_less_than_the_run)
{
	expect_launch_timeout(30 * NS_PER_MS, 60 * NS_PER_S, 30 * NS_PER_MS);
}

CLEAN_TEST(engine_timeout, a_launch_may_not_take_longer_than_the_run)
{
	expect_launch_timeout(60 * NS_PER_S, 30 * NS_PER_MS, 30 * NS_PER_MS);
}

static void turn_until_started(struct record *r)
{
	while (!r->started)
		cr_assert(eq(int, engine_wait(r->engine), 0));
}

CLEAN_TEST(engine_timeout, what_runs_is_no_launch)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever")),
				  .launch_timeout_ns = 60 * NS_PER_S));
	cr_assert(process_of(r.process)->deadline.node.linked);
	turn_until_started(&r);
	cr_assert(not(process_of(r.process)->deadline.node.linked));
	usp_process_kill(r.process);
	record_wait(&r);
	record_done(&r);
	usp_engine_free(engine);
}

/* ---- silence ------------------------------------------------------------- */

CLEAN_TEST(engine_timeout, who_says_nothing_is_ended)
{
	struct record r = { 0 };

	RUN(&r, .argv = ARGV(PROGRAM("sleep_forever")),
	    .idle_timeout_ns = 20 * NS_PER_MS);
	cr_assert(eq(int, r.end.reason, USP_REASON_IDLE_TIMEOUT));
	cr_assert(eq(int, r.exit.signal, SIGTERM));
	cr_assert(ge(u64, r.end.timings.running_ns, 19 * NS_PER_MS));
	cr_assert(eq(int, usp_shell_code(&r.end, &r.exit, NULL), 124));
	record_done(&r);
}

/* It has exited; who holds its pipe says nothing. */
CLEAN_TEST(engine_timeout, silence_after_the_exit_is_silence)
{
	struct record r = { 0 };

	RUN(&r, .argv = SHELL(PROGRAM("sleep_forever") " &"),
	    .idle_timeout_ns = 50 * NS_PER_MS, .kill = { .signal = SIGKILL });
	cr_assert(eq(int, r.exit.code, 0));
	cr_assert(eq(int, r.end.reason, USP_REASON_IDLE_TIMEOUT));
	cr_assert(eq(int, usp_shell_code(&r.end, &r.exit, NULL), 124));
	record_done(&r);
}

/* Let the timer fire now. */
static void look_now(struct record *r)
{
	struct process *p = process_of(r->process);

	cr_assert(p->idle.node.linked);
	timer_arm(p->host->reactor, &p->idle, 0);
	cr_assert(eq(int, usp_engine_turn(r->engine), 0));
}

CLEAN_TEST(engine_timeout, what_was_said_moves_the_deadline_when_it_is_looked_at)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };
	struct process *p;
	uint64_t before_ns;

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("cat"),
				  .stdio = { { .kind = USP_STDIO_PIPE } },
				  .idle_timeout_ns = 60 * NS_PER_S));
	turn_until_started(&r);
	p = process_of(r.process);
	before_ns = p->idle.node.key;
	cr_assert(eq(u64, before_ns, p->execed_ns + 60 * NS_PER_S));
	usp_process_write(r.process, "x", 1);
	while (buf_size(&r.out[1]) == 0)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(eq(u64, p->idle.node.key, before_ns), "a byte moves no timer");
	look_now(&r);
	cr_assert(not(p->reason));
	cr_assert(lt(u64, before_ns, p->idle.node.key));
	cr_assert(eq(u64, p->idle.node.key,
		     channels_active_ns(&p->channels) + 60 * NS_PER_S));
	usp_process_close_stdin(r.process);
	record_wait(&r);
	record_expect_exit(&r, 0);
	record_done(&r);
	usp_engine_free(engine);
}

enum hold { BY_CREDIT, BY_PAUSE };

/* Who may not speak is not silent; when it may, its time begins anew. */
static void expect_held(enum hold hold)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };
	struct process *p;

	record_spawn(
		&r, engine,
		&USP_OPTIONS(.argv = SHELL("echo 12345; exec " PROGRAM("sleep_forever")),
			     .window_bytes = hold == BY_CREDIT ? 3 : 0,
			     .idle_timeout_ns = 60 * NS_PER_S));
	p = process_of(r.process);
	while (buf_size(&r.out[1]) < 3)
		cr_assert(eq(int, engine_wait(engine), 0));
	if (hold == BY_PAUSE)
		engine_pause(r.process, true);
	p->spec->options.idle_timeout_ns = 1;
	for (int i = 0; i < 3; i++) {
		look_now(&r);
		cr_assert(not(p->reason), "it was held");
	}
	p->spec->options.idle_timeout_ns = 60 * NS_PER_S;
	if (hold == BY_PAUSE)
		engine_pause(r.process, false);
	else
		usp_process_credit(r.process, 1, 1000);
	look_now(&r);
	cr_assert(not(p->reason), "it may speak since a moment ago");
	p->spec->options.idle_timeout_ns = 1;
	look_now(&r);
	record_wait(&r);
	cr_assert(eq(int, r.end.reason, USP_REASON_IDLE_TIMEOUT));
	record_done(&r);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_timeout, who_has_no_credit_is_not_silent)
{
	expect_held(BY_CREDIT);
}

CLEAN_TEST(engine_timeout, who_is_paused_is_not_silent)
{
	expect_held(BY_PAUSE);
}

/* ---- the first cause ----------------------------------------------------- */

CLEAN_TEST(engine_timeout, the_first_cause_wins)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	struct process *p;

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("ignore_term")),
				  .idle_timeout_ns = 20 * NS_PER_MS,
				  .timeout_ns = 60 * NS_PER_S,
				  .kill = { .grace_ns = 60 * NS_PER_S }));
	p = process_of(r.process);
	while (!p->reason)
		cr_assert(eq(int, engine_wait(engine), 0));
	timer_arm(p->host->reactor, &p->deadline, 0);
	while (p->deadline.node.linked)
		cr_assert(eq(int, engine_wait(engine), 0));
	usp_process_kill(r.process);
	engine_abandon(r.process);
	engine_cut(r.process);
	record_wait(&r);
	cr_assert(eq(int, r.end.reason, USP_REASON_IDLE_TIMEOUT));
	cr_assert(eq(int, r.exit.signal, SIGKILL));
	record_done(&r);
	usp_engine_free(engine);
}
