/*
 * The engine: timeouts, the kill plan in each state of a process, and signals.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "process/process.h"
#include "support/alive.h"
#include "support/clean.h"
#include "support/record.h"
#include "support/wait.h"

TestSuite(engine_kill, .timeout = 60);

#define BIT_OF(signal) (UINT64_C(1) << ((signal)-1))

/* ---- timeouts ------------------------------------------------------------ */

CLEAN_TEST(engine_kill, a_timeout_asks_it_to_end)
{
	struct record r = { 0 };

	RUN(&r, .argv = ARGV(PROGRAM("sleep_forever")), .timeout_ns = 20 * NS_PER_MS);
	cr_assert(eq(int, r.end.reason, USP_REASON_TIMEOUT));
	cr_assert(eq(int, r.exit.signal, SIGTERM));
	cr_assert(ge(u64, r.end.timings.launch_ns + r.end.timings.running_ns,
		     20 * NS_PER_MS));
	record_done(&r);
}

CLEAN_TEST(engine_kill, what_does_not_obey_is_killed_after_its_grace)
{
	struct record r = { 0 };

	RUN(&r, .argv = ARGV(PROGRAM("sleep_forever")), .timeout_ns = 20 * NS_PER_MS,
	    .ignored_signals = BIT_OF(SIGTERM), .kill = { .grace_ns = 30 * NS_PER_MS });
	cr_assert(eq(int, r.end.reason, USP_REASON_TIMEOUT));
	cr_assert(eq(int, r.exit.signal, SIGKILL));
	cr_assert(ge(u64, r.end.timings.launch_ns + r.end.timings.running_ns,
		     50 * NS_PER_MS));
	record_done(&r);
}

CLEAN_TEST(engine_kill, the_signal_of_the_plan_is_the_one_sent)
{
	struct record r = { 0 };

	RUN(&r, .argv = ARGV(PROGRAM("sleep_forever")), .timeout_ns = 10 * NS_PER_MS,
	    .kill = { .signal = SIGINT });
	cr_assert(eq(int, r.exit.signal, SIGINT));
	record_done(&r);
}

CLEAN_TEST(engine_kill, an_exit_before_the_timeout_is_an_exit)
{
	struct record r = { 0 };

	RUN(&r, .argv = ARGV(PROGRAM("true")), .timeout_ns = 20 * NS_PER_S);
	record_expect_exit(&r, 0);
	record_done(&r);
}

/* The second one waits for its place longer than it may run. */
CLEAN_TEST(engine_kill, waiting_for_a_place_does_not_count)
{
	const struct usp_engine_options one = { .size = sizeof(one),
						.launchers = 1,
						.running_max = 1 };
	struct usp_engine *engine = record_engine(&one);
	struct record first = { 0 }, r = { 0 };

	record_spawn(&first, engine, &USP_OPTIONS(.argv = ARGV("sleep", "0.5")));
	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("true")),
				  .timeout_ns = 300 * NS_PER_MS));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	record_expect_exit(&r, 0);
	record_done(&first);
	record_done(&r);
	usp_engine_free(engine);
}

/* ---- the group ----------------------------------------------------------- */

static void on_output_kill(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_OUTPUT)
		usp_process_kill(r->process);
}

/* Its child says its own pid, and it waits for the child. */
#define PARENT(setsid)                                                                   \
	SHELL(setsid "sh -c 'echo $$; exec " PROGRAM("sleep_forever") "' & wait")

CLEAN_TEST(engine_kill, the_group_is_killed_with_it)
{
	struct record r = { .also = on_output_kill };
	bool gone;

	RUN(&r, .argv = PARENT(""));
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	gone = wait_until(is_gone(atoi(record_text(&r, 1))), WAIT_MS);
	cr_assert(gone, "its child is left");
	record_done(&r);
}

/* The leader obeys and is reaped; its child, which does not, is killed with the group. */
CLEAN_TEST(engine_kill, the_group_is_killed_although_its_leader_is_gone)
{
	struct record r = { .also = on_output_kill };
	bool gone;

	RUN(&r,
	    .argv = SHELL("(trap '' TERM; exec " PROGRAM(
		    "sleep_forever") ") & "
				     "sleep 0.05; echo $!; wait"),
	    .kill = { .grace_ns = 50 * NS_PER_MS });
	cr_assert(eq(int, r.exit.signal, SIGTERM));
	gone = wait_until(is_gone(atoi(record_text(&r, 1))), WAIT_MS);
	cr_assert(gone, "its child is left");
	record_done(&r);
}

