/*
 * The engine: bytes to stdin and from the other streams, within their windows.
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
#include "support/clean.h"
#include "support/record.h"
#include "support/wait.h"

TestSuite(engine_streams, .timeout = 60);

#define KIB 1024u
#define STDIN_PIPE                                                                       \
	{                                                                                \
		{                                                                        \
			.kind = USP_STDIO_PIPE                                           \
		}                                                                        \
	}

static void turn_until_started(struct record *r)
{
	while (!r->started)
		cr_assert(eq(int, engine_wait(r->engine), 0));
}

/* ---- stdin --------------------------------------------------------------- */

/* Bytes that tell their place. */
static char *numbered(size_t size)
{
	char *bytes = malloc(size);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(i * 31 + i / 257);
	return bytes;
}

struct feed {
	const char *bytes;
	size_t size, given;
	unsigned refused;
};

static void give(struct record *r)
{
	struct feed *feed = r->user;
	int ret = 0;

	while (ret == 0 && feed->given < feed->size) {
		size_t size = feed->size - feed->given;

		size = size < 60 * KIB ? size : 60 * KIB;
		ret = usp_process_write(r->process, feed->bytes + feed->given, size);
		if (ret == 0)
			feed->given += size;
	}
	cr_assert(ret == 0 || ret == -EAGAIN);
	feed->refused += ret == -EAGAIN;
	if (feed->given == feed->size)
		cr_assert(eq(int, usp_process_close_stdin(r->process), 0));
}

static void on_window_give(struct record *r, const struct usp_event *event)
{
	struct feed *feed = r->user;

	if (event->kind == USP_EVENT_WINDOW && feed->given < feed->size)
		give(r);
}

CLEAN_TEST(engine_streams, what_goes_into_cat_comes_out_of_it)
{
	enum { SIZE = 1 << 20 };
	char *bytes = numbered(SIZE);
	struct feed feed = { bytes, SIZE, 0, 0 };
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { .also = on_window_give, .user = &feed };

	record_spawn(&r, engine, &USP_OPTIONS(.argv = ARGV("cat"), .stdio = STDIN_PIPE));
	give(&r);
	cr_assert(eq(int, usp_engine_run(engine), 0));
	record_expect_exit(&r, 0);
	cr_assert(eq(sz, buf_size(&r.out[1]), SIZE));
	cr_assert(eq(int, memcmp(buf_bytes(&r.out[1]), bytes, SIZE), 0));
	cr_assert(lt(uint, 0, feed.refused), "it was never told to wait");
	cr_assert(eq(u64, r.window_bytes, SIZE), "what the window held comes back");
	cr_assert(eq(u64, r.end.bytes[0], SIZE));
	cr_assert(eq(u64, r.end.stdin_unread_bytes, 0));
	cr_assert(not(r.stdin_closed));
	record_done(&r);
	usp_engine_free(engine);
	free(bytes);
}

CLEAN_TEST(engine_streams, the_window_opens_with_256_kib)
{
	struct usp_engine *engine = record_engine(NULL);
	char *bytes = calloc(1, 256 * KIB + 1);
	struct record r = { 0 };

	record_spawn(&r, engine, &USP_OPTIONS(.argv = ARGV("cat"), .stdio = STDIN_PIPE));
	cr_assert(eq(int, usp_process_write(r.process, bytes, 256 * KIB + 1), -EAGAIN));
	cr_assert(eq(int, usp_process_write(r.process, bytes, 256 * KIB), 0));
	cr_assert(eq(int, usp_process_write(r.process, bytes, 1), -EAGAIN));
	cr_assert(eq(int, usp_process_write(r.process, NULL, 0), 0));
	cr_assert(eq(int, usp_process_write(r.process, NULL, 1), -EINVAL));
	cr_assert(eq(int, usp_process_close_stdin(r.process), 0));
	cr_assert(eq(int, usp_process_write(r.process, bytes, 1), -EPIPE));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	record_expect_exit(&r, 0);
	cr_assert(eq(sz, buf_size(&r.out[1]), 256 * KIB));
	record_done(&r);
	usp_engine_free(engine);
	free(bytes);
}

CLEAN_TEST(engine_streams, a_stdin_that_is_closed_at_once_is_empty)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine, &USP_OPTIONS(.argv = ARGV("cat"), .stdio = STDIN_PIPE));
	cr_assert(eq(int, usp_process_close_stdin(r.process), 0));
	cr_assert(eq(int, usp_process_close_stdin(r.process), 0));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	record_expect_exit(&r, 0);
	cr_assert(eq(u64, r.end.bytes[0], 0));
	record_done(&r);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_streams, only_a_pipe_can_be_written_to)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine, &USP_OPTIONS(.argv = ARGV("cat")));
	cr_assert(eq(int, usp_process_write(r.process, "x", 1), -ENOTSUP));
	cr_assert(eq(int, usp_process_close_stdin(r.process), -ENOTSUP));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	record_done(&r);
	usp_engine_free(engine);
}

