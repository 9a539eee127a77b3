/*
 * Pools of workers: what is told to whom, and what becomes of a member.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "pool/pool_parts.h"
#include "support/alive.h"
#include "support/clean.h"
#include "support/pooled.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(pool_worker, .timeout = 120, .fini = tmpdir_done);

#define MEMBER(...) &USP_OPTIONS(.argv = WORKER(__VA_ARGS__))
#define RESET	    ASKS("reset", "was reset")
#define PING	    ASKS("ping", "pong")

/* ---- one use after the other ------------------------------------------------------------ */

CLEAN_TEST(pool_worker, a_member_serves_one_use_after_the_other)
{
	struct pooled p = { 0 };
	struct record a = { 0 }, b = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1, .reset = RESET);
	pooled_use(&p, &a, NULL);
	pooled_ask(&p, &a, "echo one", "one");
	pooled_release(&p, &a);
	cr_assert(eq(str, a.order, "swo."));
	pooled_use(&p, &b, NULL);
	pooled_ask(&p, &b, "echo two", "two");
	pooled_release(&p, &b);
	cr_assert(eq(int, a.pid, b.pid), "it was another member");
	cr_assert(eq(u64, pooled_stats(&p).starts, 1));
	cr_assert(eq(u64, pooled_stats(&p).uses, 2));
	record_done(&a);
	record_done(&b);
	pooled_done(&p);
}

static void check_end(struct record *r, const struct usp_event *event)
{
	const struct usp_end *end = &event->end;

	(void)r;
	if (event->kind != USP_EVENT_END)
		return;
	cr_assert(eq(sz, end->n_streams, 1));
	cr_assert(eq(int, end->streams[0].stream, 3));
	cr_assert(eq(u64, end->streams[0].bytes, 4));
	cr_assert(lt(u64, 0, end->timings.running_ns));
	cr_assert(eq(u64, end->timings.launch_ns + end->timings.drain_ns, 0));
}

CLEAN_TEST(pool_worker, the_end_of_a_use_has_its_own_totals)
{
	struct pooled p = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	for (int i = 0; i < 2; i++) {
		struct record r = { .also = check_end };

		pooled_use(&p, &r, NULL);
		pooled_ask(&p, &r, "echo one", "one");
		pooled_release(&p, &r);
		record_done(&r);
	}
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, what_is_written_before_it_has_a_member_reaches_it)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER());
	pooled_use(&p, &r, NULL);
	pooled_say(&r, "echo early");
	pooled_ask(&p, &r, "echo late", "early\nlate");
	pooled_release(&p, &r);
	record_done(&r);
	pooled_done(&p);
}

/* ---- nothing of one use reaches the next ---------------------------------------------------- */