/* Whoever has left the group may hold the pipe for ever; the end does not wait for it. */
CLEAN_TEST(engine_kill, what_escaped_the_group_is_not_waited_for)
{
	struct record r = { .also = on_output_kill };
	pid_t escaped;

	RUN(&r, .argv = PARENT("setsid "), .kill = { .signal = SIGKILL });
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	cr_assert(r.eof[1] && r.eof[2]);
	escaped = atoi(record_text(&r, 1));
	cr_assert(not(is_gone(escaped)));
	kill(escaped, SIGKILL);
	record_done(&r);
}

CLEAN_TEST(engine_kill, the_process_alone_is_killed_when_asked_for)
{
	struct record r = { .also = on_output_kill };
	pid_t left;

	RUN(&r, .argv = PARENT(""),
	    .kill = { .signal = SIGKILL, .target = USP_TARGET_PROCESS });
	left = atoi(record_text(&r, 1));
	cr_assert(not(is_gone(left)));
	kill(left, SIGKILL);
	record_done(&r);
}

CLEAN_TEST(engine_kill, in_the_same_group_nobody_else_is_hit)
{
	struct record r = { .also = on_output_kill };

	RUN(&r, .argv = SHELL("echo ready; exec " PROGRAM("sleep_forever")),
	    .group = USP_GROUP_SAME, .kill = { .signal = SIGKILL });
	cr_assert(eq(int, r.exit.signal, SIGKILL));
	record_done(&r);
}

/* ---- in each state ------------------------------------------------------- */

CLEAN_TEST(engine_kill, what_ignores_the_signal_is_killed_after_its_grace)
{
	struct record r = { .also = on_output_kill };

	RUN(&r, .argv = ARGV(PROGRAM("ignore_term")),
	    .kill = { .grace_ns = 30 * NS_PER_MS });
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	cr_assert(eq(int, r.exit.signal, SIGKILL));
	cr_assert(ge(u64, r.end.timings.running_ns, 30 * NS_PER_MS));
	record_done(&r);
}

CLEAN_TEST(engine_kill, what_waits_for_a_place_fails_at_once)
{
	const struct usp_engine_options one = { .size = sizeof(one),
						.launchers = 1,
						.running_max = 1 };
	struct usp_engine *engine = record_engine(&one);
	struct record first = { 0 }, r = { 0 };

	record_spawn(&first, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever"))));
	record_spawn(&r, engine, &USP_OPTIONS(.argv = ARGV(PROGRAM("true"))));
	usp_process_kill(r.process);
	cr_assert(eq(str, r.order, ""), "told from inside the call");
	record_wait(&r);
	cr_assert(eq(str, r.order, "f."));
	cr_assert(eq(int, r.failure.stage, USP_STAGE_ADMISSION));
	cr_assert(eq(int, r.failure.error, ECANCELED));
	cr_assert(eq(str, r.path, "killed"));
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	cr_assert(not(first.ended));
	usp_process_kill(first.process);
	record_wait(&first);
	record_done(&first);
	record_done(&r);
	usp_engine_free(engine);
}

/* It may have been started by then, or not: either way it ends so. */
CLEAN_TEST(engine_kill, what_is_being_launched_ends)
{
	enum { TIMES = 50 };
	struct usp_engine *engine = record_engine(NULL);
	struct record r[TIMES] = { 0 };

	for (int i = 0; i < TIMES; i++) {
		record_spawn(&r[i], engine,
			     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever"))));
		if (i % 2)
			usp_engine_turn(engine);
		usp_process_kill(r[i].process);
		usp_process_kill(r[i].process);
	}
	cr_assert(eq(int, usp_engine_run(engine), 0));
	for (int i = 0; i < TIMES; i++) {
		cr_assert(eq(int, r[i].end.reason, USP_REASON_KILLED));
		if (r[i].failed)
			cr_assert(eq(int, r[i].failure.stage, USP_STAGE_ADMISSION));
		else
			cr_assert(eq(int, r[i].exit.signal, SIGTERM));
		record_done(&r[i]);
	}
	usp_engine_free(engine);
	cr_assert(no_children());
}

static enum usp_event_kind kill_at;

static void on_kind_kill(struct record *r, const struct usp_event *event)
{
	if (event->kind == kill_at)
		usp_process_kill(r->process);
}

CLEAN_TEST(engine_kill, what_has_just_started_ends)
{
	struct record r = { .also = on_kind_kill };

	kill_at = USP_EVENT_STARTED;
	RUN(&r, .argv = ARGV(PROGRAM("sleep_forever")));
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	cr_assert(eq(int, r.exit.signal, SIGTERM));
	record_done(&r);
}

/* The process has exited; what it left behind holds its pipes. */
CLEAN_TEST(engine_kill, what_is_drained_ends)
{
	struct record r = { .also = on_kind_kill };
	bool gone;

	kill_at = USP_EVENT_EXIT;
	RUN(&r, .argv = SHELL(PROGRAM("sleep_forever") " & echo $!"));
	cr_assert(eq(int, r.exit.code, 0));
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	gone = wait_until(is_gone(atoi(record_text(&r, 1))), WAIT_MS);
	cr_assert(gone, "what it left behind is left");
	record_done(&r);
}

/* ---- signals ------------------------------------------------------------- */

static int sent = 1;

static void on_output_signal(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_OUTPUT && strcmp(record_text(r, 1), "ready\n") == 0)
		sent = usp_process_signal(r->process, SIGUSR1, USP_TARGET_PROCESS);
	if (event->kind == USP_EVENT_EXIT)
		cr_assert(eq(int,
			     usp_process_signal(r->process, SIGTERM, USP_TARGET_PROCESS),
			     -ESRCH));
}

CLEAN_TEST(engine_kill, a_signal_is_delivered_and_is_no_kill)
{
	struct record r = { .also = on_output_signal };

	RUN(&r,
	    .argv = SHELL(
		    "trap 'echo caught; exit 4' USR1; echo ready; while :; do sleep 0.01; done"));
	cr_assert(eq(int, sent, 0));
	record_expect_exit(&r, 4);
	cr_assert(eq(str, (char *)record_text(&r, 1), "ready\ncaught\n"));
	record_done(&r);
}

static void on_output_stop(struct record *r, const struct usp_event *event)
{
	const enum usp_target targets[] = { USP_TARGET_PROCESS, USP_TARGET_GROUP };

	if (event->kind != USP_EVENT_OUTPUT)
		return;
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		cr_assert(
			eq(int, usp_process_signal(r->process, SIGSTOP, targets[i]), 0));
		cr_assert(
			eq(int, usp_process_signal(r->process, SIGCONT, targets[i]), 0));
	}
}