static void let_sigpipe_kill(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* More than a pipe holds, to a child that reads nothing. */
CLEAN_TEST(engine_streams, a_child_that_does_not_read_has_not_failed)
{
	enum { SIZE = 200 << 10 };
	struct usp_engine *engine = record_engine(NULL);
	char *bytes = calloc(1, SIZE);
	struct record r = { 0 };

	let_sigpipe_kill();
	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("true")), .stdio = STDIN_PIPE));
	cr_assert(eq(int, usp_process_write(r.process, bytes, SIZE), 0));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	record_expect_exit(&r, 0);
	cr_assert(le(u64, r.end.bytes[0], 64 * KIB));
	cr_assert(eq(u64, r.end.bytes[0] + r.end.stdin_unread_bytes, SIZE));
	record_done(&r);
	usp_engine_free(engine);
	free(bytes);
}

static int after_window = 1;

static void on_output_write(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_OUTPUT)
		cr_assert(eq(int, usp_process_write(r->process, "lost", 4), 0));
	if (event->kind == USP_EVENT_WINDOW) {
		after_window = usp_process_write(r->process, "x", 1);
		usp_process_kill(r->process);
	}
}

CLEAN_TEST(engine_streams, a_child_that_closes_its_stdin_closes_the_window)
{
	struct record r = { .also = on_output_write };

	let_sigpipe_kill();
	RUN(&r, .argv = SHELL("exec 0<&-; echo closed; exec " PROGRAM("sleep_forever")),
	    .stdio = STDIN_PIPE);
	cr_assert(r.stdin_closed);
	cr_assert(eq(int, after_window, -EPIPE));
	cr_assert(eq(u64, r.end.bytes[0], 0));
	cr_assert(eq(u64, r.end.stdin_unread_bytes, 4));
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	record_done(&r);
}

/* ---- windows ------------------------------------------------------------- */

struct window {
	uint32_t each;	   /* given back at a time */
	uint64_t credited; /* in all */
};

static void on_output_credit(struct record *r, const struct usp_event *event)
{
	struct window *window = r->user;

	if (event->kind != USP_EVENT_OUTPUT)
		return;
	cr_assert(le(sz, buf_size(&r->out[1]), window->credited),
		  "more than was credited");
	if (buf_size(&r->out[1]) == window->credited) {
		window->credited += window->each;
		usp_process_credit(r->process, 1, window->each);
	}
}

CLEAN_TEST(engine_streams, a_window_of_one_byte_gives_one_byte_at_a_time)
{
	struct window window = { 1, 1 };
	struct record r = { .also = on_output_credit, .user = &window };

	RUN(&r, .argv = SHELL("echo 0123456789abcdef"), .window_bytes = 1);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "0123456789abcdef\n"));
	record_done(&r);
}

CLEAN_TEST(engine_streams, no_window_gives_more_than_was_credited)
{
	struct window window = { 64 * KIB, 64 * KIB };
	struct record r = { .also = on_output_credit, .user = &window };

	RUN(&r, .argv = ARGV("head", "-c", "1000000", "/dev/zero"),
	    .window_bytes = 64 * KIB);
	record_expect_exit(&r, 0);
	cr_assert(eq(sz, buf_size(&r.out[1]), 1000000));
	record_done(&r);
}

/* 'S': it sleeps, which here means on a full pipe. */
static char state_of(pid_t pid)
{
	char path[32], state = '?';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	if (file)
		fclose(file);
	return state;
}

static bool turned_until_asleep(struct record *r)
{
	cr_assert(eq(int, usp_engine_turn(r->engine), 0));
	return state_of(r->pid) == 'S';
}

