/*
 * How many members there are to be: what uses need at once, what is kept ahead of them
 * a few at a time, and what has been too much for a while.
 */
#include "pool/pool_parts.h"

#include <errno.h>
#include <limits.h>
#include "base/clock.h"

/* So many start at one time ahead of need. */
#define AHEAD_MAX 4u

/* As long as a short script takes to answer and to end. */
#define PAUSE_NS (20 * NS_PER_MS)

#define BACKOFF_NS     (100 * NS_PER_MS)
#define BACKOFF_NS_MAX (10 * NS_PER_S)

/* ---- how many ---------------------------------------------------------------------------- */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* @a + @b, or the largest number. */
static unsigned plus(unsigned a, unsigned b)
{
	return a > UINT_MAX - b ? UINT_MAX : a + b;
}

/* For those that have one and for @waiting that do not. */
static unsigned needed_with(const struct pool *pool, unsigned waiting)
{
	unsigned used = pool->n[MEMBER_BUSY] + pool->n[MEMBER_TAKEN];

	return least(plus(used, waiting), pool->max);
}

static unsigned needed(const struct pool *pool)
{
	return needed_with(pool, pool->n_waiting);
}

static unsigned wanted(const struct pool *pool)
{
	unsigned ahead = plus(needed(pool), pool->o.spare);

	return least(ahead > pool->o.min ? ahead : pool->o.min, pool->max);
}

bool grow_will_start(const struct pool *pool)
{
	return needed(pool) > pool_live(pool) &&
	       needed(pool) > needed_with(pool, pool->n_waiting - 1);
}

static bool budget_has_room(const struct pool *pool)
{
	return !pool->budget || pool->budget->members < pool->budget->members_max;
}

/* ---- what cannot be had --------------------------------------------------------------------- */

void grow_failed(struct pool *pool, const struct usp_failure *failure)
{
	struct list *first = list_first(&pool->waiting);

	/* As many as start will serve as many. */
	if (first && pool->n_waiting > pool->n[MEMBER_STARTING])
		use_fail(container_of(first, struct use, link), failure);
}

/* Long enough to have been of use, had somebody come. */
static bool lived_long(const struct pool *pool, const struct member *m)
{
	return m->started_ns && clock_after(m->started_ns, BACKOFF_NS_MAX) <=
					reactor_now_ns(pool->reactor);
}

static void back_off(struct pool *pool)
{
	uint64_t ns = pool->backoff_ns ? 2 * pool->backoff_ns : BACKOFF_NS;

	pool->backoff_ns = ns < BACKOFF_NS_MAX ? ns : BACKOFF_NS_MAX;
	pool->backoff_until_ns =
		clock_after(reactor_now_ns(pool->reactor), pool->backoff_ns);
}

void grow_note_end(struct pool *pool, const struct member *m)
{
	bool died = m->cause == USP_POOL_NOT_STARTED || m->cause == USP_POOL_NOT_READY ||
		    m->cause == USP_POOL_CRASHED || m->cause == USP_POOL_PING_FAILED;
	bool was_used = m->uses > 0 || (m->use && m->state != MEMBER_TAKEN);

	if (was_used || lived_long(pool, m))
		pool->backoff_ns = pool->backoff_until_ns = 0;
	else if (died)
		back_off(pool);
}

/* ---- more ------------------------------------------------------------------------------------- */

/* No member will become free for them. */
static void refuse_waiting(struct pool *pool) REACTOR_ONLY
{
	const struct usp_failure full = { .stage = USP_STAGE_ADMISSION,
					  .error = EAGAIN,
					  .path = "pool-members-max" };

	if (pool_live(pool) > 0)
		return;
	list_each(link, next, &pool->waiting)
		use_fail(container_of(link, struct use, link), &full);
}

/* Returns whether there may be another one. */
static bool start(struct pool *pool) REACTOR_ONLY
{
	const struct usp_failure no_memory = { .stage = USP_STAGE_ADMISSION,
					       .error = ENOMEM,
					       .path = "" };

	if (!budget_has_room(pool)) {
		if (list_empty(&pool->starved))
			list_append(&pool->budget->starved, &pool->starved);
		refuse_waiting(pool);
		return false;
	}
	list_remove(&pool->starved);
	if (member_start(pool) == 0)
		return true;
	back_off(pool);
	grow_failed(pool, &no_memory);
	return false;
}

/*
 * Until when none is started ahead: a program that keeps dying is given time, and so is a
 * use that has just got its member, of whose answer the start of the next one would take
 * its part of the CPUs; unless that one is all there is.
 */
static uint64_t ahead_after_ns(const struct pool *pool)
{
	uint64_t ns = pool->backoff_until_ns;

	if (2 * pool->n[MEMBER_IDLE] >= pool->o.spare && pool->n[MEMBER_IDLE] > 0)
		ns = most(ns, clock_after(pool->taken_ns, PAUSE_NS));
	return ns;
}

static void start_ahead(struct pool *pool) REACTOR_ONLY
{
	uint64_t now_ns = reactor_now_ns(pool->reactor);

	while (pool_live(pool) < wanted(pool) && pool->n[MEMBER_STARTING] < AHEAD_MAX) {
		uint64_t after_ns = ahead_after_ns(pool);

		if (after_ns > now_ns) {
			timer_arm(pool->reactor, &pool->retry, after_ns);
			return;
		}
		if (start(pool))
			continue;
		if (pool->backoff_until_ns > now_ns)
			timer_arm(pool->reactor, &pool->retry, pool->backoff_until_ns);
		return;
	}
}

void grow_on_retry(struct timer *timer)
{
	pool_later(container_of(timer, struct pool, retry));
}

/* ---- fewer -------------------------------------------------------------------------------------- */

static void let_go_of_first(struct pool *pool, unsigned n,
			    enum usp_pool_cause cause) REACTOR_ONLY
{
	struct list *first;

	while (n-- > 0 && (first = list_first(&pool->idle)))
		member_end(container_of(first, struct member, idle_link), cause, GENTLY);
}

static unsigned surplus(const struct pool *pool)
{
	unsigned live = pool_live(pool), want = wanted(pool);

	return live > want ? least(live - want, pool->n[MEMBER_IDLE]) : 0;
}

/* As many as were too many all the time, those first that have been idle longest. */
void grow_on_surplus(struct timer *timer)
{
	struct pool *pool = container_of(timer, struct pool, surplus);

	let_go_of_first(pool, least(pool->surplus_least, surplus(pool)), USP_POOL_IDLE);
	pool_later(pool);
}

static void watch_surplus(struct pool *pool) REACTOR_ONLY
{
	unsigned n = surplus(pool);

	if (n == 0) {
		timer_cancel(pool->reactor, &pool->surplus);
	} else if (!pool->surplus.node.linked) {
		pool->surplus_least = n;
		timer_arm(pool->reactor, &pool->surplus,
			  clock_after(reactor_now_ns(pool->reactor), pool->o.idle_ns));
	} else {
		pool->surplus_least = least(pool->surplus_least, n);
	}
}

void grow(struct pool *pool)
{
	unsigned live = pool_live(pool);

	if (pool->closing)
		return;
	if (live > pool->max)
		let_go_of_first(pool, live - pool->max, USP_POOL_RESIZED);
	while (pool_live(pool) < needed(pool) && start(pool))
		continue;
	start_ahead(pool);
	watch_surplus(pool);
}
