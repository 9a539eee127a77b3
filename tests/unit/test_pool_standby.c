/*
 * Pools of processes that stand by: each serves one use, whole.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/look.h"
#include "pool/pool.h"
#include "support/clean.h"
#include "support/pooled.h"

TestSuite(pool_standby, .timeout = 120);

#define MEMBER(script)                                                                   \
	&USP_OPTIONS(.argv = SHELL(script), .stdio[0].kind = USP_STDIO_PIPE,             \
		     .envp = ARGV("PATH=/usr/bin:/bin"))

static void write_line(struct record *r, const char *text)
{
	cr_assert(eq(int, usp_process_write(r->process, text, strlen(text)), 0));
	cr_assert(eq(int, usp_process_close_stdin(r->process), 0));
}

CLEAN_TEST(pool_standby, each_use_has_a_process_of_its_own)
{
	struct pooled p = { 0 };
	struct record r[3] = { 0 };

	POOLED(&p, .member = MEMBER("read line; echo got $line; echo x >&2; exit 3"));
	for (int i = 0; i < 3; i++) {
		pooled_until(&p, pooled_stats(&p).idle > 0);
		pooled_use(&p, &r[i], NULL);
		write_line(&r[i], "this\n");
		record_wait(&r[i]);
		record_expect_exit(&r[i], 3);
		cr_assert(eq(str, (char *)record_text(&r[i], 1), "got this\n"));
		cr_assert(eq(str, (char *)record_text(&r[i], 2), "x\n"));
		cr_assert(eq(u64, r[i].end.bytes[0], 5));
	}
	cr_assert(ne(int, r[0].pid, r[1].pid));
	cr_assert(ne(int, r[1].pid, r[2].pid));
	cr_assert(eq(u64, pooled_stats(&p).exits[USP_POOL_USED], 3));
	cr_assert(eq(u64, pooled_stats(&p).uses, 3));
	cr_assert(eq(u64, pooled_stats(&p).cold, 0));
	for (int i = 0; i < 3; i++)
		record_done(&r[i]);
	pooled_done(&p);
}

/* It has waited in the pipe, and comes behind the start. */
CLEAN_TEST(pool_standby, what_it_wrote_before_its_use_is_its_uses)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .ready_stream = 3,
	       .member = &USP_OPTIONS(
			       .argv = SHELL(
				       "echo early; echo ready >&3; read line; echo late"),
			       .stdio[0]
			       .kind = USP_STDIO_PIPE,
			       .n_fds = 1,
			       .fds = &(struct usp_fd){ .target = 3,
							.stdio.kind = USP_STDIO_PIPE }));
	pooled_until_stat(&p, idle, 1);
	pooled_use(&p, &r, NULL);
	write_line(&r, "\n");
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "early\nlate\n"));
	cr_assert(eq(str, (char *)record_text(&r, 3), "eady\n"),
		  "all but its first byte");
	record_done(&r);
	pooled_done(&p);
}

