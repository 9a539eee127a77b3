/*
 * How a use gets its member: which one, and what is done before it is told so.
 */
#include "pool/pool_parts.h"

#include <errno.h>
#include <unistd.h>
#include "base/clock.h"
#include "sys/fd.h"

static bool is_old(const struct member *m)
{
	const struct pool *pool = m->pool;

	return pool->o.max_age_ns && clock_after(m->started_ns, pool->o.max_age_ns) <=
					     reactor_now_ns(pool->reactor);
}

struct member *take_next(struct pool *pool)
{
	bool last = pool->o.order == USP_POOL_LIFO;

	while (!list_empty(&pool->idle)) {
		struct list *link = last ? pool->idle.prev : pool->idle.next;
		struct member *m = container_of(link, struct member, idle_link);

		if (!is_old(m))
			return m;
		member_end(m, USP_POOL_MAX_AGE, AT_ONCE);
	}
	return NULL;
}

static void on_cleared(struct process *p) REACTOR_ONLY
{
	struct member *m = p->handle.user;

	if (m->state != MEMBER_TAKEN)
		return;
	if (m->use) {
		use_begin(m->use);
		return;
	}
	lend_back(p, &m->pool->shape->options.kill, m->pool->channel);
	member_idle(m);
}

static bool wants_ping(const struct member *m)
{
	return m->pool->o.ping_on_use && m->use && !m->pinged;
}

static bool wants_pidfd(const struct member *m)
{
	return m->use && (m->use->o.flags & USP_FLAG_PIDFD) && m->pidfd < 0;
}

void take_step(struct member *m)
{
	struct pool *pool = m->pool;
	struct process *p = member_process(m);

	if (op_armed(&m->install))
		return;
	if (wants_ping(m)) {
		check_ask(m, &pool->ping);
	} else if (wants_pidfd(m)) {
		reactor_install(pool->reactor, &m->install, p->pidfd_slot);
	} else if (!m->use) {
		/* It was given up meanwhile. */
		member_idle(m);
	} else if (!pool_is_worker(pool)) {
		use_begin(m->use);
	} else if (!lend_clear(p, pool->channel, on_cleared)) {
		member_end(m, USP_POOL_CRASHED, AT_ONCE);
	}
}

void take_installed(struct op *op, const struct completion *done)
{
	struct member *m = container_of(op, struct member, install);
	struct usp_failure failure = { .stage = USP_STAGE_FDS,
				       .error = -done->res,
				       .path = plan_limit_name(-done->res) };

	if (m->state != MEMBER_TAKEN || !m->use) {
		sys_close(done->res);
		if (m->state == MEMBER_TAKEN)
			take_step(m);
		return;
	}
	if (done->res < 0)
		use_fail(m->use, &failure);
	else
		m->pidfd = done->res;
	take_step(m);
}

void take(struct member *m, struct use *use)
{
	struct pool *pool = m->pool;

	list_remove(&use->link);
	pool->n_waiting--;
	use->state = USE_TAKEN;
	use->member = m;
	m->use = use;
	member_move(m, MEMBER_TAKEN);
	take_step(m);
}