CLEAN_TEST(engine_kill, stopped_and_told_to_go_on_it_goes_on)
{
	struct record r = { .also = on_output_stop };

	RUN(&r, .argv = SHELL("echo ready; sleep 0.2; exit 3"),
	    .timeout_ns = 10 * NS_PER_S);
	record_expect_exit(&r, 3);
	record_done(&r);
}

static void on_output_go_on(struct record *r, const struct usp_event *event)
{
	if (event->kind != USP_EVENT_OUTPUT)
		return;
	(void)usp_process_signal(r->process, SIGCONT, USP_TARGET_PROCESS);
	(void)usp_process_signal(r->process, SIGSTOP, USP_TARGET_PROCESS);
}

CLEAN_TEST(engine_kill, told_to_go_on_and_stopped_it_stops)
{
	struct record r = { .also = on_output_go_on };

	RUN(&r, .argv = SHELL("echo ready; sleep 0.1; exit 3"),
	    .timeout_ns = 500 * NS_PER_MS, .kill = { .signal = SIGKILL });
	cr_assert(eq(int, r.end.reason, USP_REASON_TIMEOUT));
	record_done(&r);
}

CLEAN_TEST(engine_kill, a_signal_sent_too_early_is_delivered_when_it_runs)
{
	const struct usp_engine_options one = { .size = sizeof(one),
						.launchers = 1,
						.running_max = 1 };
	struct usp_engine *engine = record_engine(&one);
	struct record r[2] = { 0 };

	for (int i = 0; i < 2; i++) {
		record_spawn(&r[i], engine,
			     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever"))));
		cr_assert(eq(int, usp_process_signal(r[i].process, 0, 0), -EINVAL));
		cr_assert(eq(int, usp_process_signal(r[i].process, 65, 0), -EINVAL));
		cr_assert(eq(int, usp_process_signal(r[i].process, -1, 0), -EINVAL));
		cr_assert(eq(int,
			     usp_process_signal(r[i].process, SIGHUP, (enum usp_target)3),
			     -EINVAL));
		cr_assert(eq(int,
			     usp_process_signal(r[i].process, SIGHUP, USP_TARGET_GROUP),
			     0));
	}
	cr_assert(eq(int, usp_engine_run(engine), 0));
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, r[i].exit.signal, SIGHUP));
		cr_assert(eq(int, r[i].end.reason, USP_REASON_SIGNALLED));
		record_done(&r[i]);
	}
	usp_engine_free(engine);
}

/* ---- a client that is gone ----------------------------------------------- */