/* Nothing of it is read until somebody wants it. */
CLEAN_TEST(pool_standby, what_waits_keeps_to_the_window)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .member = MEMBER("echo 0123456789; read line"));
	pooled_until_stat(&p, idle, 1);
	pooled_use(&p, &r, &USP_OPTIONS(.window_bytes = 4));
	pooled_until(&p, buf_size(&r.out[1]) == 4);
	for (int i = 0; i < 20; i++)
		cr_assert(eq(int, usp_engine_turn(p.engine), 0));
	cr_assert(eq(str, (char *)record_text(&r, 1), "0123"));
	usp_process_credit(r.process, 1, 100);
	write_line(&r, "\n");
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "0123456789\n"));
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_standby, what_is_done_to_a_use_before_it_has_a_process_is_done_to_that)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .member = MEMBER("trap '' PIPE; cat; echo not-told >&2; exit 4"));
	pooled_use(&p, &r, &USP_OPTIONS(.window_bytes = 2));
	engine_pause(r.process, true);
	cr_assert(eq(int, usp_process_write(r.process, "abc", 3), 0));
	cr_assert(eq(int, usp_process_write(r.process, "def", 3), 0));
	cr_assert(eq(int, usp_process_close_stdin(r.process), 0));
	cr_assert(eq(int, usp_process_write(r.process, "g", 1), -EPIPE));
	cr_assert(eq(int, usp_process_drop_stream(r.process, 2), 0));
	usp_process_credit(r.process, 1, 2);
	pooled_until(&p, r.started && r.eof[2]);
	for (int i = 0; i < 20; i++)
		cr_assert(eq(int, usp_engine_turn(p.engine), 0));
	cr_assert(eq(str, (char *)record_text(&r, 1), ""), "it is paused");
	engine_pause(r.process, false);
	pooled_until(&p, buf_size(&r.out[1]) == 4);
	usp_process_credit(r.process, 1, 100);
	record_wait(&r);
	record_expect_exit(&r, 4);
	cr_assert(eq(str, (char *)record_text(&r, 1), "abcdef"));
	cr_assert(eq(str, (char *)record_text(&r, 2), ""));
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_standby, so_much_may_be_written_before_there_is_a_process)
{
	struct pooled p = { 0 };
	struct record r = { 0 };
	static char block[64 << 10];

	POOLED(&p, .member = MEMBER("wc -c"));
	pooled_use(&p, &r, NULL);
	for (int i = 0; i < 4; i++)
		cr_assert(eq(int, usp_process_write(r.process, block, sizeof(block)), 0));
	cr_assert(eq(int, usp_process_write(r.process, block, 1), -EAGAIN));
	cr_assert(eq(int, usp_process_close_stdin(r.process), 0));
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "262144\n"));
	cr_assert(eq(u64, r.window_bytes, 4 * sizeof(block)));
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_standby, limits_are_the_uses)
{
	struct pooled p = { 0 };
	struct record output = { 0 }, time = { 0 }, silence = { 0 };

	POOLED(&p, .min = 3, .max = 3,
	       .member = MEMBER("read n; yes | head -c $n; exec sleep 1000"));
	pooled_until_stat(&p, idle, 3);
	pooled_use(&p, &output,
		   &USP_OPTIONS(.output_max_bytes = 100, .kill.signal = SIGKILL));
	pooled_use(&p, &time, &USP_OPTIONS(.timeout_ns = 50 * NS_PER_MS));
	pooled_use(&p, &silence, &USP_OPTIONS(.idle_timeout_ns = 50 * NS_PER_MS));
	write_line(&output, "1000\n");
	write_line(&time, "0\n");
	record_wait(&output);
	record_wait(&time);
	record_wait(&silence);
	cr_assert(eq(int, output.end.reason, USP_REASON_OUTPUT_LIMIT));
	cr_assert(eq(u64, output.end.bytes[1], 100));
	cr_assert(eq(int, time.end.reason, USP_REASON_TIMEOUT));
	cr_assert(le(u64, 50 * NS_PER_MS, time.end.timings.running_ns));
	cr_assert(eq(int, silence.end.reason, USP_REASON_IDLE_TIMEOUT));
	cr_assert(eq(u64, pooled_stats(&p).exits[USP_POOL_DISCARDED], 3));
	record_done(&output);
	record_done(&time);
	record_done(&silence);
	pooled_done(&p);
}

CLEAN_TEST(pool_standby, its_usage_is_told_if_it_is_asked_for)
{
	struct pooled p = { 0 };
	struct record with = { 0 }, without = { 0 };

	POOLED(&p, .member = MEMBER("read line"));
	pooled_use(&p, &with, &USP_OPTIONS(.flags = USP_FLAG_RUSAGE));
	pooled_use(&p, &without, NULL);
	write_line(&with, "\n");
	write_line(&without, "\n");
	record_wait(&with);
	record_wait(&without);
	cr_assert(with.end.rusage && with.usage.max_rss_bytes > 0);
	cr_assert(without.end.rusage == NULL);
	cr_assert(lt(u64, 0, pooled_stats(&p).rss_peak_bytes));
	record_done(&with);
	record_done(&without);
	pooled_done(&p);
}

