/*
 * The engine: streams that are given up, whatever they are busy with at that moment.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/annotate.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "reactor/reactor.h"
#include "support/clean.h"
#include "support/full.h"
#include "support/record.h"
#include "support/wait.h"

TestSuite(engine_drop, .timeout = 60);

#define KIB	  1024u
#define FOR_EVER  "1000000000000" /* bytes: more than anybody waits for */
#define FLOOD(fd) ARGV(PROGRAM("flood"), FOR_EVER, "7", fd)

static void wait_for(struct usp_engine *engine, const bool *fact)
{
	while (!*fact)
		cr_assert(eq(int, engine_wait(engine), 0));
}

/* Nothing is told from inside the call. */
static void drop(struct record *r, int stream, int want)
{
	char before[sizeof(r->order)];

	strcpy(before, r->order);
	cr_assert(eq(int, usp_process_drop_stream(r->process, stream), want));
	cr_assert(eq(str, r->order, before), "told from inside the call");
}

#define EPIPE_ALONE 124 /* how the flood exits then */

static void expect_broken_pipe(const struct record *r)
{
	cr_assert(r->exited);
	cr_assert(eq(int, r->exit.signal, SIGPIPE));
	cr_assert(eq(int, r->end.reason, USP_REASON_SIGNALLED));
	cr_assert(eq(int, r->end.drain, USP_DRAIN_EOF));
}

/* Linux tells no signal to who is waiting for room in a socket at that moment. */
static void expect_broken_socket(struct record *r)
{
	if (r->exit.signal)
		expect_broken_pipe(r);
	else
		record_expect_exit(r, EPIPE_ALONE);
}

static void expect_all_slots_free(struct usp_engine *engine, unsigned before)
{
	cr_assert(eq(uint, reactor_slots_free(engine_reactor(engine)), before),
		  "a slot is not free again");
}

/* ---- what the child writes ----------------------------------------------- */

enum moment { BEFORE_START, AT_START, AT_OUTPUT, WITHOUT_CREDIT, PAUSED };

static const struct row {
	const char *name;
	enum moment moment;
	struct usp_options options;
} rows[] = {
	{ .name = "read as it comes, before it starts", .moment = BEFORE_START },
	{ .name = "within a window, before it starts",
	  .moment = BEFORE_START,
	  .options = { .window_bytes = 5000 } },
	{ .name = "read as it comes, at its start", .moment = AT_START },
	{ .name = "read as it comes, by what it brought", .moment = AT_OUTPUT },
	{ .name = "within a window that is not full",
	  .moment = AT_OUTPUT,
	  .options = { .window_bytes = 64u << 20 } },
	{ .name = "within a window that is full",
	  .moment = WITHOUT_CREDIT,
	  .options = { .window_bytes = 5000 } },
	{ .name = "while it is paused", .moment = PAUSED },
	{ .name = "below a limit",
	  .moment = AT_OUTPUT,
	  .options = { .output_max_bytes = 64u << 20 } },
	{ .name = "within a window that is full, below a limit",
	  .moment = WITHOUT_CREDIT,
	  .options = { .window_bytes = 5000, .output_max_bytes = 6000 } },
	{ .name = "its tail is kept, and there is credit for it",
	  .moment = AT_OUTPUT,
	  .options = { .output_max_bytes = 3000,
		       .output_tail_bytes = 2000,
		       .output_action = USP_OUTPUT_DROP } },
	{ .name = "its tail is kept, and there is no credit for it",
	  .moment = AT_OUTPUT,
	  .options = { .window_bytes = 1000,
		       .output_max_bytes = 3000,
		       .output_tail_bytes = 2000,
		       .output_action = USP_OUTPUT_DROP } },
};

struct attempt {
	const struct row *row;
	uint64_t told; /* when it was given up */
	bool dropped;
};

