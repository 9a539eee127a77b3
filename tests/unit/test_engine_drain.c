/*
 * The engine: from the exit of a process to the end of its output, with somebody who
 * holds its pipes.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "process/process.h"
#include "support/alive.h"
#include "support/clean.h"
#include "support/record.h"
#include "support/wait.h"

TestSuite(engine_drain, .timeout = 60);

#define KIB   1024u
#define SLEEP PROGRAM("sleep_forever")

/*
 * The holder whose pid was said first is the only one that is named; its shell may not
 * have executed it yet.
 */
static pid_t expect_holder(struct record *r)
{
	pid_t pid = atoi(record_text(r, 1));

	cr_assert(eq(int, r->end.drain, USP_DRAIN_DEADLINE));
	cr_assert(eq(uint, r->end.orphans, 1));
	cr_assert(eq(sz, r->end.n_holders, 1));
	cr_assert(eq(int, r->holders[0].pid, pid));
	cr_assert(strcmp(r->holders[0].name, "sleep_forever") == 0 ||
			  strcmp(r->holders[0].name, "sh") == 0,
		  "%s", r->holders[0].name);
	return pid;
}

/* ---- it is left ---------------------------------------------------------- */

CLEAN_TEST(engine_drain, who_holds_the_pipe_is_named_and_left)
{
	struct record r = { 0 };
	pid_t holder;

	RUN(&r, .argv = SHELL(SLEEP " & echo $!"), .drain_ns = 20 * NS_PER_MS);
	record_expect_exit(&r, 0);
	cr_assert(r.eof[1] && r.eof[2]);
	holder = expect_holder(&r);
	cr_assert(ge(u64, r.end.timings.drain_ns, 20 * NS_PER_MS));
	cr_assert(not(is_gone(holder)));
	kill(holder, SIGKILL);
	record_done(&r);
}

CLEAN_TEST(engine_drain, a_pipe_that_nobody_holds_is_read_to_its_end)
{
	struct record r = { 0 };

	RUN(&r, .argv = ARGV("head", "-c", "60000", "/dev/zero"), .drain_ns = 1);
	record_expect_exit(&r, 0);
	cr_assert(eq(u64, r.end.bytes[1], 60000));
	cr_assert(eq(int, r.end.drain, USP_DRAIN_EOF));
	cr_assert(eq(sz, r.end.n_holders, 0));
	cr_assert(eq(uint, r.end.orphans, 0));
	record_done(&r);
}

/* Two pipes, one name: a process is named once, whatever it holds. */
CLEAN_TEST(engine_drain, each_of_many_holders_is_named)
{
	enum { MANY = 20 };
	struct record r = { 0 };
	const char *line;

	RUN(&r,
	    .argv = SHELL(
		    "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do "
		    "exec " SLEEP " & echo $!; done"),
	    .drain_ns = 50 * NS_PER_MS);
	cr_assert(eq(uint, r.end.orphans, MANY));
	cr_assert(eq(sz, r.end.n_holders, 16));
	for (size_t i = 0; i < r.end.n_holders; i++)
		for (size_t k = 0; k < i; k++)
			cr_assert(ne(int, r.holders[i].pid, r.holders[k].pid));
	line = record_text(&r, 1);
	for (int i = 0; i < MANY; i++, line = strchr(line, '\n') + 1)
		kill(atoi(line), SIGKILL);
	record_done(&r);
}

static void turn_until(struct record *r, enum drain_state state)
{
	while (process_of(r->process)->drain.state != state)
		cr_assert(eq(int, engine_wait(r->engine), 0));
}

/* Its consumer is slower than the limit: what was in the pipe is told all the same. */
CLEAN_TEST(engine_drain, what_was_in_the_pipe_at_the_limit_is_told_whole)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = SHELL(SLEEP " 2>&1 & echo $!; "
						      "head -c 50000 /dev/zero"),
				  .window_bytes = 100, .drain_ns = 1));
	while (!r.exited)
		cr_assert(eq(int, engine_wait(engine), 0));
	turn_until(&r, DRAIN_KNOWN);
	while (!r.eof[2])
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(not(r.eof[1]));
	cr_assert(eq(sz, buf_size(&r.out[1]), 100));
	usp_process_credit(r.process, 1, 30000);
	while (buf_size(&r.out[1]) < 30100)
		cr_assert(eq(int, engine_wait(engine), 0));
	usp_process_credit(r.process, 1, 30000);
	record_wait(&r);
	record_expect_exit(&r, 0);
	kill(expect_holder(&r), SIGKILL);
	cr_assert(eq(u64, r.end.bytes[1], 50000 + strlen(record_text(&r, 1))));
	cr_assert(eq(u64, r.end.dropped[1], 0));
	record_done(&r);
	usp_engine_free(engine);
}

/* It writes, so it runs: the process that started it may exit. */
static void on_first_output_go_on(struct record *r, const struct usp_event *event)
{
	if (event->kind != USP_EVENT_OUTPUT || r->user)
		return;
	r->user = r;
	cr_assert(eq(int, usp_process_write(r->process, "go\n", 3), 0));
}

