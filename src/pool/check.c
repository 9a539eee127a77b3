/*
 * What a member is asked, and what is looked at while it is idle.
 *
 * One message at a time: it is written when the member has taken all that was written
 * before, and its answer is looked for in what comes from then on.
 */
#include "pool/pool_parts.h"

#include "base/clock.h"

#define TICK_NS_MAX NS_PER_S
#define TICK_NS_MIN (10 * NS_PER_MS)

/* ---- one message ---------------------------------------------------------------------- */

static void pass(struct member *m) REACTOR_ONLY
{
	timer_cancel(m->pool->reactor, &m->timer);
	m->message = NULL;
	if (m->state == MEMBER_TAKEN) {
		m->pinged = true;
		take_step(m);
	} else {
		member_idle(m);
	}
}

void check_fail(struct member *m)
{
	bool reset = m->state == MEMBER_RESETTING;

	member_end(m, reset ? USP_POOL_RESET_FAILED : USP_POOL_PING_FAILED, AT_ONCE);
}

static bool ask(struct member *m) REACTOR_ONLY
{
	const struct message *message = m->message;

	m->asked = true;
	m->answered = !message->ask;
	if (!message->ask)
		return true;
	return process_verbs.api.write(m->process, m->pool->channel, message->ask,
				       message->ask_bytes) == 0;
}

void check_step(struct member *m)
{
	struct process *p = member_process(m);

	if (!m->asked && lend_is_flushed(p, m->pool->channel) && !ask(m)) {
		check_fail(m);
		return;
	}
	if (m->asked && m->answered && lend_is_flushed(p, m->pool->channel))
		pass(m);
}

void check_ask(struct member *m, const struct message *message)
{
	struct reactor *r = m->pool->reactor;

	m->message = message;
	m->matched = 0;
	m->asked = m->answered = false;
	timer_arm(r, &m->timer, clock_after(reactor_now_ns(r), message->timeout_ns));
	check_step(m);
}

void check_answer(struct member *m, const void *data, size_t size)
{
	size_t used = 0, part = m->matched;

	if (m->asked && !m->answered) {
		used = message_find(m->message, &m->matched, data, size);
		m->answered = used > 0;
	}
	/* What is the beginning of it, or may be, was asked for. */
	if (m->answered && used > 0) {
		size_t answer = m->message->answer_bytes;
		size_t before = used + part > answer ? used + part - answer : 0;

		m->pool->counted.dropped_bytes += before + (size - used);
		check_step(m);
	} else {
		size_t kept = m->asked && !m->answered ? m->matched : 0;

		m->pool->counted.dropped_bytes += size + part - kept;
	}
}

/* ---- while it is idle -------------------------------------------------------------------- */

static bool is_due(uint64_t since_ns, uint64_t span_ns, uint64_t now_ns)
{
	return span_ns && clock_after(since_ns, span_ns) <= now_ns;
}

static void look_at(struct member *m, uint64_t now_ns) REACTOR_ONLY
{
	struct pool *pool = m->pool;
	const struct usp_pool_options *o = &pool->o;

	if (is_due(m->started_ns, o->max_age_ns, now_ns)) {
		member_end(m, USP_POOL_MAX_AGE, AT_ONCE);
	} else if (o->max_rss_bytes && stats_look(m) > o->max_rss_bytes) {
		member_end(m, USP_POOL_MAX_RSS, AT_ONCE);
	} else if (is_due(m->checked_ns, o->ping_interval_ns, now_ns)) {
		member_move(m, MEMBER_PINGING);
		check_ask(m, &pool->ping);
	}
}

void check_on_tick(struct timer *timer)
{
	struct pool *pool = container_of(timer, struct pool, tick);
	uint64_t now_ns = reactor_now_ns(pool->reactor);

	/* Each of them leaves the list, or none does. */
	list_each(link, next, &pool->idle)
		look_at(container_of(link, struct member, idle_link), now_ns);
	pool_later(pool);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Between two looks; 0: there is nothing to look for. */
static uint64_t tick_ns(const struct usp_pool_options *o)
{
	uint64_t ns = UINT64_MAX;

	if (o->max_rss_bytes)
		ns = TICK_NS_MAX;
	if (o->max_age_ns)
		ns = least(ns, o->max_age_ns / 4);
	if (o->ping_interval_ns)
		ns = least(ns, o->ping_interval_ns / 2);
	if (ns == UINT64_MAX)
		return 0;
	return ns < TICK_NS_MIN ? TICK_NS_MIN : least(ns, TICK_NS_MAX);
}

void check_watch(struct pool *pool)
{
	uint64_t ns = tick_ns(&pool->o);

	if (ns == 0 || pool->tick.node.linked || list_empty(&pool->idle))
		return;
	timer_arm(pool->reactor, &pool->tick, reactor_now_ns(pool->reactor) + ns);
}