static void drop_at(struct record *r, const struct usp_event *event)
{
	struct attempt *attempt = r->user;
	enum usp_event_kind kind =
		attempt->row->moment == AT_OUTPUT ? USP_EVENT_OUTPUT : USP_EVENT_STARTED;
	bool now = attempt->row->moment == AT_OUTPUT || attempt->row->moment == AT_START;

	if (now && event->kind == kind && !attempt->dropped) {
		attempt->dropped = true;
		attempt->told = buf_size(&r->out[1]);
		drop(r, 1, 0);
	}
}

/* One that nothing happens to which could be waited for. */
static void drop_from_outside(struct record *r, struct attempt *attempt)
{
	if (attempt->row->moment == PAUSED) {
		wait_for(r->engine, &r->started);
		engine_pause(r->process, true);
		cr_assert(eq(int, usp_engine_turn(r->engine), 0));
	} else if (attempt->row->moment == WITHOUT_CREDIT) {
		while (buf_size(&r->out[1]) < attempt->row->options.window_bytes)
			cr_assert(eq(int, engine_wait(r->engine), 0));
	} else if (attempt->row->moment != BEFORE_START) {
		return;
	}
	attempt->told = buf_size(&r->out[1]);
	drop(r, 1, 0);
}

ParameterizedTestParameters(engine_drop, writer)
{
	static size_t number[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(rows));
}

/* It finds a broken pipe, however it was read; nobody hears more of what it said. */
ParameterizedTest(size_t *number, engine_drop, writer)
{
	struct attempt attempt = { .row = &rows[*number] };
	struct record r = { .also = drop_at, .user = &attempt };
	struct usp_options options = attempt.row->options;
	struct usp_engine *engine = record_engine(NULL);
	unsigned slots = reactor_slots_free(engine_reactor(engine));

	options.size = sizeof(options);
	options.argv = FLOOD("1");
	record_spawn(&r, engine, &options);
	drop_from_outside(&r, &attempt);
	wait_for(engine, &r.exited);
	if (!r.ended)
		engine_pause(r.process, false); /* its stderr is to be read */
	record_wait(&r);
	expect_broken_pipe(&r);
	cr_assert(r.eof[1] && r.eof[2], "%s", attempt.row->name);
	cr_assert(eq(u64, r.end.bytes[1], attempt.told), "%s", attempt.row->name);
	expect_all_slots_free(engine, slots);
	record_done(&r);
	usp_engine_free(engine);
	cr_assert(eq(int, leaks(), 0), "%s", attempt.row->name);
}

/* ... and its slot is another's from then on. */
CLEAN_TEST(engine_drop, one_that_writes_nothing_goes_on)
{
	struct usp_engine *engine = record_engine(NULL);
	struct reactor *reactor = engine_reactor(engine);
	struct record r = { 0 };
	unsigned slots;

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = SHELL("read x; echo $x >&2; exit 3"),
				  .stdio = { { .kind = USP_STDIO_PIPE } }));
	wait_for(engine, &r.started);
	slots = reactor_slots_free(reactor);
	drop(&r, 1, 0);
	wait_for(engine, &r.eof[1]);
	cr_assert(eq(uint, reactor_slots_free(reactor), slots + 1));
	cr_assert(not(r.eof[2] || r.exited));
	cr_assert(eq(int, usp_process_write(r.process, "on\n", 3), 0));
	record_wait(&r);
	record_expect_exit(&r, 3);
	cr_assert(eq(int, r.end.drain, USP_DRAIN_EOF));
	cr_assert(eq(u64, r.end.bytes[1], 0));
	cr_assert(eq(str, (char *)record_text(&r, 2), "on\n"));
	record_done(&r);
	usp_engine_free(engine);
}

