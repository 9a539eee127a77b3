/*
 * The engine: what is told of a process from its start to its end, for each way
 * to end; and calls from inside events.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "support/clean.h"
#include "support/record.h"

TestSuite(engine_events, .timeout = 60);

CLEAN_TEST(engine_events, a_process_without_pipes_starts_exits_and_ends)
{
	struct record r = { 0 };

	RUN(&r, .argv = ARGV(PROGRAM("true")), .stdio = NO_PIPES);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, r.order, "sx."));
	cr_assert(eq(u64, r.end.stdin_unread_bytes, 0));
	record_done(&r);
}

CLEAN_TEST(engine_events, each_pipe_has_an_end)
{
	struct record r = { 0 };

	RUN(&r, .argv = SHELL("printf out; printf error >&2; exit 255"));
	record_expect_exit(&r, 255);
	cr_assert(eq(str, (char *)record_text(&r, 1), "out"));
	cr_assert(eq(str, (char *)record_text(&r, 2), "error"));
	cr_assert(r.eof[1] && r.eof[2]);
	cr_assert(eq(chr, r.order[0], 's'));
	cr_assert(eq(u64, r.end.bytes[0], 0));
	record_done(&r);
}

CLEAN_TEST(engine_events, a_signal_that_ended_it_is_told)
{
	struct record r = { 0 };

	RUN(&r, .argv = SHELL("kill -KILL $$"));
	cr_assert(eq(int, r.exit.code, -1));
	cr_assert(eq(int, r.exit.signal, SIGKILL));
	cr_assert(not(r.exit.core));
	cr_assert(eq(int, r.end.reason, USP_REASON_SIGNALLED));
	record_done(&r);
}

/* The lines are the numbers from 1 to @last. */
static void expect_numbers(const char *text, long last)
{
	for (long i = 1; i <= last; i++) {
		char *rest;

		if (strtol(text, &rest, 10) != i || *rest != '\n')
			cr_fatal("line %ld is not its number", i);
		text = rest + 1;
	}
	cr_assert(eq(chr, *text, '\0'));
}

CLEAN_TEST(engine_events, much_output_is_complete)
{
	struct record r = { 0 };

	RUN(&r, .argv = SHELL("seq 1 400000; seq 1 100000 >&2"));
	record_expect_exit(&r, 0);
	expect_numbers(record_text(&r, 1), 400000);
	expect_numbers(record_text(&r, 2), 100000);
	record_done(&r);
}

/* Sends what its child, left behind, is to say after the exit. */
static void on_exit_write(struct record *r, const struct usp_event *event)
{
	if (event->kind != USP_EVENT_EXIT)
		return;
	cr_assert(eq(int, usp_process_write(r->process, "late", 4), 0));
	cr_assert(eq(int, usp_process_close_stdin(r->process), 0));
}

CLEAN_TEST(engine_events, output_may_follow_the_exit_and_the_end_waits_for_it)
{
	struct record r = { .also = on_exit_write };

	RUN(&r, .argv = SHELL("exec 3<&0; cat <&3 & exit 3"),
	    .stdio = { { .kind = USP_STDIO_PIPE } });
	record_expect_exit(&r, 3);
	cr_assert(eq(str, (char *)record_text(&r, 1), "late"));
	cr_assert(lt(ptr, strchr(r.order, 'x'), strchr(r.order, '1')), "%s", r.order);
	cr_assert(eq(u64, r.end.bytes[0], 4));
	record_done(&r);
}

static void on_last_eof_write(struct record *r, const struct usp_event *event)
{
	if (event->kind != USP_EVENT_EOF || !r->eof[1] || !r->eof[2])
		return;
	cr_assert(not(r->exited), "taken for its exit");
	cr_assert(eq(int, usp_process_write(r->process, "5\n", 2), 0));
}

CLEAN_TEST(engine_events, a_process_that_closed_its_streams_goes_on)
{
	struct record r = { .also = on_last_eof_write };

	RUN(&r, .argv = SHELL("exec 1>&- 2>&-; read code; exit $code"),
	    .stdio = { { .kind = USP_STDIO_PIPE } });
	record_expect_exit(&r, 5);
	cr_assert(r.eof[1] && r.eof[2]);
	record_done(&r);
}