/* It is looked at, not waited for: ten seconds are what it is cut to. */
CLEAN_TEST(engine_kill, a_client_that_is_gone_leaves_no_long_grace)
{
	const struct usp_kill endless = { .grace_ns = UINT64_MAX };
	struct usp_engine *engine = record_engine(NULL);
	struct record r[2] = { 0 };
	uint64_t limit_ns;

	for (int i = 0; i < 2; i++)
		record_spawn(&r[i], engine,
			     &USP_OPTIONS(.argv = ARGV(PROGRAM("ignore_term")),
					  .kill = endless));
	engine_abandon(r[0].process); /* while it is being launched */
	limit_ns = clock_now_ns() + 10 * NS_PER_S;
	cr_assert(le(u64, process_of(r[0].process)->deadline.node.key, limit_ns));
	while (!r[1].started)
		usp_engine_turn(engine);
	engine_abandon(r[1].process);
	cr_assert(eq(u64, process_of(r[1].process)->kill.plan.grace_ns, 10 * NS_PER_S));
	usp_engine_free(engine);
	cr_assert(r[0].ended && r[1].ended);
	cr_assert(eq(int, r[1].end.reason, USP_REASON_CLIENT_GONE));
	record_done(&r[0]);
	record_done(&r[1]);
}

/* Whatever it was killed for before. */
CLEAN_TEST(engine_kill, a_long_grace_is_cut_when_the_client_goes)
{
	const struct usp_kill endless = { .grace_ns = UINT64_MAX };
	struct usp_engine *engine = record_engine(NULL);
	struct record r[2] = { 0 };
	const struct process *p;
	uint64_t limit_ns;

	for (int i = 0; i < 2; i++)
		record_spawn(&r[i], engine,
			     &USP_OPTIONS(.argv = ARGV(PROGRAM("ignore_term")),
					  .kill = endless));
	usp_process_kill(r[0].process); /* while it is being launched */
	engine_abandon(r[0].process);
	limit_ns = clock_now_ns() + 10 * NS_PER_S;
	cr_assert(le(u64, process_of(r[0].process)->deadline.node.key, limit_ns));
	while (!r[1].started)
		usp_engine_turn(engine);
	p = process_of(r[1].process);
	usp_process_kill(r[1].process);
	cr_assert(eq(u64, p->kill.grace.node.key, UINT64_MAX));
	engine_abandon(r[1].process);
	limit_ns = clock_now_ns() + 10 * NS_PER_S;
	cr_assert(le(u64, p->kill.grace.node.key, limit_ns));
	usp_process_kill(r[1].process);
	cr_assert(le(u64, p->kill.grace.node.key, limit_ns), "no more than that");
	usp_engine_free(engine);
	cr_assert(r[0].ended && r[1].ended);
	cr_assert(eq(int, r[1].end.reason, USP_REASON_KILLED));
	record_done(&r[0]);
	record_done(&r[1]);
}

/* A launch that hangs is not given more time by being asked to end. */
CLEAN_TEST(engine_kill, a_grace_does_not_put_off_the_limit_of_a_launch)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };
	uint64_t limit_ns;

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("ignore_term")),
				  .launch_timeout_ns = 20 * NS_PER_S,
				  .kill = { .grace_ns = 1000 * NS_PER_S }));
	usp_process_kill(r.process);
	limit_ns = clock_now_ns() + 20 * NS_PER_S;
	cr_assert(le(u64, process_of(r.process)->deadline.node.key, limit_ns));
	usp_engine_free(engine);
	record_done(&r);
}

/* It reads to the end, and writes more than the window that nobody opens any more. */
CLEAN_TEST(engine_kill, a_detached_process_goes_on)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r[2] = { 0 };

	record_spawn(&r[0], engine,
		     &USP_OPTIONS(.argv = SHELL("cat; head -c 100000 /dev/zero; exit 3"),
				  .stdio = { { .kind = USP_STDIO_PIPE } },
				  .window_bytes = 16));
	record_spawn(
		&r[1], engine,
		&USP_OPTIONS(.argv = SHELL("cat <&5; exit 4"),
			     .fds = &(struct usp_fd){ 5,
						      { .kind = USP_STDIO_PIPE,
							.direction =
								USP_DIRECTION_READ } },
			     .n_fds = 1));
	engine_detach(r[1].process); /* while it is being launched */
	while (!r[0].started)
		usp_engine_turn(engine);
	engine_pause(r[0].process, true);
	engine_detach(r[0].process);
	record_wait(&r[0]);
	record_wait(&r[1]);

	cr_expect(eq(int, r[0].exit.code, 3));
	cr_expect(eq(int, r[0].end.reason, USP_REASON_EXITED));
	cr_expect(eq(u64, r[0].end.bytes[1], 100000));
	cr_expect(eq(int, r[1].exit.code, 4));
	record_done(&r[0]);
	record_done(&r[1]);
	usp_engine_free(engine);
}
