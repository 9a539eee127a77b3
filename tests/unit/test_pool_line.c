/*
 * Uses that wait for a member: who is next, how long, and how many of them.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "support/clean.h"
#include "support/pooled.h"

TestSuite(pool_line, .timeout = 120);

#define MEMBER(...) &USP_OPTIONS(.argv = WORKER(__VA_ARGS__))
#define CAT	    &USP_OPTIONS(.argv = ARGV("/bin/cat"), .stdio[0].kind = USP_STDIO_PIPE)

static void end_stdin(struct record *r)
{
	cr_assert(eq(int, usp_process_close_stdin(r->process), 0));
	record_wait(r);
	record_expect_exit(r, 0);
	record_done(r);
}

/* ---- a pool that has run dry -------------------------------------------------------- */

CLEAN_TEST(pool_line, without_an_idle_member_one_is_started)
{
	struct pooled p = { 0 };
	struct record r[4] = { 0 };
	struct usp_pool_stats stats;

	POOLED(&p, .member = CAT);
	for (int i = 0; i < 4; i++)
		pooled_use(&p, &r[i], NULL);
	pooled_until(&p, r[0].started && r[1].started && r[2].started && r[3].started);
	stats = pooled_stats(&p);
	cr_assert(eq(u64, stats.uses, 4));
	cr_assert(eq(u64, stats.cold, 4));
	cr_assert(eq(uint, stats.busy, 4));
	cr_assert(eq(uint, stats.waiting, 0));
	for (int i = 0; i < 4; i++)
		end_stdin(&r[i]);
	pooled_done(&p);
}

CLEAN_TEST(pool_line, at_the_maximum_uses_wait_for_each_other)
{
	struct pooled p = { 0 };
	struct record r[3] = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	for (int i = 0; i < 3; i++)
		pooled_use(&p, &r[i], NULL);
	for (int i = 0; i < 3; i++) {
		pooled_ask(&p, &r[i], "echo x", "x");
		cr_assert(eq(uint, pooled_stats(&p).waiting, 2 - i));
		pooled_release(&p, &r[i]);
	}
	cr_assert(eq(int, r[0].pid, r[2].pid));
	cr_assert(eq(u64, pooled_stats(&p).starts, 1));
	cr_assert(eq(u64, pooled_stats(&p).cold, 1));
	for (int i = 0; i < 3; i++)
		record_done(&r[i]);
	pooled_done(&p);
}

CLEAN_TEST(pool_line, who_waits_is_told_of_the_wait)
{
	struct pooled p = { 0 };
	struct record a = { 0 }, b = { 0 };
	struct usp_pool_stats stats;
	uint64_t from_ns, counted = 0;

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	pooled_use(&p, &a, NULL);
	pooled_until(&p, a.started);
	pooled_use(&p, &b, NULL);
	for (from_ns = clock_now_ns(); clock_now_ns() < from_ns + 20 * NS_PER_MS;)
		pooled_ask(&p, &a, "echo x", "x");
	pooled_release(&p, &a);
	pooled_until(&p, b.started);
	pooled_release(&p, &b);
	cr_assert(le(u64, 20 * NS_PER_MS, b.end.timings.queued_ns));
	stats = pooled_stats(&p);
	cr_assert(le(u64, 20 * NS_PER_MS, stats.wait_sum_ns));
	for (int i = 0; i < USP_POOL_WAIT_BUCKETS; i++)
		counted += stats.wait_bucket[i];
	cr_assert(eq(u64, counted, 2));
	record_done(&a);
	record_done(&b);
	pooled_done(&p);
}

/* ---- limits ------------------------------------------------------------------------------ */