CLEAN_TEST(pool_worker, what_comes_late_is_dropped_and_counted)
{
	struct pooled p = { 0 };
	struct record a = { 0 }, b = { 0 };
	const char *sign = tmpdir_path("sign");
	char line[300];

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1, .reset = RESET);
	pooled_use(&p, &a, NULL);
	snprintf(line, sizeof(line), "late %s of-the-first-use", sign);
	pooled_ask(&p, &a, line, "later");
	pooled_release(&p, &a);
	pooled_until_stat(&p, idle, 1);
	close(open(sign, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	pooled_until_stat(&p, dropped_bytes, strlen("of-the-first-use"));
	pooled_use(&p, &b, NULL);
	pooled_ask(&p, &b, "echo two", "two");
	pooled_release(&p, &b);
	cr_assert(eq(int, a.pid, b.pid));
	cr_assert(eq(str, (char *)record_text(&b, 3), "two\n"));
	record_done(&a);
	record_done(&b);
	pooled_done(&p);
}

/* It was in the channel, and nobody had read it, when the next use came. */
CLEAN_TEST(pool_worker, what_is_in_the_channel_is_not_the_next_uses)
{
	struct pooled p = { 0 };
	struct record a = { 0 }, b = { 0 };
	const char *sign = tmpdir_path("sign");
	char line[300];
	bool has_answered;

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	pooled_use(&p, &a, NULL);
	pooled_ask(&p, &a, "echo one", "one");
	pooled_use(&p, &b, NULL); /* which waits */
	snprintf(line, sizeof(line), "echo stale\nsign %s", sign);
	pooled_say(&a, line);
	/* It has answered, and no turn was taken since. */
	has_answered = wait_until(access(sign, F_OK) == 0, WAIT_MS);
	cr_assert(has_answered);
	cr_assert(eq(int, usp_process_release(a.process, 0), 0));
	pooled_ask(&p, &b, "echo two", "two");
	pooled_release(&p, &b);
	cr_assert(eq(str, (char *)record_text(&b, 3), "two\n"));
	cr_assert(eq(str, (char *)record_text(&a, 3), "one\n"));
	record_done(&a);
	record_done(&b);
	pooled_done(&p);
}

static unsigned told_bytes;

static void on_output(struct usp_pool *pool, pid_t pid, int stream, const void *data,
		      size_t size, void *user)
{
	cr_assert(pool != NULL && pid > 0 && user == &told_bytes);
	cr_assert(eq(int, stream, 1));
	cr_assert(eq(int, *(const char *)data, 'x'));
	told_bytes += (unsigned)size;
}

CLEAN_TEST(pool_worker, a_flood_on_stdout_is_nobodys)
{
	for (int told = 0; told < 2; told++) {
		struct pooled p = { 0 };
		struct record r = { 0 };

		POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1,
		       .on_output = told ? on_output : NULL, .user = &told_bytes);
		pooled_use(&p, &r, NULL);
		pooled_ask(&p, &r, "flood 4194304", "flooded");
		pooled_release(&p, &r);
		cr_assert(eq(u64, r.end.bytes[1], 0));
		if (told)
			pooled_until(&p, told_bytes == 4194304);
		else
			pooled_until_stat(&p, dropped_bytes, 4194304);
		cr_assert(eq(u64, pooled_stats(&p).dropped_bytes, told ? 0 : 4194304));
		record_done(&r);
		pooled_done(&p);
	}
}

CLEAN_TEST(pool_worker, no_window_of_the_last_use_is_the_next_ones)
{
	struct pooled p = { 0 };
	struct record a = { 0 }, b = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	pooled_use(&p, &a, &USP_OPTIONS(.window_bytes = 4));
	pooled_until(&p, a.started);
	pooled_say(&a, "echo 0123456789");
	pooled_until(&p, buf_size(&a.out[3]) == 4);
	pooled_release(&p, &a);
	pooled_use(&p, &b, &USP_OPTIONS(.window_bytes = 8));
	pooled_until(&p, b.started);
	pooled_say(&b, "echo 0123456789");
	pooled_until(&p, buf_size(&b.out[3]) == 8);
	for (int i = 0; i < 20; i++)
		cr_assert(eq(int, usp_engine_turn(p.engine), 0));
	cr_assert(eq(str, (char *)record_text(&b, 3), "01234567"));
	usp_process_credit(b.process, 3, 3);
	pooled_until(&p, buf_size(&b.out[3]) == 11);
	pooled_release(&p, &b);
	record_done(&a);
	record_done(&b);
	pooled_done(&p);
}

/* ---- one that ends while it is used ------------------------------------------------------------ */

static const struct fate {
	const char *line;
	int code, signal;
} fates[] = { { "exit 0", 0, 0 }, { "exit 7", 7, 0 }, { "crash", -1, SIGKILL } };

CLEAN_TEST(pool_worker, one_that_ends_in_the_middle_tells_its_use_so)
{
	struct pooled p = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	for (size_t i = 0; i < ARRAY_SIZE(fates); i++) {
		struct record r = { 0 };

		pooled_use(&p, &r, NULL);
		pooled_ask(&p, &r, "echo before", "before");
		pooled_say(&r, fates[i].line);
		record_wait(&r);
		cr_assert(eq(int, r.exit.code, fates[i].code));
		cr_assert(eq(int, r.exit.signal, fates[i].signal));
		cr_assert(eq(int, r.end.reason,
			     fates[i].signal ? USP_REASON_SIGNALLED : USP_REASON_EXITED));
		cr_assert(eq(int, r.eof[1], false), "a stream that is not the use's");
		cr_assert(eq(u64, pooled_stats(&p).exits[USP_POOL_CRASHED], i + 1));
		record_done(&r);
	}
	pooled_until_stat(&p, idle, 1);
	pooled_done(&p);
}