CLEAN_TEST(pool_standby, one_whose_client_is_gone_may_go_on)
{
	struct pooled p = { 0 };
	struct record before = { 0 }, after = { 0 };

	POOLED(&p, .member = MEMBER("cat; echo went-on; exit 5"));
	pooled_use(&p, &before, &USP_OPTIONS(.window_bytes = 1, .gone = USP_GONE_KEEP));
	engine_detach(before.process);
	pooled_use(&p, &after, &USP_OPTIONS(.window_bytes = 1, .gone = USP_GONE_KEEP));
	pooled_until(&p, after.started);
	engine_detach(after.process);
	record_wait(&before);
	record_wait(&after);
	record_expect_exit(&before, 5);
	record_expect_exit(&after, 5);
	record_done(&before);
	record_done(&after);
	pooled_done(&p);
}

CLEAN_TEST(pool_standby, it_may_have_a_terminal)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .member = &USP_OPTIONS(.argv = SHELL(
						  "read line; until [ \"$(stty size)\" = "
						  "'33 77' ]; do :; done; echo sized"),
					  .envp = ARGV("PATH=/usr/bin:/bin"),
					  .stdio = { { USP_STDIO_PTY },
						     { USP_STDIO_PTY },
						     { USP_STDIO_PTY } }));
	pooled_use(&p, &r, NULL);
	cr_assert(
		eq(int,
		   usp_process_resize(r.process,
				      &(struct usp_winsize){ .rows = 33, .columns = 77 }),
		   0));
	cr_assert(eq(int, usp_process_close_stdin(r.process), -ENOTSUP));
	cr_assert(eq(int, usp_process_write(r.process, "\n", 1), 0));
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(strstr(record_text(&r, 1), "sized") != NULL, "%s", record_text(&r, 1));
	record_done(&r);
	pooled_done(&p);
}

static void note_pid(const struct pool_member_look *member, void *user)
{
	*(pid_t *)user = member->pid;
}

CLEAN_TEST(pool_standby, one_that_is_killed_while_it_waits_is_replaced)
{
	struct pooled p = { 0 };
	struct record r = { 0 };
	pid_t first = 0;

	/* A child of it holds its stdout, and is not waited for. */
	POOLED(&p, .max = 1,
	       .member = MEMBER("sleep 1000 & read line; kill $!; echo well"));
	pooled_until_stat(&p, idle, 1);
	pool_each_member(p.pool, note_pid, &first);
	cr_assert(eq(int, kill(first, SIGKILL), 0));
	pooled_until_stat(&p, exits[USP_POOL_CRASHED], 1);
	pooled_use(&p, &r, NULL);
	write_line(&r, "\n");
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(ne(int, r.pid, first));
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_standby, a_listing_has_it_as_any_process)
{
	struct pooled p = { 0 };
	struct record r = { 0 }, waits = { 0 };
	struct look look;

	POOLED(&p, .member = MEMBER("echo x; read line"), .max = 1);
	pooled_use(&p, &r, NULL);
	pooled_use(&p, &waits, NULL);
	pooled_until(&p, buf_size(&r.out[1]) > 0);
	engine_look(r.process, &look);
	cr_assert(eq(str, (char *)look.state, "running"));
	cr_assert(eq(str, (char *)look.name, "sh"));
	cr_assert(eq(int, look.pid, r.pid));
	cr_assert(eq(u64, look.output_bytes, 2));
	engine_look(waits.process, &look);
	cr_assert(eq(str, (char *)look.state, "queued"));
	cr_assert(eq(int, look.pid, 0));
	write_line(&r, "\n");
	record_wait(&r);
	write_line(&waits, "\n");
	record_wait(&waits);
	record_done(&r);
	record_done(&waits);
	pooled_done(&p);
}