/* Twice in one turn, in two, and when it has ended by itself. */
CLEAN_TEST(engine_drop, a_stream_is_given_up_once)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = SHELL("exec 2>&-; read x; exit 3"),
				  .stdio = { { .kind = USP_STDIO_PIPE } }));
	drop(&r, 1, 0);
	drop(&r, 1, 0);
	wait_for(engine, &r.eof[1]);
	wait_for(engine, &r.eof[2]);
	drop(&r, 1, 0);
	drop(&r, 2, 0);
	drop(&r, 0, 0);
	drop(&r, 0, 0);
	cr_assert(eq(int, usp_process_close_stdin(r.process), 0));
	usp_process_credit(r.process, 1, 1000);
	record_wait(&r);
	record_expect_exit(&r, 3);
	record_done(&r);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_drop, only_pipes_and_socket_pairs_can_be)
{
	const struct usp_fd fds[] = {
		{ 4, { .kind = USP_STDIO_FD, .fd = 1 } },
		{ 5, { .kind = USP_STDIO_HANDOVER } },
		{ 6, { .kind = USP_STDIO_DUP, .fd = 2 } },
	};
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 }, terminal = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("true")), .fds = fds,
				  .n_fds = ARRAY_SIZE(fds)));
	for (int stream = 3; stream < 8; stream++)
		drop(&r, stream, -ENOTSUP);
	drop(&r, 0, -ENOTSUP);
	drop(&r, -1, -ENOTSUP);
	wait_for(engine, &r.started);
	close(r.given[0].fd);
	record_wait(&r);
	record_expect_exit(&r, 0);

	record_spawn(&terminal, engine,
		     &USP_OPTIONS(.argv = SHELL("echo hung up"),
				  .stdio = { { .kind = USP_STDIO_PTY },
					     { .kind = USP_STDIO_PTY },
					     { .kind = USP_STDIO_PTY } }));
	for (int stream = 0; stream < 3; stream++)
		drop(&terminal, stream, -ENOTSUP);
	record_wait(&terminal);
	record_expect_exit(&terminal, 0);
	cr_assert(eq(str, (char *)record_text(&terminal, 1), "hung up\r\n"));
	record_done(&terminal);
	record_done(&r);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_drop, one_that_does_not_start_tells_no_end_of_file)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine, &USP_OPTIONS(.argv = ARGV("/no/such/program")));
	drop(&r, 1, 0);
	record_wait(&r);
	record_expect_failed(&r, USP_STAGE_EXEC, ENOENT, "/no/such/program");
	record_done(&r);
	usp_engine_free(engine);
}

/* ---- what the child reads ------------------------------------------------ */

/* More than its pipe holds; it reads only when it is told to. */
CLEAN_TEST(engine_drop, what_was_not_written_to_a_reader_is_lost)
{
	enum { SIZE = 256 * KIB };
	const struct usp_fd go = {
		3, { .kind = USP_STDIO_PIPE, .direction = USP_DIRECTION_READ }
	};
	struct usp_engine *engine = record_engine(NULL);
	char *bytes = calloc(1, SIZE);
	struct record r = { 0 };
	uint64_t taken;

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = SHELL("read x <&3; exec wc -c"), .fds = &go,
				  .n_fds = 1, .stdio = { { .kind = USP_STDIO_PIPE } }));
	cr_assert(eq(int, usp_process_write(r.process, bytes, SIZE), 0));
	while (r.window_bytes == 0)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(eq(int, usp_engine_turn(engine), 0)); /* it waits for room now */
	drop(&r, 0, 0);
	cr_assert(eq(int, usp_process_write(r.process, bytes, 1), -EPIPE));
	cr_assert(eq(int, usp_process_write_stream(r.process, 3, "\n", 1), 0));
	record_wait(&r);
	record_expect_exit(&r, 0);
	taken = strtoull(record_text(&r, 1), NULL, 10);
	cr_assert(lt(u64, taken, SIZE));
	cr_assert(eq(u64, r.end.bytes[0], taken));
	cr_assert(eq(u64, r.end.stdin_unread_bytes, SIZE - taken));
	cr_assert(eq(u64, r.window_bytes, taken + 1));
	record_done(&r);
	usp_engine_free(engine);
	free(bytes);
}

CLEAN_TEST(engine_drop, a_reader_that_has_not_started_finds_nothing)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("cat"),
				  .stdio = { { .kind = USP_STDIO_PIPE } }));
	cr_assert(eq(int, usp_process_write(r.process, "lost", 4), 0));
	drop(&r, 0, 0);
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(u64, r.end.bytes[1], 0));
	cr_assert(eq(u64, r.end.stdin_unread_bytes, 4));
	record_done(&r);
	usp_engine_free(engine);
}