/* A child of it holds its channel and its stdout. */
CLEAN_TEST(pool_worker, what_it_leaves_ends_with_it)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	pooled_use(&p, &r, NULL);
	pooled_ask(&p, &r, "late - x", "later");
	pooled_say(&r, "exit 0");
	record_wait(&r);
	cr_assert(eq(int, r.end.reason, USP_REASON_EXITED));
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, one_that_hangs_is_killed_by_the_limit_of_its_use)
{
	struct pooled p = { 0 };
	struct record a = { 0 }, b = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER("stubborn"), .max = 1);
	pooled_use(&p, &a,
		   &USP_OPTIONS(.timeout_ns = 50 * NS_PER_MS, .kill.grace_ns = 1));
	pooled_until(&p, a.started);
	pooled_say(&a, "hang");
	record_wait(&a);
	cr_assert(eq(int, a.end.reason, USP_REASON_TIMEOUT));
	cr_assert(eq(u64, pooled_stats(&p).exits[USP_POOL_DISCARDED], 1));
	pooled_use(&p, &b, NULL);
	pooled_ask(&p, &b, "echo again", "again");
	cr_assert(ne(int, a.pid, b.pid));
	pooled_release(&p, &b);
	record_done(&a);
	record_done(&b);
	pooled_done(&p);
}

/* The time of one use is not the next one's. */
CLEAN_TEST(pool_worker, limits_of_time_end_with_the_use)
{
	struct pooled p = { 0 };
	struct record a = { 0 }, b = { 0 };
	const struct process *process;

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	pooled_use(&p, &a,
		   &USP_OPTIONS(.timeout_ns = 60 * NS_PER_S,
				.idle_timeout_ns = 60 * NS_PER_S));
	pooled_until(&p, a.started);
	pooled_release(&p, &a);
	pooled_use(&p, &b, NULL);
	pooled_until(&p, b.started);
	process = member_process(((struct use *)b.process)->member);
	cr_assert(not(process->deadline.node.linked || process->idle.node.linked));
	pooled_release(&p, &b);
	record_done(&a);
	record_done(&b);
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, one_that_is_silent_is_killed_by_the_limit_of_its_use)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	pooled_until_stat(&p, idle, 1);
	pooled_use(&p, &r, &USP_OPTIONS(.idle_timeout_ns = 50 * NS_PER_MS));
	record_wait(&r);
	cr_assert(eq(int, r.end.reason, USP_REASON_IDLE_TIMEOUT));
	cr_assert(ge(u64, r.end.timings.running_ns, 50 * NS_PER_MS));
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, a_use_that_is_killed_takes_its_member_along)
{
	struct pooled p = { 0 };
	struct record killed = { 0 }, cut = { 0 }, gone = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 3);
	pooled_use(&p, &killed, NULL);
	pooled_use(&p, &cut, NULL);
	pooled_use(&p, &gone, NULL);
	pooled_until(&p, killed.started && cut.started && gone.started);
	usp_process_kill(killed.process);
	cr_assert(eq(int, usp_process_release(killed.process, 0), 0)); /* too late */
	engine_cut(cut.process);
	engine_abandon(gone.process);
	record_wait(&killed);
	record_wait(&cut);
	record_wait(&gone);
	cr_assert(eq(int, killed.end.reason, USP_REASON_KILLED));
	cr_assert(eq(int, cut.end.reason, USP_REASON_KILLED));
	cr_assert(eq(int, gone.end.reason, USP_REASON_CLIENT_GONE));
	cr_assert(eq(u64, pooled_stats(&p).exits[USP_POOL_DISCARDED], 3));
	record_done(&killed);
	record_done(&cut);
	record_done(&gone);
	pooled_done(&p);
}

/* ---- what ends a member ------------------------------------------------------------------------------ */

static void use_once(struct pooled *p)
{
	struct record r = { 0 };

	pooled_use(p, &r, NULL);
	pooled_ask(p, &r, "echo x", "x");
	pooled_release(p, &r);
	record_done(&r);
}

