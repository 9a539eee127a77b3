/*
 * A member: one process of a pool, and its states.
 */
#include "pool/pool_parts.h"

#include <assert.h>
#include <errno.h>
#include "base/clock.h"
#include "sys/fd.h"

/* From the end of its input until it is asked to end by a signal. */
#define EOF_GRACE_NS (100 * NS_PER_MS)

/* By so many members. */
#define LET_DOWN_MAX 2u

#define BIT(n) (1u << (n))

static const uint8_t may_become[MEMBER_STATES] = {
	[MEMBER_STARTING] = BIT(MEMBER_IDLE) | BIT(MEMBER_ENDING),
	[MEMBER_IDLE] = BIT(MEMBER_TAKEN) | BIT(MEMBER_PINGING) | BIT(MEMBER_ENDING),
	[MEMBER_TAKEN] = BIT(MEMBER_IDLE) | BIT(MEMBER_BUSY) | BIT(MEMBER_ENDING),
	[MEMBER_BUSY] = BIT(MEMBER_RESETTING) | BIT(MEMBER_ENDING),
	[MEMBER_RESETTING] = BIT(MEMBER_IDLE) | BIT(MEMBER_ENDING),
	[MEMBER_PINGING] = BIT(MEMBER_IDLE) | BIT(MEMBER_ENDING),
};

void member_move(struct member *m, enum member_state next)
{
	assert(may_become[m->state] & BIT(next));
	list_remove(&m->idle_link);
	timer_cancel(m->pool->reactor, &m->timer);
	m->message = NULL;
	if (m->pidfd >= 0 && next != MEMBER_BUSY) {
		sys_close(m->pidfd);
		m->pidfd = -1;
	}
	m->pool->n[m->state]--;
	m->pool->n[next]++;
	m->state = next;
	pool_later(m->pool);
}

/* ---- idle --------------------------------------------------------------------------- */

/* Those that were pinged have their place by when they became idle. */
static void put_idle(struct member *m)
{
	struct list *after = m->pool->idle.prev;

	while (after != &m->pool->idle &&
	       container_of(after, struct member, idle_link)->idle_ns > m->idle_ns)
		after = after->prev;
	list_append(after->next, &m->idle_link);
}

/* One that was never used is no warmer for having been started last. */
static bool is_last_used_first(const struct pool *pool)
{
	return pool->o.order == USP_POOL_LIFO;
}

void member_idle(struct member *m)
{
	struct pool *pool = m->pool;
	bool was_pinged = m->state == MEMBER_PINGING;
	uint64_t now_ns = reactor_now_ns(pool->reactor);

	if (pool->closing) {
		member_end(m, USP_POOL_CLOSED, GENTLY);
		return;
	}
	if (pool_live(pool) > pool->max) {
		member_end(m, USP_POOL_RESIZED, GENTLY);
		return;
	}
	if (!was_pinged)
		m->idle_ns = is_last_used_first(pool) && m->uses == 0 ? 0 : now_ns;
	m->checked_ns = now_ns;
	m->pinged = false;
	member_move(m, MEMBER_IDLE);
	put_idle(m);
}

/* ---- ending ----------------------------------------------------------------------------- */

static bool is_read_by_it(const struct pool *pool)
{
	const struct spec *shape = pool->shape;

	for (size_t i = 0; i < shape->n_fds; i++)
		if (shape->fds[i].kind == USP_STDIO_DUPLEX ||
		    (shape->fds[i].kind == USP_STDIO_PIPE && shape->fds[i].is_read))
			return true;
	return false;
}

static void end_process(struct member *m, enum member_ending how) REACTOR_ONLY
{
	struct pool *pool = m->pool;
	struct process *p = member_process(m);

	if (how == AT_ONCE || m->exited) {
		process_cut(p, USP_REASON_KILLED);
		return;
	}
	if (!m->use)
		process_discard(p);
	if (p->state == PROCESS_RUNNING && is_read_by_it(pool)) {
		lend_end_input(p);
		timer_arm(pool->reactor, &m->timer,
			  reactor_now_ns(pool->reactor) + EOF_GRACE_NS);
	} else {
		process_end(p, USP_REASON_KILLED);
	}
}

void member_leave_use(struct member *m)
{
	struct use *use = m->use;

	if (m->state != MEMBER_TAKEN || !use)
		return;
	m->use = NULL;
	use->member = NULL;
	use_wait(use);
}

void member_set_cause(struct member *m, enum usp_pool_cause cause)
{
	if (m->has_cause)
		return;
	m->cause = cause;
	m->has_cause = true;
	grow_note_end(m->pool, m);
}

struct usp_failure member_not_ready(const struct member *m, int error)
{
	return (struct usp_failure){ .stage = USP_STAGE_READY,
				     .error = error,
				     .path = m->pool->shape->name };
}

/*
 * It was to be somebody's, and was not well.  That may happen to one; when a second one that
 * was never used does the same to the same use, it is what the program does, and the next
 * would do no better.
 */
static void let_down(struct member *m, enum usp_pool_cause cause) REACTOR_ONLY
{
	const struct usp_failure failure =
		member_not_ready(m, cause == USP_POOL_CRASHED ? ECHILD : ETIMEDOUT);

	if (m->state == MEMBER_TAKEN && m->use && m->uses == 0 &&
	    (cause == USP_POOL_CRASHED || cause == USP_POOL_PING_FAILED) &&
	    ++m->use->let_down == LET_DOWN_MAX)
		use_fail(m->use, &failure);
}

void member_end(struct member *m, enum usp_pool_cause cause, enum member_ending how)
{
	member_set_cause(m, cause);
	if (m->state == MEMBER_ENDING) {
		if (how == AT_ONCE)
			end_process(m, how);
		return;
	}
	let_down(m, cause);
	member_leave_use(m);
	member_move(m, MEMBER_ENDING);
	end_process(m, how);
}

/* ---- given back --------------------------------------------------------------------------- */

static bool is_old(const struct member *m)
{
	const struct pool *pool = m->pool;

	return pool->o.max_age_ns && clock_after(m->started_ns, pool->o.max_age_ns) <=
					     reactor_now_ns(pool->reactor);
}

/* Why it is not to be used again; USP_POOL_CAUSES: it may be. */
static enum usp_pool_cause worn_out(const struct member *m, bool reuse, bool whole,
				    bool was_closed)
{
	const struct usp_pool_options *o = &m->pool->o;

	if (!reuse || was_closed)
		return USP_POOL_DISCARDED;
	if (!whole)
		return USP_POOL_CRASHED;
	if (o->replace)
		return USP_POOL_REPLACED;
	if (o->max_uses && m->uses >= o->max_uses)
		return USP_POOL_MAX_USES;
	return is_old(m) ? USP_POOL_MAX_AGE : USP_POOL_CAUSES;
}

void member_released(struct member *m, unsigned uses, bool reuse)
{
	struct pool *pool = m->pool;
	struct process *p = member_process(m);
	bool whole = lend_is_whole(p, pool->channel);
	bool was_closed = lend_was_closed(p, pool->channel);
	enum usp_pool_cause cause;

	m->use = NULL;
	m->uses += uses ? uses : 1;
	lend_back(p, &pool->shape->options.kill, pool->channel);
	cause = worn_out(m, reuse, whole, was_closed);
	if (m->state == MEMBER_ENDING) {
		end_process(m, AT_ONCE);
		return;
	}
	if (cause != USP_POOL_CAUSES) {
		member_end(m, cause, AT_ONCE);
		return;
	}
	member_move(m, MEMBER_RESETTING);
	check_ask(m, &pool->reset);
}