CLEAN_TEST(pool_line, beyond_the_limit_a_use_is_refused)
{
	struct pooled p = { 0 };
	struct record r[4] = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1,
	       .waiting_max = 2);
	for (int i = 0; i < 4; i++)
		pooled_use(&p, &r[i], NULL);
	record_wait(&r[3]);
	record_expect_failed(&r[3], USP_STAGE_ADMISSION, EAGAIN, "pool-waiting-max");
	cr_assert(le(uint, 1, r[3].failure.retry_ms));
	cr_assert(eq(u64, pooled_stats(&p).refused, 1));
	for (int i = 0; i < 3; i++) {
		pooled_until(&p, r[i].started);
		pooled_release(&p, &r[i]);
	}
	for (int i = 0; i < 4; i++)
		record_done(&r[i]);
	pooled_done(&p);
}

static void expect_late(struct record *r)
{
	cr_assert(eq(str, r->order, "f."));
	cr_assert(eq(int, r->failure.stage, USP_STAGE_ADMISSION));
	cr_assert(eq(int, r->failure.error, ETIMEDOUT));
	cr_assert(eq(str, r->path, "queue-timeout"));
	cr_assert(eq(int, r->end.reason, USP_REASON_QUEUE_TIMEOUT));
	record_done(r);
}

CLEAN_TEST(pool_line, who_waits_too_long_fails)
{
	struct pooled p = { 0 };
	struct record first = { 0 }, pools = { 0 }, own = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1,
	       .acquire_timeout_ns = 40 * NS_PER_MS);
	pooled_until_stat(&p, idle, 1);
	pooled_use(&p, &first, &USP_OPTIONS(.queue_timeout_ns = 3600 * NS_PER_S));
	pooled_until(&p, first.started);
	pooled_use(&p, &pools, NULL);
	pooled_use(&p, &own, &USP_OPTIONS(.queue_timeout_ns = 20 * NS_PER_MS));
	record_wait(&pools);
	record_wait(&own);
	cr_assert(le(u64, 40 * NS_PER_MS, pools.end.timings.queued_ns));
	cr_assert(le(u64, 20 * NS_PER_MS, own.end.timings.queued_ns));
	expect_late(&pools);
	expect_late(&own);
	cr_assert(eq(u64, pooled_stats(&p).refused, 2));
	cr_assert(not(first.ended));
	pooled_release(&p, &first);
	record_done(&first);
	pooled_done(&p);
}

CLEAN_TEST(pool_line, who_is_killed_in_line_fails)
{
	struct pooled p = { 0 };
	struct record first = { 0 }, r[3] = { 0 };
	static const char *const words[] = { "killed", "killed", "client-gone" };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	pooled_use(&p, &first, NULL);
	pooled_until(&p, first.started);
	for (int i = 0; i < 3; i++)
		pooled_use(&p, &r[i], NULL);
	usp_process_kill(r[0].process);
	cr_assert(eq(int, usp_process_release(r[1].process, 0), 0));
	engine_abandon(r[2].process);
	cr_assert(eq(int, usp_process_signal(r[0].process, SIGTERM, USP_TARGET_GROUP),
		     -ESRCH));
	for (int i = 0; i < 3; i++) {
		record_wait(&r[i]);
		cr_assert(eq(str, r[i].order, "f."));
		cr_assert(eq(int, r[i].failure.error, ECANCELED));
		cr_assert(eq(str, r[i].path, (char *)words[i]));
		cr_assert(eq(str, (char *)usp_reason_name(r[i].end.reason),
			     (char *)words[i]));
		record_done(&r[i]);
	}
	cr_assert(not(first.ended));
	pooled_release(&p, &first);
	record_done(&first);
	pooled_done(&p);
}

/* A use that is given up while its member answers a ping, or its channel is cleared. */
CLEAN_TEST(pool_line, a_member_that_was_meant_for_who_is_gone_stays)
{
	struct pooled p = { 0 };
	struct record gone = { 0 }, next = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1,
	       .ping = ASKS("ping", "pong"), .ping_on_use = true);
	pooled_until_stat(&p, idle, 1);
	for (int turns = 0; turns < 6; turns++) {
		memset(&gone, 0, sizeof(gone));
		pooled_use(&p, &gone, &USP_OPTIONS(.flags = USP_FLAG_PIDFD));
		for (int i = 0; i < turns && !gone.started; i++)
			pooled_turn(&p);
		if (gone.started) {
			close(gone.pidfd);
			cr_assert(eq(int, usp_process_release(gone.process, 0), 0));
		} else {
			usp_process_kill(gone.process);
		}
		record_wait(&gone);
		record_done(&gone);
	}
	pooled_use(&p, &next, NULL);
	pooled_ask(&p, &next, "echo x", "x");
	pooled_release(&p, &next);
	cr_assert(eq(u64, pooled_stats(&p).starts, 1));
	record_done(&next);
	pooled_done(&p);
}