CLEAN_TEST(pool_worker, one_is_replaced_after_each_use)
{
	struct pooled p = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1,
	       .replace = true);
	for (unsigned i = 1; i <= 3; i++) {
		use_once(&p);
		pooled_until_stat(&p, exits[USP_POOL_REPLACED], i);
	}
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, one_has_so_many_uses_and_no_more)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1, .max_uses = 2);
	use_once(&p);
	cr_assert(eq(u64, pooled_stats(&p).exits[USP_POOL_MAX_USES], 0));
	use_once(&p);
	pooled_until_stat(&p, exits[USP_POOL_MAX_USES], 1);
	pooled_use(&p, &r, NULL);
	pooled_until(&p, r.started);
	cr_assert(eq(int, usp_process_release(r.process, 2), 0)); /* many messages */
	record_wait(&r);
	pooled_until_stat(&p, exits[USP_POOL_MAX_USES], 2);
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, one_becomes_too_old_while_it_is_idle)
{
	struct pooled p = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1,
	       .max_age_ns = 50 * NS_PER_MS);
	pooled_until(&p, pooled_stats(&p).exits[USP_POOL_MAX_AGE] >= 2);
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, one_becomes_too_old_while_it_is_used)
{
	struct pooled p = { 0 };
	struct record r = { 0 };
	uint64_t started_ns;

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1,
	       .max_age_ns = 200 * NS_PER_MS);
	pooled_use(&p, &r, NULL);
	pooled_until(&p, r.started);
	started_ns = clock_now_ns();
	while (clock_now_ns() < started_ns + 300 * NS_PER_MS)
		pooled_ask(&p, &r, "echo x", "x");
	cr_assert(not(r.ended));
	pooled_release(&p, &r);
	pooled_until(&p, pooled_stats(&p).exits[USP_POOL_MAX_AGE] >= 1);
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, one_has_too_much_in_memory)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1,
	       .max_rss_bytes = 64 << 20);
	pooled_use(&p, &r, NULL);
	pooled_ask(&p, &r, "grow 134217728", "grown");
	cr_assert(le(u64, 128 << 20, pooled_stats(&p).rss_bytes));
	pooled_release(&p, &r);
	pooled_until_stat(&p, exits[USP_POOL_MAX_RSS], 1);
	cr_assert(le(u64, 128 << 20, pooled_stats(&p).rss_peak_bytes));
	pooled_until_stat(&p, idle, 1);
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, one_that_is_discarded_is_gone)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	pooled_use(&p, &r, NULL);
	pooled_until(&p, r.started);
	cr_assert(eq(int, usp_process_discard(r.process), 0));
	record_wait(&r);
	cr_assert(eq(str, r.order, "s."));
	cr_assert(eq(int, r.end.reason, USP_REASON_RELEASED));
	pooled_until_stat(&p, exits[USP_POOL_DISCARDED], 1);
	cr_assert(is_gone(r.pid));
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, one_whose_channel_was_closed_is_not_used_again)
{
	struct pooled p = { 0 };
	struct record ended = { 0 }, dropped = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER("stays"), .max = 2);
	pooled_use(&p, &ended, NULL);
	pooled_use(&p, &dropped, NULL);
	pooled_until(&p, ended.started && dropped.started);
	cr_assert(eq(int, usp_process_close_stream(ended.process, 3), 0));
	cr_assert(eq(int, usp_process_drop_stream(dropped.process, 3), 0));
	pooled_release(&p, &ended);
	pooled_release(&p, &dropped);
	pooled_until_stat(&p, exits[USP_POOL_DISCARDED], 2);
	record_done(&ended);
	record_done(&dropped);
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, a_crash_while_it_is_idle_is_healed)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	pooled_use(&p, &r, NULL);
	pooled_until(&p, r.started);
	pooled_release(&p, &r);
	cr_assert(eq(int, kill(r.pid, SIGKILL), 0));
	pooled_until_stat(&p, exits[USP_POOL_CRASHED], 1);
	use_once(&p);
	record_done(&r);
	pooled_done(&p);
}

/* ---- reset ------------------------------------------------------------------------------------------------ */