/* ---- both ---------------------------------------------------------------- */

static const struct usp_fd pair = { 5, { .kind = USP_STDIO_DUPLEX } };

/* Nor does a limit that it would have passed matter any more. */
static void expect_flooded_pair(struct usp_options options, bool before_start)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	options.argv = FLOOD("5");
	options.fds = &pair;
	options.n_fds = 1;
	options.size = sizeof(options);
	record_spawn(&r, engine, &options);
	while (!before_start && buf_size(&r.out[5]) < options.window_bytes)
		cr_assert(eq(int, engine_wait(engine), 0));
	drop(&r, 5, 0);
	cr_assert(eq(int, usp_process_write_stream(r.process, 5, "x", 1), -EPIPE));
	record_wait(&r);
	expect_broken_socket(&r);
	cr_assert(r.eof[5]);
	cr_assert(eq(sz, buf_size(&r.out[5]), before_start ? 0 : options.window_bytes),
		  "more was told than there was credit for");
	record_done(&r);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_drop, who_writes_to_a_socket_pair_finds_it_broken)
{
	expect_flooded_pair((struct usp_options){ .window_bytes = 5000 }, false);
	expect_flooded_pair(
		(struct usp_options){ .window_bytes = 5000, .output_max_bytes = 6000 },
		false);
	expect_flooded_pair((struct usp_options){ .window_bytes = 5000 }, true);
	expect_flooded_pair((struct usp_options){ 0 }, true);
}

CLEAN_TEST(engine_drop, who_reads_from_a_socket_pair_finds_its_end)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = SHELL("echo here >&5; cat <&5; exit 4"),
				  .fds = &pair, .n_fds = 1));
	while (buf_size(&r.out[5]) < 5)
		cr_assert(eq(int, engine_wait(engine), 0));
	drop(&r, 5, 0);
	wait_for(engine, &r.eof[5]);
	drop(&r, 5, 0);
	record_wait(&r);
	record_expect_exit(&r, 4);
	cr_assert(eq(int, r.end.drain, USP_DRAIN_EOF));
	record_done(&r);
	usp_engine_free(engine);
}

/* It takes a descriptor to shut it down, which is asked for until it is to be had. */
CLEAN_TEST(engine_drop, a_full_table_of_descriptors_leaves_no_socket_pair_whole)
{
	enum { RETRIES = 3 };
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = FLOOD("5"), .fds = &pair, .n_fds = 1,
				  .window_bytes = 5000));
	while (buf_size(&r.out[5]) < 5000)
		cr_assert(eq(int, engine_wait(engine), 0));
	fill_descriptors(FULL_MAX);
	drop(&r, 5, 0);
	wait_for(engine, &r.eof[5]);
	for (int i = 0; i < RETRIES; i++)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(not(r.exited));
	free_descriptors();
	record_wait(&r);
	expect_broken_socket(&r);
	record_done(&r);
	usp_engine_free(engine);
}

/* Written to until it takes no more, which is waited for. */
CLEAN_TEST(engine_drop, what_waits_for_room_in_a_socket_pair_is_lost)
{
	enum { SIZE = 256 * KIB, ROUNDS = 8 };
	struct usp_engine *engine = record_engine(NULL);
	char *bytes = calloc(1, SIZE);
	struct record r = { 0 };
	uint64_t given = 0;

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever")), .fds = &pair,
				  .n_fds = 1));
	wait_for(engine, &r.started);
	for (int i = 0; i < ROUNDS; i++) {
		while (usp_process_write_stream(r.process, 5, bytes, KIB) == 0)
			given += KIB;
		cr_assert(eq(int, usp_engine_turn(engine), 0));
	}
	drop(&r, 5, 0);
	wait_for(engine, &r.eof[5]);
	cr_assert(eq(int, usp_process_signal(r.process, SIGTERM, USP_TARGET_PROCESS), 0));
	record_wait(&r);
	cr_assert(eq(u64, r.window_bytes + r.end.stdin_unread_bytes, given));
	record_done(&r);
	usp_engine_free(engine);
	free(bytes);
}