/* A pipe that somebody fills for ever is left with what was in it. */
CLEAN_TEST(engine_drain, who_never_stops_writing_is_cut_off)
{
	struct record r = { .also = on_first_output_go_on };

	RUN(&r, .argv = SHELL("yes & read -r line"),
	    .stdio = { { .kind = USP_STDIO_PIPE } }, .drain_ns = 20 * NS_PER_MS,
	    .output_max_bytes = 1000, .output_action = USP_OUTPUT_DROP);
	record_expect_exit(&r, 0);
	cr_assert(eq(int, r.end.drain, USP_DRAIN_DEADLINE));
	cr_assert(eq(sz, r.end.n_holders, 1));
	cr_assert(eq(str, r.holders[0].name, "yes"));
	cr_assert(eq(u64, r.end.bytes[1], 1000));
	wait_until(is_gone(r.holders[0].pid), WAIT_MS); /* by SIGPIPE */
	record_done(&r);
}

CLEAN_TEST(engine_drain, without_a_limit_the_end_waits)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine, &USP_OPTIONS(.argv = SHELL(SLEEP " & echo $!")));
	while (!r.exited)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(not(process_of(r.process)->drain.limit.node.linked));
	kill(atoi(record_text(&r, 1)), SIGKILL);
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(int, r.end.drain, USP_DRAIN_EOF));
	record_done(&r);
	usp_engine_free(engine);
}

/* ---- it is killed -------------------------------------------------------- */

CLEAN_TEST(engine_drain, who_holds_the_pipe_is_named_and_killed)
{
	struct record r = { 0 };
	bool gone;

	RUN(&r, .argv = SHELL(SLEEP " & echo $!"), .drain_ns = 20 * NS_PER_MS,
	    .drain_action = USP_DRAIN_KILL);
	record_expect_exit(&r, 0);
	gone = wait_until(is_gone(expect_holder(&r)), WAIT_MS);
	cr_assert(gone, "it is left");
	record_done(&r);
}

static void on_output_go_on(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_OUTPUT && event->output.stream == 2)
		cr_assert(eq(int, usp_process_write(r->process, "go\n", 3), 0));
}

CLEAN_TEST(engine_drain, last_words_of_who_is_killed_are_told)
{
	struct record r = { .also = on_output_go_on };

	RUN(&r,
	    .argv = SHELL("sh -c 'trap \"echo bye; exit\" TERM; echo ready >&2; "
			  "while :; do sleep 0.01; done' & read -r line"),
	    .stdio = { { .kind = USP_STDIO_PIPE } }, .drain_ns = 20 * NS_PER_MS,
	    .drain_action = USP_DRAIN_KILL);
	cr_assert(eq(str, (char *)record_text(&r, 1), "bye\n"));
	cr_assert(eq(int, r.end.drain, USP_DRAIN_DEADLINE));
	record_done(&r);
}

/* In a session of its own a kill of the group does not reach it: it is named. */
CLEAN_TEST(engine_drain, who_escaped_the_kill_is_named)
{
	struct record r = { 0 };
	pid_t holder;

	RUN(&r, .argv = SHELL("setsid sh -c 'echo $$; exec " SLEEP "' & exec sleep 0.1"),
	    .drain_ns = 20 * NS_PER_MS, .drain_action = USP_DRAIN_KILL,
	    .kill = { .signal = SIGKILL });
	record_expect_exit(&r, 0);
	holder = expect_holder(&r);
	cr_assert(not(is_gone(holder)));
	kill(holder, SIGKILL);
	record_done(&r);
}

/* ---- what is reported most ------------------------------------------------ */

CLEAN_TEST(engine_drain, a_timeout_names_who_left_the_group)
{
	struct record r = { 0 };
	pid_t holder;

	RUN(&r, .argv = SHELL("setsid sh -c 'echo $$; exec " SLEEP "' & exec " SLEEP),
	    .timeout_ns = 200 * NS_PER_MS, .kill = { .signal = SIGKILL });
	cr_assert(eq(int, r.end.reason, USP_REASON_TIMEOUT));
	cr_assert(eq(int, r.exit.signal, SIGKILL));
	holder = expect_holder(&r);
	cr_assert(not(is_gone(holder)));
	kill(holder, SIGKILL);
	record_done(&r);
}

static void on_output_abandon(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_OUTPUT)
		engine_abandon(r->process);
}

CLEAN_TEST(engine_drain, a_client_that_vanishes_leaves_nobody)
{
	struct record r = { .also = on_output_abandon };
	bool gone;

	RUN(&r, .argv = SHELL(SLEEP " & echo $!; wait"));
	cr_assert(eq(int, r.end.reason, USP_REASON_CLIENT_GONE));
	cr_assert(eq(int, r.end.drain, USP_DRAIN_EOF));
	gone = wait_until(is_gone(atoi(record_text(&r, 1))), WAIT_MS);
	cr_assert(gone, "what it started is left");
	record_done(&r);
}

/* Nobody credits: what was in the pipe is counted. */
CLEAN_TEST(engine_drain, what_a_killed_process_had_said_is_counted)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = SHELL("head -c 5000 /dev/zero; echo >&2; "
						"exec " SLEEP),
				  .window_bytes = 5, .kill = { .signal = SIGKILL }));
	while (!r.out[2].max)
		cr_assert(eq(int, engine_wait(engine), 0));
	usp_process_kill(r.process);
	record_wait(&r);
	cr_assert(eq(u64, r.end.bytes[1], 5));
	cr_assert(eq(u64, r.end.dropped[1], 4995));
	record_done(&r);
	usp_engine_free(engine);
}
