/*
 * How many members a pool has, and how it comes to its end.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "pool/pool.h"
#include "support/alive.h"
#include "support/clean.h"
#include "support/pooled.h"

TestSuite(pool_size, .timeout = 120);

#define MEMBER(...) &USP_OPTIONS(.argv = WORKER(__VA_ARGS__))
#define CAT	    &USP_OPTIONS(.argv = ARGV("/bin/cat"), .stdio[0].kind = USP_STDIO_PIPE)

/* ---- ahead of need -------------------------------------------------------------------- */

CLEAN_TEST(pool_size, so_many_are_kept)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .member = CAT, .min = 3, .spare = 2);
	pooled_until_stat(&p, idle, 3);
	cr_assert(eq(u64, pooled_stats(&p).starts, 3));
	pooled_use(&p, &r, NULL);
	pooled_until(&p, r.started);
	pooled_until_stat(&p, idle, 2);
	for (int i = 0; i < 10; i++)
		cr_assert(eq(int, usp_engine_turn(p.engine), 0));
	cr_assert(eq(uint, pooled_stats(&p).members, 3));
	usp_process_kill(r.process);
	record_wait(&r);
	pooled_until_stat(&p, idle, 3);
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_size, none_is_kept_where_that_is_asked_for)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .member = CAT, .spare = USP_POOL_NO_SPARE, .max = 2);
	for (int i = 0; i < 10; i++)
		cr_assert(eq(int, usp_engine_turn(p.engine), 0));
	cr_assert(eq(u64, pooled_stats(&p).starts, 0));
	pooled_use(&p, &r, NULL);
	pooled_until(&p, r.started);
	cr_assert(eq(u64, pooled_stats(&p).cold, 1));
	cr_assert(eq(u64, pooled_stats(&p).starts, 1));
	cr_assert(eq(int, usp_pool_resize(p.pool, 0, 2, 1), 0));
	pooled_until_stat(&p, idle, 1);
	cr_assert(eq(int, usp_pool_resize(p.pool, 0, 2, USP_POOL_NO_SPARE), 0));
	usp_process_kill(r.process);
	record_wait(&r);
	record_done(&r);
	pooled_done(&p);
}

/* Its answer has the CPUs first; and yet one is started for it in the end. */
CLEAN_TEST(pool_size, a_use_that_found_one_of_several_is_not_disturbed_at_once)
{
	struct pooled p = { 0 };
	struct record r = { 0 };
	uint64_t begun_ns;

	POOLED(&p, .member = CAT, .spare = 4);
	pooled_until_stat(&p, idle, 4);
	begun_ns = clock_now_ns();
	pooled_use(&p, &r, NULL);
	pooled_until(&p, r.started);
	pooled_until_stat(&p, starts, 5);
	cr_expect(lt(u64, begun_ns + 20 * NS_PER_MS, clock_now_ns()));
	usp_process_kill(r.process);
	record_wait(&r);
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_size, what_is_too_much_for_a_while_is_let_go)
{
	struct pooled p = { 0 };
	struct record r[3] = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 4, .spare = 1,
	       .idle_ns = 50 * NS_PER_MS);
	for (int i = 0; i < 3; i++)
		pooled_use(&p, &r[i], NULL);
	for (int i = 0; i < 3; i++)
		pooled_until(&p, r[i].started);
	pooled_until_stat(&p, idle, 1);
	for (int i = 0; i < 3; i++) {
		pooled_release(&p, &r[i]);
		record_done(&r[i]);
	}
	pooled_until_stat(&p, exits[USP_POOL_IDLE], 3);
	cr_assert(eq(uint, pooled_stats(&p).idle, 1));
	cr_assert(eq(u64, pooled_stats(&p).starts, 4));
	pooled_done(&p);
}

/* ---- resize -------------------------------------------------------------------------------- */

CLEAN_TEST(pool_size, it_grows_and_shrinks_while_it_is_used)
{
	struct pooled p = { 0 };
	struct record r[3] = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	for (int i = 0; i < 3; i++)
		pooled_use(&p, &r[i], NULL);
	pooled_until(&p, r[0].started);
	cr_assert(eq(uint, pooled_stats(&p).waiting, 2));
	cr_assert(eq(int, usp_pool_resize(p.pool, 0, 4, 1), 0));
	pooled_until(&p, r[1].started && r[2].started);
	pooled_until_stat(&p, idle, 1);
	cr_assert(eq(int, usp_pool_resize(p.pool, 0, 2, 1), 0));
	pooled_until_stat(&p, exits[USP_POOL_RESIZED], 1); /* the idle one */
	cr_assert(not(r[0].ended || r[1].ended || r[2].ended));
	for (int i = 0; i < 3; i++) {
		pooled_ask(&p, &r[i], "echo x", "x");
		pooled_release(&p, &r[i]);
		record_done(&r[i]);
	}
	pooled_until_stat(&p, exits[USP_POOL_RESIZED], 2);
	pooled_until_stat(&p, idle, 2);
	cr_assert(eq(int, usp_pool_resize(p.pool, 3, 2, 1), -EINVAL));
	cr_assert(eq(int, usp_pool_resize(p.pool, 0, 2, 3), -EINVAL));
	pooled_done(&p);
}