CLEAN_TEST(pool_worker, one_that_does_not_answer_its_reset_is_replaced)
{
	struct pooled p = { 0 };
	struct record a = { 0 }, b = { 0 };
	struct usp_pool_message reset = RESET;

	reset.timeout_ns = 20 * NS_PER_MS;
	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1, .reset = reset);
	pooled_use(&p, &a, NULL);
	pooled_ask(&p, &a, "deaf", "what?");
	pooled_use(&p, &b, NULL);
	pooled_release(&p, &a);
	pooled_ask(&p, &b, "echo fresh", "fresh");
	cr_assert(ne(int, a.pid, b.pid));
	pooled_until_stat(&p, exits[USP_POOL_RESET_FAILED], 1);
	pooled_release(&p, &b);
	record_done(&a);
	record_done(&b);
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, a_crash_while_it_is_reset_is_healed)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1, .reset = RESET);
	pooled_use(&p, &r, NULL);
	pooled_ask(&p, &r, "deaf", "what?");
	pooled_release(&p, &r);
	cr_assert(eq(uint, pooled_stats(&p).resetting, 1));
	cr_assert(eq(int, kill(r.pid, SIGKILL), 0));
	pooled_until_stat(&p, exits[USP_POOL_CRASHED], 1);
	use_once(&p);
	record_done(&r);
	pooled_done(&p);
}

/* It has not read all that its use wrote. */
CLEAN_TEST(pool_worker, one_that_reads_no_more_is_replaced)
{
	struct pooled p = { 0 };
	struct record r = { 0 };
	static char block[200 << 10];
	struct usp_pool_message reset = RESET;

	reset.timeout_ns = 50 * NS_PER_MS;
	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1, .reset = reset);
	pooled_use(&p, &r, NULL);
	pooled_until(&p, r.started);
	pooled_say(&r, "hang");
	while (usp_process_write_stream(r.process, 3, block, sizeof(block)) == 0)
		cr_assert(eq(int, usp_engine_turn(p.engine), 0));
	pooled_release(&p, &r);
	pooled_until_stat(&p, exits[USP_POOL_RESET_FAILED], 1);
	record_done(&r);
	pooled_done(&p);
}

/* ---- ping --------------------------------------------------------------------------------------------------- */

CLEAN_TEST(pool_worker, one_that_does_not_answer_before_a_use_is_replaced)
{
	struct pooled p = { 0 };
	struct record a = { 0 }, b = { 0 };
	struct usp_pool_message ping = PING;

	ping.timeout_ns = 20 * NS_PER_MS;
	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1, .ping = ping,
	       .ping_on_use = true);
	pooled_use(&p, &a, NULL);
	pooled_ask(&p, &a, "deaf", "what?");
	pooled_release(&p, &a);
	pooled_use(&p, &b, NULL);
	pooled_ask(&p, &b, "echo fresh", "fresh");
	cr_assert(ne(int, a.pid, b.pid));
	pooled_until_stat(&p, exits[USP_POOL_PING_FAILED], 1);
	pooled_release(&p, &b);
	record_done(&a);
	record_done(&b);
	pooled_done(&p);
}

/* A program of which none ever answers: the use is not let wait for ever. */
CLEAN_TEST(pool_worker, none_that_answers_fails_the_use)
{
	struct pooled p = { 0 };
	struct record mute = { 0 }, dead = { 0 };
	struct usp_pool_message ping = PING;

	ping.timeout_ns = 20 * NS_PER_MS;
	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER("mute"), .max = 1,
	       .ping = ping, .ping_on_use = true);
	pooled_use(&p, &mute, NULL);
	record_wait(&mute);
	cr_assert(eq(int, mute.failure.stage, USP_STAGE_READY));
	cr_assert(eq(int, mute.failure.error, ETIMEDOUT));
	record_done(&mute);
	pooled_done(&p);

	p = (struct pooled){ 0 };
	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER("pinged-dies"), .max = 1,
	       .ping = ping, .ping_on_use = true);
	pooled_use(&p, &dead, NULL);
	record_wait(&dead);
	cr_assert(eq(int, dead.failure.stage, USP_STAGE_READY));
	cr_assert(eq(int, dead.failure.error, ECHILD));
	record_done(&dead);
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, one_that_does_not_answer_while_it_is_idle_is_replaced)
{
	struct pooled p = { 0 };
	struct record r = { 0 };
	struct usp_pool_message ping = PING;

	ping.timeout_ns = 3 * NS_PER_S;
	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1, .ping = ping,
	       .ping_interval_ns = 20 * NS_PER_MS);
	pooled_use(&p, &r, NULL);
	pooled_until(&p, r.started);
	pooled_release(&p, &r);
	pooled_until_stat(&p, resetting, 1);
	pooled_until_stat(&p, idle, 1);
	cr_assert(eq(u64, pooled_stats(&p).starts, 1), "it answers");
	cr_assert(eq(int, kill(r.pid, SIGSTOP), 0));
	pooled_until_stat(&p, exits[USP_POOL_PING_FAILED], 1);
	record_done(&r);
	pooled_done(&p);
}