/* A host that reaps what it does not know. */
CLEAN_TEST(engine_events, a_status_that_somebody_else_took_is_lost)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine, &USP_OPTIONS(.argv = SHELL("kill -STOP $$; exit 7")));
	while (!r.started)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(eq(int, waitpid(r.pid, NULL, WUNTRACED), r.pid));
	kill(r.pid, SIGCONT);
	cr_assert(eq(int, waitpid(r.pid, NULL, 0), r.pid));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	cr_assert(eq(int, r.exit.code, -1));
	cr_assert(eq(int, r.exit.signal, 0));
	cr_assert(eq(int, r.end.reason, USP_REASON_STATUS_LOST));
	record_done(&r);
	usp_engine_free(engine);
}

/* ---- timings ------------------------------------------------------------- */

CLEAN_TEST(engine_events, the_timings_add_up)
{
	const struct usp_engine_options one = { .size = sizeof(one),
						.launchers = 1,
						.running_max = 1 };
	struct usp_engine *engine = record_engine(&one);
	uint64_t start_ns = clock_now_ns(), wall_ns, sum_ns;
	struct record first = { 0 }, r = { 0 };
	const struct usp_timings *t = &r.end.timings;

	record_spawn(&first, engine, &USP_OPTIONS(.argv = ARGV("sleep", "0.05")));
	record_spawn(&r, engine, &USP_OPTIONS(.argv = ARGV("sleep", "0.05")));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	wall_ns = clock_now_ns() - start_ns;
	sum_ns = t->queued_ns + t->launch_ns + t->running_ns + t->drain_ns;
	cr_assert(ge(u64, t->queued_ns, 50 * NS_PER_MS), "it had to wait for the other");
	cr_assert(lt(u64, 0, t->launch_ns));
	cr_assert(ge(u64, t->running_ns, 45 * NS_PER_MS));
	cr_assert(le(u64, sum_ns, wall_ns));
	cr_assert(ge(u64, sum_ns + 50 * NS_PER_MS, wall_ns), "%lu of %lu", sum_ns,
		  wall_ns);
	record_done(&first);
	record_done(&r);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_events, what_never_ran_has_no_time_of_running)
{
	struct record r = { 0 };

	RUN(&r, .argv = ARGV("/no/such/program"));
	cr_assert(lt(u64, 0, r.end.timings.launch_ns));
	cr_assert(eq(u64, r.end.timings.running_ns, 0));
	record_done(&r);
}

/* ---- calls from inside events -------------------------------------------- */

#define EVENTS_MAX 16
static struct record inner[EVENTS_MAX];
static unsigned n_inner, n_events;
static const char *inner_program;

static void on_any_spawn(struct record *r, const struct usp_event *event)
{
	(void)event;
	n_events++;
	if (n_inner < EVENTS_MAX)
		record_spawn(
			&inner[n_inner++], r->engine,
			&USP_OPTIONS(.argv = ARGV(inner_program), .stdio = NO_PIPES));
}

static void expect_inner(const char *order)
{
	cr_assert(eq(uint, n_inner, n_events));
	for (unsigned i = 0; i < n_inner; i++) {
		cr_assert(eq(str, inner[i].order, (char *)order));
		record_done(&inner[i]);
	}
}

CLEAN_TEST(engine_events, each_event_may_start_another_process)
{
	struct record r = { .also = on_any_spawn };

	inner_program = PROGRAM("true");
	RUN(&r, .argv = SHELL("echo 1; echo 2 >&2"));
	record_expect_exit(&r, 0);
	cr_assert(ge(uint, n_events, 7));
	expect_inner("sx.");
	record_done(&r);
}

CLEAN_TEST(engine_events, a_failure_may_start_another_process)
{
	struct record r = { .also = on_any_spawn };

	inner_program = "/no/such/program";
	RUN(&r, .argv = ARGV(""));
	cr_assert(eq(uint, n_events, 2));
	expect_inner("f.");
	record_done(&r);
}