/* ---- after the exit ------------------------------------------------------ */

/* Somebody holds its streams who says nothing; @turns: how far it has got with finding
 * out who. */
static void expect_end_after(int turns, uint64_t drain_ns)
{
	struct usp_engine *engine = record_engine(NULL);
	unsigned slots = reactor_slots_free(engine_reactor(engine));
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = SHELL(PROGRAM("sleep_forever") " & echo $!"),
				  .drain_ns = drain_ns));
	wait_for(engine, &r.exited);
	while (!memchr(record_text(&r, 1), '\n', buf_size(&r.out[1])))
		cr_assert(eq(int, engine_wait(engine), 0));
	for (int i = 0; i < turns && !r.ended; i++)
		cr_assert(eq(int, usp_engine_turn(engine), 0));
	if (!r.ended) {
		drop(&r, 1, 0);
		drop(&r, 2, 0);
	}
	record_wait(&r);
	kill(atoi(record_text(&r, 1)), SIGKILL);
	record_expect_exit(&r, 0);
	cr_assert(r.eof[1] && r.eof[2]);
	expect_all_slots_free(engine, slots);
	record_done(&r);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_drop, who_holds_a_stream_does_not_hold_up_the_end)
{
	expect_end_after(0, 0);
	for (int turns = 0; turns < 8; turns++)
		expect_end_after(turns, 1);
}

static void drop_the_others(struct record *r, const struct usp_event *event)
{
	struct record *other = r->user;

	if (event->kind == USP_EVENT_EOF && event->eof.stream == 1)
		drop(other, 1, 0);
}

static void wait_for_a_byte(struct record *r, int stream)
{
	while (buf_size(&r->out[stream]) == 0)
		cr_assert(eq(int, engine_wait(r->engine), 0));
}

/*
 * Its slot is in use by the look for who holds it, which begins in the turn in which it
 * is given up: by what another process has to tell.  All that keeps the first process
 * from its end is what it said to its stderr.
 */
CLEAN_TEST(engine_drop, a_stream_that_is_looked_at_is_closed_after_the_look)
{
	enum { DRAIN_MS = 500 };
	struct usp_engine *engine = record_engine(NULL);
	struct reactor *reactor = engine_reactor(engine);
	struct record r = { 0 }, other = { .also = drop_the_others, .user = &r };
	unsigned slots;
	uint64_t due_ns;

	record_spawn(&other, engine, &USP_OPTIONS(.argv = FLOOD("1"), .window_bytes = 1));
	wait_for_a_byte(&other, 1);
	record_spawn(
		&r, engine,
		&USP_OPTIONS(.argv = SHELL(PROGRAM("flood") " " FOR_EVER
							    " 7 1 2>&- & echo more >&2"),
			     .window_bytes = 1, .drain_ns = DRAIN_MS * NS_PER_MS));
	wait_for(engine, &r.exited);
	due_ns = clock_now_ns() + DRAIN_MS * NS_PER_MS;
	wait_for_a_byte(&r, 1);
	wait_for_a_byte(&r, 2);
	while (clock_now_ns() < due_ns)
		wait_pause();

	drop(&other, 1, 0);
	slots = reactor_slots_free(reactor);
	record_wait(&other);
	expect_broken_pipe(&other);
	/* The other's pidfd and two streams, and this one. */
	while (!r.eof[1] || reactor_slots_free(reactor) < slots + 4)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(not(r.ended));
	usp_process_credit(r.process, 2, 100);
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 2), "more\n"));
	record_done(&r);
	record_done(&other);
	usp_engine_free(engine);
}

/* What it left in its pipe is not waited for either. */
CLEAN_TEST(engine_drop, nobody_credits_what_it_left)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("head", "-c", "60000", "/dev/zero"),
				  .window_bytes = 1));
	wait_for(engine, &r.exited);
	while (buf_size(&r.out[1]) == 0)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(not(r.ended));
	drop(&r, 1, 0);
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(u64, r.end.bytes[1], 1));
	record_done(&r);
	usp_engine_free(engine);
}