/* ---- order ----------------------------------------------------------------------------------- */

static char served[16];

static void note(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_STARTED)
		strncat(served, r->user, 1);
}

CLEAN_TEST(pool_line, higher_ones_are_first_and_then_those_that_came_first)
{
	static const struct {
		char *name;
		int priority;
	} asked[] = { { "a", 0 }, { "b", 5 }, { "c", -1 }, { "d", 5 }, { "e", 0 } };
	struct pooled p = { 0 };
	struct record first = { 0 }, r[5] = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	pooled_use(&p, &first, NULL);
	pooled_until(&p, first.started);
	for (int i = 0; i < 5; i++) {
		r[i].user = asked[i].name;
		r[i].also = note;
		pooled_use(&p, &r[i], &USP_OPTIONS(.priority = asked[i].priority));
	}
	pooled_release(&p, &first);
	for (int n = 0; n < 5; n++) {
		pooled_until(&p, strlen(served) == (size_t)n + 1);
		pooled_release(&p, &r[served[n] - 'a']);
	}
	cr_assert(eq(str, served, "bdaec"));
	for (int i = 0; i < 5; i++)
		record_done(&r[i]);
	record_done(&first);
	pooled_done(&p);
}

/* The member that is next when the one that was used last is @last, and not the other. */
static void expect_order(enum usp_pool_order order, bool last)
{
	struct pooled p = { 0 };
	struct record a = { 0 }, b = { 0 }, c = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 2, .min = 2,
	       .order = order);
	pooled_until_stat(&p, idle, 2);
	pooled_use(&p, &a, NULL);
	pooled_use(&p, &b, NULL);
	pooled_until(&p, a.started && b.started);
	pooled_release(&p, &b);
	for (int i = 0; i < 3; i++) /* so that the clock goes on */
		pooled_ask(&p, &a, "echo x", "x");
	pooled_release(&p, &a);
	pooled_use(&p, &c, NULL);
	pooled_until(&p, c.started);
	cr_assert(eq(int, c.pid, last ? a.pid : b.pid));
	pooled_release(&p, &c);
	record_done(&a);
	record_done(&b);
	record_done(&c);
	pooled_done(&p);
}

CLEAN_TEST(pool_line, a_warm_worker_or_the_one_that_is_idle_longest)
{
	expect_order(USP_POOL_ORDER_DEFAULT, true);
	expect_order(USP_POOL_LIFO, true);
	expect_order(USP_POOL_FIFO, false);
}

CLEAN_TEST(pool_line, one_that_was_used_goes_before_one_that_was_started_since)
{
	struct pooled p = { 0 };
	struct record a = { 0 }, b = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 2);
	pooled_use(&p, &a, NULL);
	pooled_until(&p, a.started);
	pooled_release(&p, &a);
	pooled_until_stat(&p, idle, 1);
	cr_assert(eq(int, usp_pool_resize(p.pool, 2, 2, 1), 0));
	pooled_until_stat(&p, idle, 2);
	pooled_use(&p, &b, NULL);
	pooled_until(&p, b.started);
	cr_assert(eq(int, b.pid, a.pid));
	pooled_release(&p, &b);
	record_done(&a);
	record_done(&b);
	pooled_done(&p);
}

/* ---- who asks again at once ---------------------------------------------------------------------- */

struct asks_again {
	struct pooled *p;
	unsigned times;
};