/* Everything at once, from every event, the end included. */
static void on_any_call_all(struct record *r, const struct usp_event *event)
{
	struct usp_process *process = r->process;
	bool ended = event->kind == USP_EVENT_END;

	if (ended)
		return;
	(void)usp_process_write(process, "x", 1);
	(void)usp_process_signal(process, SIGCONT, USP_TARGET_PROCESS);
	usp_process_credit(process, 1, 1);
	usp_process_credit(process, 2, 1);
	if (event->kind == USP_EVENT_OUTPUT || event->kind == USP_EVENT_EXIT ||
	    event->kind == USP_EVENT_FAILED) {
		usp_process_kill(process);
		usp_process_kill(process);
		(void)usp_process_close_stdin(process);
	}
}

CLEAN_TEST(engine_events, every_call_may_come_from_every_event)
{
	struct record r = { .also = on_any_call_all },
		      failed = { .also = on_any_call_all };

	RUN(&r, .argv = ARGV("cat"), .stdio = { { .kind = USP_STDIO_PIPE } },
	    .window_bytes = 1);
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	cr_assert(eq(int, r.exit.signal, SIGTERM));
	record_done(&r);
	RUN(&failed, .argv = ARGV("/no/such"), .stdio = { { .kind = USP_STDIO_PIPE } });
	record_done(&failed);
}

/* The process object is valid until the end event returns. */
static struct usp_process *ending;

static void on_end_call_all(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_STARTED)
		ending = r->process;
	if (event->kind != USP_EVENT_END)
		return;
	cr_assert(eq(int, usp_process_write(ending, "x", 1), -EPIPE));
	cr_assert(eq(int, usp_process_close_stdin(ending), 0));
	cr_assert(
		eq(int, usp_process_signal(ending, SIGTERM, USP_TARGET_PROCESS), -ESRCH));
	cr_assert(eq(int, usp_process_signal(ending, SIGTERM, USP_TARGET_GROUP), -ESRCH));
	usp_process_credit(ending, 1, 1);
	usp_process_kill(ending);
}

CLEAN_TEST(engine_events, calls_from_the_end_event_do_nothing)
{
	struct record r = { .also = on_end_call_all };

	RUN(&r, .argv = ARGV(PROGRAM("true")), .stdio = { { .kind = USP_STDIO_PIPE } });
	record_expect_exit(&r, 0);
	record_done(&r);
}

/* ---- running ------------------------------------------------------------- */

static void on_started_stop(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_STARTED)
		usp_engine_stop(r->engine);
}

CLEAN_TEST(engine_events, a_stopped_run_can_go_on)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { .also = on_started_stop };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("cat"),
				  .stdio = { { .kind = USP_STDIO_PIPE } }));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	cr_assert(r.started && !r.exited);
	cr_assert(eq(int, usp_process_close_stdin(r.process), 0));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	record_expect_exit(&r, 0);
	cr_assert(eq(int, usp_engine_run(engine), 0), "without a process it returns");
	record_done(&r);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_events, the_counters_count)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r[3] = { 0 };
	struct usp_engine_stats stats;

	record_spawn(&r[0], engine, &USP_OPTIONS(.argv = ARGV(PROGRAM("true"))));
	record_spawn(&r[1], engine, &USP_OPTIONS(.argv = ARGV("/no/such/program")));
	record_spawn(&r[2], engine, &USP_OPTIONS(.argv = ARGV("")));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	usp_engine_stats(engine, &stats);
	cr_assert(eq(u64, stats.running, 0));
	cr_assert(eq(u64, stats.queued, 0));
	cr_assert(eq(u64, stats.started, 1));
	cr_assert(eq(u64, stats.failed, 2));
	cr_assert(eq(u64, stats.ended, 3));
	cr_assert(eq(u64, stats.launches_stuck, 0));
	for (int i = 0; i < 3; i++)
		record_done(&r[i]);
	usp_engine_free(engine);
}
