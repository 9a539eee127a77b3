/*
 * The engine: output that is more than it may be.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "process/process.h"
#include "programs/pattern.h"
#include "support/clean.h"
#include "support/record.h"

TestSuite(engine_limit, .timeout = 60);

#define KIB 1024u

enum { SEED = 77 };

/* The bytes [@from, @from + @size) of what flood writes are at @bytes. */
static void expect_pattern(const uint8_t *bytes, size_t from, size_t size)
{
	size_t start = from / PATTERN_WORD * PATTERN_WORD;
	size_t room = (from - start + size + PATTERN_WORD) / PATTERN_WORD * PATTERN_WORD;
	uint8_t *want = malloc(room);

	pattern_fill(want, room, SEED, start);
	cr_assert(eq(int, memcmp(bytes, want + (from - start), size), 0),
		  "%zu bytes from %zu", size, from);
	free(want);
}

/* Credit for stream 1 comes back when all of it was used up. */
struct credit {
	uint32_t each;
	uint64_t given;
};

static void on_output_credit(struct record *r, const struct usp_event *event)
{
	struct credit *credit = r->user;

	if (event->kind != USP_EVENT_OUTPUT || !credit->each)
		return;
	cr_assert(le(sz, buf_size(&r->out[1]), credit->given), "more than was credited");
	if (buf_size(&r->out[1]) == credit->given) {
		credit->given += credit->each;
		usp_process_credit(r->process, 1, credit->each);
	}
}

/* ---- the middle is dropped ----------------------------------------------- */

static const struct row {
	const char *name;
	size_t max, tail, written;
	uint32_t window;
} rows[] = {
	{ "less than the head", 1000, 300, 500, 0 },
	{ "the head and no more", 1000, 300, 700, 0 },
	{ "a part of the tail", 1000, 300, 701, 0 },
	{ "just what may be", 1000, 300, 1000, 0 },
	{ "a byte more", 1000, 300, 1001, 0 },
	{ "much more", 1000, 300, 3000000, 0 },
	{ "no tail", 1000, 0, 3000000, 0 },
	{ "no head", 1000, 1000, 3000000, 0 },
	{ "a tail of one byte", 1, 1, 500000, 0 },
	{ "a head of many reads", 500000, 1000, 2000000, 0 },
	{ "a tail of many reads", 1 << 20, 1 << 20, 3000000, 0 },
	{ "a window smaller than the tail", 1000, 300, 3000000, 7 },
	{ "a window larger than all", 1000, 300, 3000000, 100000 },
	{ "a window, and no head", 100000, 100000, 3000000, 1000 },
	{ "a window, and a head of many reads", 300000, 70000, 2000000, 65536 },
	{ "a window, and nothing dropped", 300000, 70000, 290000, 4096 },
};

ParameterizedTestParameters(engine_limit, head_and_tail_are_told)
{
	static size_t number[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(rows));
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void expect_row(const struct row *row, struct record *r)
{
	size_t told = least(row->max, row->written);
	size_t tail = least(row->tail, told - least(told, row->max - row->tail));
	const uint8_t *bytes = (const uint8_t *)record_text(r, 1);

	record_expect_exit(r, 0);
	cr_assert(eq(u64, r->end.bytes[1], told));
	cr_assert(eq(u64, r->end.bytes[1] + r->end.dropped[1], row->written));
	cr_assert(eq(int, r->end.drain, USP_DRAIN_EOF));
	expect_pattern(bytes, 0, told - tail);
	expect_pattern(bytes + told - tail, row->written - tail, tail);
}

ParameterizedTest(size_t *number, engine_limit, head_and_tail_are_told)
{
	const struct row *row = &rows[*number];
	struct credit credit = { row->window, row->window };
	struct record r = { .also = on_output_credit, .user = &credit };
	char written[24];
	int before = open_fds();

	snprintf(written, sizeof(written), "%zu", row->written);
	RUN(&r, .argv = ARGV(PROGRAM("flood"), written, "77", "1"),
	    .window_bytes = row->window, .output_max_bytes = row->max,
	    .output_tail_bytes = row->tail, .output_action = USP_OUTPUT_DROP);
	expect_row(row, &r);
	record_done(&r);
	cr_assert(eq(int, open_fds(), before), "%s: descriptors left open", row->name);
	cr_assert(eq(int, leaks(), 0), "%s: memory leaked", row->name);
}

CLEAN_TEST(engine_limit, each_stream_has_a_limit_of_its_own)
{
	struct record r = { 0 };

	RUN(&r, .argv = SHELL("printf 123456789; printf abc >&2"), .output_max_bytes = 5,
	    .output_tail_bytes = 2, .output_action = USP_OUTPUT_DROP);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "12389"));
	cr_assert(eq(str, (char *)record_text(&r, 2), "abc"));
	cr_assert(eq(u64, r.end.dropped[1], 4));
	cr_assert(eq(u64, r.end.dropped[2], 0));
	record_done(&r);
}