static void ask_again(struct usp_process *process, const struct usp_event *event,
		      void *user)
{
	struct asks_again *asks = user;
	struct usp_process *next;

	(void)process;
	if (event->kind != USP_EVENT_END || asks->times == 0)
		return;
	asks->times--;
	cr_assert(eq(int,
		     usp_spawn(asks->p->engine,
			       &USP_OPTIONS(.pool = asks->p->pool, .cwd = "/",
					    .on_event = ask_again, .user = asks),
			       &next),
		     0));
}

CLEAN_TEST(pool_line, who_asks_again_when_refused_leaves_the_others_their_turn)
{
	struct pooled p = { 0 };
	struct asks_again asks = { &p, 1 << 20 };
	struct usp_process *first;
	struct record r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	cr_assert(eq(int,
		     usp_spawn(p.engine,
			       &USP_OPTIONS(.pool = p.pool, .cwd = "/",
					    .on_event = ask_again, .user = &asks),
			       &first),
		     0));
	pooled_use(&p, &r, NULL);
	pooled_until(&p, r.started);
	cr_assert(lt(uint, 0, asks.times), "the others had no turn before it gave up");
	asks.times = 0;
	pooled_release(&p, &r);
	record_done(&r);
	pooled_done(&p);
}

/* What is given up before there is a member is not kept for it. */
CLEAN_TEST(pool_line, a_stream_that_is_dropped_in_line_holds_nothing)
{
	static char data[100000];
	struct pooled p = { 0 };
	struct record first = { 0 }, r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	pooled_use(&p, &first, NULL);
	pooled_until(&p, first.started);
	pooled_use(&p, &r, NULL);
	cr_assert(eq(int, usp_process_write_stream(r.process, 3, data, sizeof(data)), 0));
	cr_assert(eq(int, usp_process_drop_stream(r.process, 3), 0));
	usp_process_kill(r.process);
	record_wait(&r);
	cr_assert(eq(u64, r.end.stdin_unread_bytes, sizeof(data)));
	pooled_release(&p, &first);
	record_done(&first);
	record_done(&r);
	pooled_done(&p);
}

/* ---- programs that do not start ------------------------------------------------------------------ */

CLEAN_TEST(pool_line, what_cannot_be_run_fails_each_use)
{
	struct pooled p = { 0 };
	struct record r[3] = { 0 };

	POOLED(&p, .member = &USP_OPTIONS(.argv = ARGV("/no/such/program")), .max = 1);
	for (int i = 0; i < 3; i++)
		pooled_use(&p, &r[i], NULL);
	for (int i = 0; i < 3; i++) {
		record_wait(&r[i]);
		record_expect_failed(&r[i], USP_STAGE_EXEC, ENOENT, "/no/such/program");
		record_done(&r[i]);
	}
	cr_assert(eq(u64, pooled_stats(&p).refused, 3));
	cr_assert(le(u64, 3, pooled_stats(&p).exits[USP_POOL_NOT_STARTED]));
	pooled_done(&p);
}

static void count(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_END)
		++*(int *)r->user;
}

/* All the same nothing waits when there are more of them than may run. */
CLEAN_TEST(pool_line, what_is_never_ready_lets_nobody_wait)
{
	struct pooled p = { 0 };
	struct record r[6] = { 0 };
	int ends = 0;

	POOLED(&p, .member = MEMBER("die"), .ready_stream = 1, .max = 2);
	for (int i = 0; i < 6; i++) {
		r[i].also = count;
		r[i].user = &ends;
		pooled_use(&p, &r[i], NULL);
	}
	pooled_until(&p, ends == 6);
	for (int i = 0; i < 6; i++) {
		record_expect_failed(&r[i], USP_STAGE_READY, ECHILD,
				     PROGRAM("pool_worker"));
		record_done(&r[i]);
	}
	pooled_done(&p);
}

/* ---- what a use may say ------------------------------------------------------------------------------ */