/* ---- ready ------------------------------------------------------------------------------------------------------ */

CLEAN_TEST(pool_worker, the_byte_that_says_it_is_ready_is_nobodys)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER("ready"), .max = 1,
	       .ready_stream = 1);
	pooled_use(&p, &r, NULL);
	pooled_ask(&p, &r, "echo x", "x");
	pooled_release(&p, &r);
	cr_assert(eq(u64, pooled_stats(&p).dropped_bytes, 0));
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, one_that_is_never_ready_fails_its_use)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER("never"), .max = 1,
	       .ready_stream = 1, .ready_timeout_ns = 2 * NS_PER_S);
	pooled_use(&p, &r, NULL);
	record_wait(&r);
	record_expect_failed(&r, USP_STAGE_READY, ETIMEDOUT, PROGRAM("pool_worker"));
	pooled_until_stat(&p, exits[USP_POOL_NOT_READY], 1);
	cr_assert(eq(u64, pooled_stats(&p).refused, 1));
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, one_that_ends_before_it_is_ready_fails_its_use)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER("die"), .max = 1,
	       .ready_stream = 1);
	pooled_use(&p, &r, NULL);
	record_wait(&r);
	record_expect_failed(&r, USP_STAGE_READY, ECHILD, PROGRAM("pool_worker"));
	record_done(&r);
	pooled_done(&p);
}

/* ---- calls ------------------------------------------------------------------------------------------------------------ */

CLEAN_TEST(pool_worker, a_use_has_the_channel_alone)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER,
	       .member = &USP_OPTIONS(.argv = WORKER(), .stdio[0].kind = USP_STDIO_PIPE));
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			pooled_use(&p, &r, NULL);
		else
			pooled_until(&p, r.started);
		cr_assert(eq(int, usp_process_write(r.process, "x", 1), -ENOTSUP));
		cr_assert(eq(int, usp_process_close_stdin(r.process), -ENOTSUP));
		cr_assert(eq(int, usp_process_drop_stream(r.process, 1), -ENOTSUP));
		cr_assert(eq(int,
			     usp_process_resize(r.process, &(struct usp_winsize){ 0 }),
			     -ENOTTY));
	}
	pooled_release(&p, &r);
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, a_pidfd_is_given_if_it_is_asked_for)
{
	struct pooled p = { 0 };
	struct record r = { 0 }, without = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	pooled_use(&p, &without, NULL);
	pooled_until(&p, without.started);
	cr_assert(eq(int, without.pidfd, -1));
	pooled_release(&p, &without);
	pooled_use(&p, &r, &USP_OPTIONS(.flags = USP_FLAG_PIDFD));
	pooled_until(&p, r.started);
	cr_assert(lt(int, 2, r.pidfd));
	pooled_say(&r, "exit 0");
	cr_assert(wait_fd(r.pidfd, POLLIN, WAIT_MS));
	record_wait(&r);
	close(r.pidfd);
	record_done(&r);
	record_done(&without);
	pooled_done(&p);
}

CLEAN_TEST(pool_worker, signals_wait_for_the_member)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER());
	pooled_use(&p, &r, NULL);
	cr_assert(eq(int, usp_process_signal(r.process, SIGUSR1, USP_TARGET_PROCESS), 0));
	record_wait(&r);
	cr_assert(eq(int, r.exit.signal, SIGUSR1));
	record_done(&r);
	pooled_done(&p);
}