CLEAN_TEST(engine_streams, without_credit_the_child_waits_and_nobody_else)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 }, other = { 0 };
	bool asleep;

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("head", "-c", "1000000", "/dev/zero"),
				  .window_bytes = 10 * KIB));
	while (buf_size(&r.out[1]) < 10 * KIB)
		cr_assert(eq(int, engine_wait(engine), 0));
	asleep = wait_until(turned_until_asleep(&r), WAIT_MS);
	cr_assert(asleep, "the child does not wait");

	record_spawn(&other, engine,
		     &USP_OPTIONS(.argv = ARGV("head", "-c", "500000", "/dev/zero")));
	record_wait(&other);
	cr_assert(eq(sz, buf_size(&other.out[1]), 500000));
	cr_assert(eq(sz, buf_size(&r.out[1]), 10 * KIB));
	cr_assert(not(r.exited));

	usp_process_credit(r.process, 1, 1);
	while (buf_size(&r.out[1]) == 10 * KIB)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(eq(sz, buf_size(&r.out[1]), 10 * KIB + 1));
	usp_process_credit(r.process, 1, UINT32_MAX);
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(sz, buf_size(&r.out[1]), 1000000));
	record_done(&r);
	record_done(&other);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_streams, each_stream_has_a_window_of_its_own)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = SHELL("printf abcdef; printf ABCDEF >&2"),
				  .window_bytes = 3));
	while (!r.exited || buf_size(&r.out[1]) < 3 || buf_size(&r.out[2]) < 3)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(eq(str, (char *)record_text(&r, 1), "abc"));
	cr_assert(eq(str, (char *)record_text(&r, 2), "ABC"));
	usp_process_credit(r.process, 2, 100);
	while (!r.eof[2])
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(eq(str, (char *)record_text(&r, 1), "abc"));
	usp_process_credit(r.process, 0, 100);
	usp_process_credit(r.process, 3, 100);
	usp_process_credit(r.process, 1, 100);
	cr_assert(eq(int, usp_engine_run(engine), 0));
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "abcdef"));
	cr_assert(eq(str, (char *)record_text(&r, 2), "ABCDEF"));
	record_done(&r);
	usp_engine_free(engine);
}

/* As much as may be in a pipe, which nobody but this process has any more. */
CLEAN_TEST(engine_streams, what_it_left_in_its_pipe_waits_for_credit)
{
	enum { LEFT = 60000 };
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("head", "-c", "60000", "/dev/zero"),
				  .window_bytes = 1));
	while (!r.exited || buf_size(&r.out[1]) == 0)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(eq(int, usp_engine_turn(engine), 0));
	cr_assert(eq(sz, buf_size(&r.out[1]), 1));
	cr_assert(not(r.eof[1] || r.ended), "nobody asked for what it had said");
	usp_process_credit(r.process, 1, UINT32_MAX);
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(sz, buf_size(&r.out[1]), LEFT));
	record_done(&r);
	usp_engine_free(engine);
}

static void on_output_credit_that(struct record *r, const struct usp_event *event)
{
	int stream = *(int *)r->user;

	if (event->kind == USP_EVENT_OUTPUT && event->output.stream == stream)
		usp_process_credit(r->process, stream, (uint32_t)event->output.size);
}

/* Each is more than a pipe holds; @read is credited, and @full is not. */
static void expect_other_stream(const char *script, int read, int full)
{
	enum { BYTES = 300000, WINDOW = 1000 };
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { .also = on_output_credit_that, .user = &read };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = SHELL(script), .window_bytes = WINDOW));
	while (!r.eof[read])
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(eq(sz, buf_size(&r.out[read]), BYTES));
	cr_assert(le(sz, buf_size(&r.out[full]), WINDOW));
	cr_assert(not(r.eof[full]));
	usp_process_credit(r.process, full, UINT32_MAX);
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(sz, buf_size(&r.out[full]), BYTES));
	record_done(&r);
	usp_engine_free(engine);
}

#define MUCH "head -c 300000 /dev/zero "

CLEAN_TEST(engine_streams, a_stream_without_credit_does_not_hold_up_the_other)
{
	expect_other_stream(MUCH "2>&- & exec " MUCH ">&2", 2, 1);
	expect_other_stream(MUCH ">&2 & exec " MUCH, 1, 2);
}

/* Nobody credits: what is killed ends all the same. */
CLEAN_TEST(engine_streams, a_killed_process_does_not_wait_for_credit)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("head", "-c", "1000000", "/dev/zero"),
				  .window_bytes = 5, .kill = { .signal = SIGKILL }));
	turn_until_started(&r);
	usp_process_kill(r.process);
	cr_assert(eq(int, usp_engine_run(engine), 0));
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	cr_assert(le(sz, buf_size(&r.out[1]), 5));
	record_done(&r);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_streams, many_streams_share_a_few_buffers)
{
	enum { MANY = 12 };
	const struct usp_engine_options options = { .size = sizeof(options),
						    .launchers = 2,
						    .read_buffers = 1 };
	struct usp_engine *engine = record_engine(&options);
	struct record r[MANY] = { 0 };

	for (int i = 0; i < MANY; i++)
		record_spawn(
			&r[i], engine,
			&USP_OPTIONS(.argv = ARGV("head", "-c", "300000", "/dev/zero"),
				     .window_bytes = i % 2 ? UINT32_MAX : 0));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	for (int i = 0; i < MANY; i++) {
		record_expect_exit(&r[i], 0);
		cr_assert(eq(sz, buf_size(&r[i].out[1]), 300000));
		record_done(&r[i]);
	}
	usp_engine_free(engine);
}