CLEAN_TEST(pool_line, what_is_not_for_a_use_to_say_is_named)
{
	static const gid_t group = 1;
	static const struct usp_fd fd = { .target = 5, .stdio.kind = USP_STDIO_NULL };
	const struct {
		const char *field;
		struct usp_options options;
	} rows[] = {
		{ "argv", USP_OPTIONS(.argv = ARGV("x")) },
		{ "path", USP_OPTIONS(.path = "/x") },
		{ "search", USP_OPTIONS(.search = "x") },
		{ "envp", USP_OPTIONS(.envp = ARGV("A=b")) },
		{ "cwd", USP_OPTIONS(.cwd = "/") },
		{ "stdio", USP_OPTIONS(.stdio = { { .kind = USP_STDIO_NULL } }) },
		{ "group", USP_OPTIONS(.group = USP_GROUP_SESSION) },
		{ "kill", USP_OPTIONS(.kill.signal = 1000) },
		{ "ignored_signals", USP_OPTIONS(.ignored_signals = 1) },
		{ "flags", USP_OPTIONS(.flags = USP_FLAG_CGROUP) },
		{ "env_extend", USP_OPTIONS(.env_extend = ARGV("A=b")) },
		{ "env_unset", USP_OPTIONS(.env_unset = ARGV("A")) },
		{ "fds", USP_OPTIONS(.fds = &fd, .n_fds = 1) },
		{ "set", USP_OPTIONS(.set = USP_SET_NICE) },
		{ "credentials", USP_OPTIONS(.groups = &group, .n_groups = 1) },
		{ "rlimits", USP_OPTIONS(.n_rlimits = 1) },
		{ "cpus", USP_OPTIONS(.cpus = { 1 }) },
		{ "cgroup", USP_OPTIONS(.cgroup.pids_max = 1) },
		{ "pty", USP_OPTIONS(.pty.rows = 1) },
		{ "launch_timeout_ns", USP_OPTIONS(.launch_timeout_ns = 1) },
		{ "output", USP_OPTIONS(.output_max_bytes = 1) },
		{ "drain", USP_OPTIONS(.drain_ns = 1) },
		{ "gone", USP_OPTIONS(.gone = USP_GONE_RELEASE) },
		{ "pgid", USP_OPTIONS(.pgid = 1) },
	};
	struct pooled p = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record r = { 0 };

		pooled_use(&p, &r, &rows[i].options);
		record_wait(&r);
		record_expect_failed(&r, USP_STAGE_VALIDATE, EINVAL, rows[i].field);
		record_done(&r);
	}
	cr_assert(eq(u64, pooled_stats(&p).refused, 0), "those are not the pool's");
	pooled_done(&p);
}

CLEAN_TEST(pool_line, a_use_is_of_a_pool_of_its_engine)
{
	struct pooled p = { 0 };
	struct usp_engine *other = record_engine(NULL);
	struct usp_process *process = NULL;
	struct usp_template *kept = NULL;
	struct usp_options use;

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	use = USP_OPTIONS(.pool = p.pool);
	cr_assert(eq(int, usp_spawn(p.engine, &use, &process), -EINVAL), "no on_event");
	cr_assert(eq(int, usp_template_new(p.engine, &use, &kept), -EINVAL));
	use.on_event = (usp_event_fn *)abort;
	cr_assert(eq(int, usp_spawn(other, &use, &process), -EINVAL));
	cr_assert(process == NULL);
	usp_engine_free(other);
	pooled_done(&p);
}

CLEAN_TEST(pool_line, only_a_use_is_given_back)
{
	struct pooled p = { 0 };
	struct record plain = { 0 }, standby = { 0 };

	POOLED(&p, .member = CAT);
	pooled_use(&p, &standby, NULL);
	record_spawn(&plain, p.engine, CAT);
	cr_assert(eq(int, usp_process_release(plain.process, 0), -ENOTSUP));
	cr_assert(eq(int, usp_process_discard(plain.process), -ENOTSUP));
	cr_assert(eq(int, usp_process_release(standby.process, 0), -ENOTSUP));
	end_stdin(&plain);
	end_stdin(&standby);
	pooled_done(&p);
}