/* ---- a program that keeps dying --------------------------------------------------------------- */

CLEAN_TEST(pool_size, one_that_keeps_dying_is_started_less_and_less_often)
{
	struct pooled p = { 0 };
	uint64_t from_ns = clock_now_ns();

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER("die"), .min = 1);
	/* After 100 ms, 200 ms and 400 ms. */
	pooled_until(&p, pooled_stats(&p).exits[USP_POOL_CRASHED] >= 4);
	cr_assert(le(u64, 700 * NS_PER_MS, clock_now_ns() - from_ns));
	cr_assert(eq(u64, pooled_stats(&p).starts, 4));
	pooled_done(&p);
}

CLEAN_TEST(pool_size, who_needs_one_does_not_wait_for_that)
{
	struct pooled p = { 0 };

	POOLED(&p, .member = MEMBER("die"), .min = 1, .ready_stream = 1);
	/* Ahead of need there will be one in a hundred milliseconds, and then later. */
	pooled_until_stat(&p, exits[USP_POOL_NOT_READY], 1);
	for (int i = 0; i < 5; i++) {
		struct record r = { 0 };

		pooled_use(&p, &r, NULL);
		record_wait(&r);
		record_expect_failed(&r, USP_STAGE_READY, ECHILD, PROGRAM("pool_worker"));
		record_done(&r);
	}
	cr_assert(le(u64, 2, pooled_stats(&p).starts));
	cr_assert(eq(u64, pooled_stats(&p).refused, 5));
	pooled_done(&p);
}

/* ---- closing ------------------------------------------------------------------------------------ */

static void on_closed(void *user)
{
	*(bool *)user = true;
}

CLEAN_TEST(pool_size, uses_have_their_time_when_it_is_closed)
{
	struct pooled p = { 0 };
	struct record used = { 0 }, waits = { 0 }, late = { 0 };
	bool closed = false;

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	pooled_use(&p, &used, NULL);
	pooled_until(&p, used.started);
	pooled_use(&p, &waits, NULL);
	usp_pool_close(p.pool, 3600 * NS_PER_S, on_closed, &closed);
	pooled_use(&p, &late, NULL);
	record_wait(&waits);
	record_wait(&late);
	record_expect_failed(&waits, USP_STAGE_ADMISSION, ESHUTDOWN, "pool");
	record_expect_failed(&late, USP_STAGE_ADMISSION, ESHUTDOWN, "pool");
	pooled_ask(&p, &used, "echo still", "still");
	cr_assert(not(closed));
	pooled_release(&p, &used);
	pooled_until(&p, closed);
	cr_assert(is_gone(used.pid));
	cr_assert(no_children());
	record_done(&used);
	record_done(&waits);
	record_done(&late);
	usp_engine_free(p.engine);
}

CLEAN_TEST(pool_size, uses_end_when_their_time_is_over)
{
	struct pooled p = { 0 };
	struct record worker = { 0 }, standby = { 0 };
	bool closed[2] = { false, false };

	POOLED(&p, .kind = USP_POOL_WORKER, .max = 1,
	       .member = &USP_OPTIONS(.argv = WORKER("stubborn", "stays"),
				      .kill.grace_ns = 1));
	pooled_use(&p, &worker, NULL);
	pooled_until(&p, worker.started);
	usp_pool_close(p.pool, 10 * NS_PER_MS, on_closed, &closed[0]);
	POOLED(&p, .member = CAT);
	pooled_use(&p, &standby, NULL);
	pooled_until(&p, standby.started);
	usp_pool_close(p.pool, 0, NULL, NULL);
	usp_pool_close(p.pool, 1, on_closed, &closed[1]);
	pooled_until(&p, closed[0] && closed[1]);
	cr_assert(eq(int, worker.end.reason, USP_REASON_KILLED));
	cr_assert(standby.ended);
	cr_assert(no_children());
	record_done(&worker);
	record_done(&standby);
	usp_engine_free(p.engine);
}

CLEAN_TEST(pool_size, an_idle_one_sees_the_end_of_its_input)
{
	struct pooled p = { 0 };
	bool closed = false;

	/* It would not end by a signal, and its grace is longer than this test. */
	POOLED(&p, .min = 2, .kind = USP_POOL_WORKER,
	       .member = &USP_OPTIONS(.argv = WORKER("stubborn"),
				      .kill.grace_ns = 3600 * NS_PER_S));
	pooled_until_stat(&p, idle, 2);
	usp_pool_close(p.pool, 0, on_closed, &closed);
	pooled_until(&p, closed);
	cr_assert(no_children());
	usp_engine_free(p.engine);
}