/* Its consumer takes nothing: the middle is read all the same, and the child ends. */
CLEAN_TEST(engine_limit, what_is_dropped_waits_for_nobody)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("flood"), "1000000", "77", "1"),
				  .window_bytes = 10, .output_max_bytes = 30,
				  .output_tail_bytes = 20,
				  .output_action = USP_OUTPUT_DROP));
	while (!r.exited)
		cr_assert(eq(int, engine_wait(engine), 0));
	engine_pause(r.process, true);
	usp_process_credit(r.process, 1, 5);
	for (int i = 0; i < 20; i++)
		usp_engine_turn(engine);
	cr_assert(eq(sz, buf_size(&r.out[1]), 10), "it is paused");
	engine_pause(r.process, false);
	while (buf_size(&r.out[1]) < 15)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(not(r.eof[1]));
	usp_process_credit(r.process, 1, 100);
	cr_assert(eq(sz, buf_size(&r.out[1]), 15), "told from inside the call");
	record_wait(&r);
	record_expect_exit(&r, 0);
	expect_pattern((const uint8_t *)record_text(&r, 1) + 10, 1000000 - 20, 20);
	cr_assert(eq(u64, r.end.dropped[1], 1000000 - 30));
	record_done(&r);
	usp_engine_free(engine);
}

/* What is killed meanwhile does not wait for credit either, and counts what was lost. */
CLEAN_TEST(engine_limit, a_tail_that_nobody_takes_is_dropped_by_a_kill)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("flood"), "100000", "77", "1"),
				  .window_bytes = 10, .output_max_bytes = 30,
				  .output_tail_bytes = 20,
				  .output_action = USP_OUTPUT_DROP,
				  .kill = { .signal = SIGKILL }));
	while (!r.exited)
		cr_assert(eq(int, engine_wait(engine), 0));
	usp_process_kill(r.process);
	record_wait(&r);
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	cr_assert(eq(u64, r.end.bytes[1], 10));
	cr_assert(eq(u64, r.end.bytes[1] + r.end.dropped[1], 100000));
	record_done(&r);
	usp_engine_free(engine);
}

/* ---- it is killed -------------------------------------------------------- */

static void expect_limit(struct record *r, uint64_t max)
{
	const uint8_t *bytes = (const uint8_t *)record_text(r, 1);

	cr_assert(eq(int, r->end.reason, USP_REASON_OUTPUT_LIMIT));
	cr_assert(eq(int, r->exit.signal, SIGTERM));
	cr_assert(eq(u64, r->end.bytes[1], max));
	cr_assert(eq(u64, r->end.dropped[1], 1), "no more is read than shows it");
	cr_assert(eq(int, r->end.drain, USP_DRAIN_DEADLINE));
	expect_pattern(bytes, 0, max);
	record_done(r);
}

CLEAN_TEST(engine_limit, endless_output_is_cut_at_the_limit)
{
	struct record r = { 0 };

	RUN(&r, .argv = ARGV(PROGRAM("flood"), "100000000000", "77", "1"),
	    .output_max_bytes = 300000);
	expect_limit(&r, 300000);
}

CLEAN_TEST(engine_limit, endless_output_is_cut_at_the_limit_within_a_window)
{
	struct credit credit = { 1000, 1000 };
	struct record r = { .also = on_output_credit, .user = &credit };

	RUN(&r, .argv = ARGV(PROGRAM("flood"), "100000000000", "77", "1"),
	    .output_max_bytes = 20500, .window_bytes = 1000);
	expect_limit(&r, 20500);
}

/* The byte that is too much needs no credit. */
CLEAN_TEST(engine_limit, a_consumer_that_gives_no_credit_does_not_hold_up_the_limit)
{
	struct record r = { 0 };

	RUN(&r, .argv = ARGV(PROGRAM("flood"), "100000000000", "77", "1"),
	    .output_max_bytes = 100, .window_bytes = 100);
	expect_limit(&r, 100);
}

CLEAN_TEST(engine_limit, what_is_just_the_limit_is_no_offence)
{
	struct record r = { 0 };

	RUN(&r, .argv = ARGV(PROGRAM("flood"), "70000", "77", "1"),
	    .output_max_bytes = 70000);
	record_expect_exit(&r, 0);
	cr_assert(eq(u64, r.end.bytes[1], 70000));
	cr_assert(eq(u64, r.end.dropped[1], 0));
	record_done(&r);
}

/* The other stream is told to its end. */
CLEAN_TEST(engine_limit, one_stream_too_many_ends_the_process)
{
	struct record r = { 0 };

	RUN(&r,
	    .argv = SHELL("echo out; trap 'exit 3' TERM; while :; do echo err >&2; done"),
	    .output_max_bytes = 10);
	cr_assert(eq(int, r.end.reason, USP_REASON_OUTPUT_LIMIT));
	cr_assert(eq(int, r.exit.code, 3));
	cr_assert(eq(str, (char *)record_text(&r, 1), "out\n"));
	cr_assert(eq(str, (char *)record_text(&r, 2), "err\nerr\ner"));
	cr_assert(ne(int, usp_shell_code(&r.end, &r.exit, NULL), 0));
	record_done(&r);
}

/* It says too much and is done: it was cut off all the same. */
CLEAN_TEST(engine_limit, what_returned_0_meanwhile_was_cut_off)
{
	struct record r = { 0 };

	RUN(&r, .argv = ARGV(PROGRAM("flood"), "101", "77", "1"),
	    .output_max_bytes = 100);
	cr_assert(eq(int, r.end.reason, USP_REASON_OUTPUT_LIMIT));
	cr_assert(eq(u64, r.end.bytes[1], 100));
	cr_assert(ne(int, usp_shell_code(&r.end, &r.exit, NULL), 0));
	record_done(&r);
}