static void close_from_event(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_STARTED)
		usp_pool_close(r->user, 0, NULL, NULL);
}

CLEAN_TEST(pool_size, it_may_be_closed_from_an_event)
{
	struct pooled p = { 0 };
	struct record r = { .also = close_from_event };

	POOLED(&p, .member = CAT);
	r.user = p.pool;
	pooled_use(&p, &r, NULL);
	cr_assert(eq(int, usp_engine_run(p.engine), 0));
	cr_assert(r.ended);
	record_done(&r);
	usp_engine_free(p.engine);
}

/* ---- its engine's end --------------------------------------------------------------------------------- */

CLEAN_TEST(pool_size, it_ends_with_its_engine)
{
	struct pooled p = { 0 };
	struct record used = { 0 }, waits = { 0 };
	bool closed = false;

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER("stubborn"), .max = 1);
	pooled_use(&p, &used, NULL);
	pooled_until(&p, used.started);
	pooled_use(&p, &waits, NULL);
	POOLED(&p, .member = CAT, .min = 2);
	pooled_until_stat(&p, idle, 2);
	usp_pool_close(p.pool, 3600 * NS_PER_S, on_closed, &closed);
	POOLED(&p, .member = CAT, .min = 1); /* which is starting */
	usp_engine_free(p.engine);
	cr_assert(closed);
	cr_assert(eq(int, used.end.reason, USP_REASON_KILLED));
	record_expect_failed(&waits, USP_STAGE_ADMISSION, ESHUTDOWN, "pool");
	cr_assert(no_children());
	record_done(&used);
	record_done(&waits);
}

CLEAN_TEST(pool_size, an_engine_without_processes_runs_for_who_waits)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .max = 1);
	usp_pool_close(p.pool, 0, NULL, NULL);
	pooled_use(&p, &r, NULL);
	cr_assert(eq(int, usp_engine_run(p.engine), 0));
	cr_assert(r.ended);
	record_done(&r);
	usp_engine_free(p.engine);
}

/* ---- several pools together -------------------------------------------------------------------------------- */

static struct usp_pool *open_inner(struct usp_engine *engine, struct pool_budget *budget,
				   unsigned min)
{
	const struct usp_pool_options options = { .kind = USP_POOL_WORKER, .min = min };
	const struct usp_options member = { .argv = WORKER() };
	const struct spec_input input = engine_input(&member);
	struct usp_pool *pool;
	const char *field;

	cr_assert(eq(int,
		     pool_new(engine, &(struct pool_setup){ &options, &input, budget },
			      &pool, &field),
		     0));
	return pool;
}

CLEAN_TEST(pool_size, together_they_have_no_more_than_their_budget)
{
	struct pooled p = { .engine = record_engine(NULL) };
	struct pool_budget budget;
	struct usp_pool *first, *second;
	struct record r = { 0 }, again = { 0 };
	bool closed[2] = { false, false };

	pool_budget_init(&budget, 2);
	p.pool = first = open_inner(p.engine, &budget, 2);
	pooled_until_stat(&p, idle, 2);
	p.pool = second = open_inner(p.engine, &budget, 1);
	pooled_use(&p, &r, NULL);
	record_wait(&r);
	record_expect_failed(&r, USP_STAGE_ADMISSION, EAGAIN, "pool-members-max");
	cr_assert(eq(uint, pooled_stats(&p).members, 0));
	usp_pool_close(first, 0, on_closed, &closed[0]);
	pooled_until_stat(&p, idle, 1);
	pooled_use(&p, &again, NULL);
	pooled_until(&p, again.started);
	usp_process_release(again.process, 0);
	record_wait(&again);
	pooled_until(&p, closed[0]);
	usp_pool_close(second, 0, on_closed, &closed[1]);
	pooled_until(&p, closed[1]);
	cr_assert(eq(uint, budget.members, 0));
	record_done(&r);
	record_done(&again);
	usp_engine_free(p.engine);
}

static void count_member(const struct pool_member_look *member, void *user)
{
	unsigned *states = user;

	cr_assert(lt(int, 0, member->pid));
	states[0] += strcmp(member->state, "busy") == 0;
	states[1] += strcmp(member->state, "idle") == 0;
}

CLEAN_TEST(pool_size, each_member_can_be_looked_at)
{
	struct pooled p = { 0 };
	struct record r = { 0 };
	unsigned states[2] = { 0, 0 };

	POOLED(&p, .kind = USP_POOL_WORKER, .member = MEMBER(), .min = 3, .max = 3);
	pooled_until_stat(&p, idle, 3);
	pooled_use(&p, &r, NULL);
	pooled_until(&p, r.started);
	pool_each_member(p.pool, count_member, states);
	cr_assert(eq(uint, states[0], 1));
	cr_assert(eq(uint, states[1], 2));
	pooled_release(&p, &r);
	record_done(&r);
	pooled_done(&p);
}
