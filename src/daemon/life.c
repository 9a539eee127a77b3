/*
 * The phases of the daemon, and what each begins with.
 */
#include "daemon/life.h"

#include <assert.h>
#include <errno.h>
#include "base/clock.h"
#include "daemon/admit.h"
#include "daemon/daemon.h"
#include "daemon/job.h"
#include "daemon/notify.h"
#include "daemon/pools.h"
#include "daemon/session.h"

#define REPLACED_NS (5 * NS_PER_S)  /* for clients that connected just before */
#define END_NS	    (10 * NS_PER_S) /* for the kill plans */
#define LEAVE_NS    (2 * NS_PER_S)  /* for what was killed to be gone */
#define ALONE_NS    (10 * NS_PER_S) /* for who started a private one to connect */

#define BIT(n) (1u << (n))

static const uint8_t may_become[DAEMON_PHASES] = {
	[DAEMON_SERVING] = BIT(DAEMON_REPLACED) | BIT(DAEMON_DRAINING),
	[DAEMON_REPLACED] =
		BIT(DAEMON_RETIRING) | BIT(DAEMON_DRAINING) | BIT(DAEMON_LEAVING),
	[DAEMON_RETIRING] = BIT(DAEMON_DRAINING) | BIT(DAEMON_LEAVING),
	[DAEMON_DRAINING] = BIT(DAEMON_ENDING) | BIT(DAEMON_LEAVING),
	[DAEMON_ENDING] = BIT(DAEMON_LEAVING),
};

/* The only assignment to the phase; it lasts until @ns have passed, or something else
 * ends it.  UINT64_MAX: no limit. */
static void move(struct daemon *d, enum daemon_phase next, uint64_t ns) REACTOR_ONLY
{
	assert(may_become[d->phase] & BIT(next));
	d->phase = next;
	if (ns == UINT64_MAX)
		timer_cancel(d->reactor, &d->limit);
	else
		timer_arm(d->reactor, &d->limit,
			  clock_after(reactor_now_ns(d->reactor), ns));
}

static void for_each_session(struct daemon *d, void (*fn)(struct session *s)) REACTOR_ONLY
{
	list_each(link, next, &d->sessions)
		fn(container_of(link, struct session, link));
}

/* ---- replaced ------------------------------------------------------------ */

void life_replaced(struct daemon *d, pid_t by)
{
	log_say(LOG_LEVEL_NOTICE, "replaced by process %d, %zu jobs to go on with",
		(int)by, daemon_jobs_left(d));
	notify_replaced(by);
	move(d, DAEMON_REPLACED, REPLACED_NS);
	front_hand_over(&d->front, d->takeover.fds);
	d->takeover.n_fds = 0;
}

static void retire(struct daemon *d) REACTOR_ONLY
{
	move(d, DAEMON_RETIRING, UINT64_MAX);
	for_each_session(d, session_retire);
}

/* ---- stopping ------------------------------------------------------------ */

static void end(struct daemon *d) REACTOR_ONLY
{
	if (daemon_jobs_left(d) > 0)
		log_say(LOG_LEVEL_WARNING, "%zu jobs did not end by themselves",
			daemon_jobs_left(d));
	move(d, DAEMON_ENDING, END_NS);
	for_each_session(d, job_end_all);
	pools_end_all(d);
}

static void kill_at_once(struct daemon *d) REACTOR_ONLY
{
	d->killed = true;
	for_each_session(d, job_cut_all);
	pools_cut_all(d);
	timer_arm(d->reactor, &d->limit, reactor_now_ns(d->reactor) + LEAVE_NS);
}

static void drain(struct daemon *d) REACTOR_ONLY
{
	bool replaced = d->phase != DAEMON_SERVING;

	log_say(LOG_LEVEL_NOTICE, "stopping, %zu jobs to end", daemon_jobs_left(d));
	if (!replaced)
		notify_stopping();
	move(d, DAEMON_DRAINING, d->config->stop_after_ns);
	front_stop(&d->front, replaced || takeover_is_given(d));
	pools_stop_all(d);
	if (d->config->stop_after_ns == 0)
		end(d);
}

/* ---- private ------------------------------------------------------------- */

static void expect_client(struct daemon *d) REACTOR_ONLY
{
	timer_arm(d->reactor, &d->limit,
		  clock_after(reactor_now_ns(d->reactor), ALONE_NS));
}

/* One that connected and has said nothing yet is given time for it, as ever. */
static void give_up_alone(struct daemon *d) REACTOR_ONLY
{
	if (d->connections == 0)
		drain(d);
	else if (!d->served)
		expect_client(d);
}

static bool is_left_alone(const struct daemon *d)
{
	return d->config->is_private && d->phase == DAEMON_SERVING && d->served &&
	       d->connections == 0;
}

/* ---- stopping by a signal ------------------------------------------------ */

void life_stop(struct daemon *d)
{
	if (d->phase < DAEMON_DRAINING)
		drain(d);
	else if (d->phase == DAEMON_DRAINING)
		end(d);
	else if (d->phase == DAEMON_ENDING)
		kill_at_once(d);
}

/* ---- the end ------------------------------------------------------------- */

static void say_goodbye(struct session *s) REACTOR_ONLY
{
	session_fail(s, ESHUTDOWN, "the daemon stops");
}

/* The sessions send what is queued, in bounded time, and close. */
static void leave(struct daemon *d) REACTOR_ONLY
{
	move(d, DAEMON_LEAVING, UINT64_MAX);
	front_stop(&d->front, false);
	admit_stop(d);
	for_each_session(d, say_goodbye);
}

static void on_limit(struct timer *timer) REACTOR_ONLY
{
	struct daemon *d = container_of(timer, struct daemon, limit);

	switch (d->phase) {
	case DAEMON_SERVING:
		give_up_alone(d);
		break;
	case DAEMON_REPLACED:
		retire(d);
		break;
	case DAEMON_DRAINING:
		end(d);
		break;
	case DAEMON_ENDING:
		if (d->killed)
			leave(d);
		else
			kill_at_once(d);
		break;
	default:
		break;
	}
}

void life_init(struct daemon *d)
{
	d->limit.on_fire = on_limit;
	if (d->config->is_private)
		expect_client(d);
}

void life_step(struct daemon *d)
{
	bool replaced = daemon_is_replaced(d), stopping;

	if (is_left_alone(d))
		drain(d);
	stopping = d->phase == DAEMON_DRAINING || d->phase == DAEMON_ENDING;
	/* Those that stay though nobody has them open would stay for ever. */
	if (replaced && d->connections == 0)
		pools_stop_all(d);
	if (daemon_jobs_left(d) == 0 && list_empty(&d->pools) &&
	    (stopping || (replaced && d->connections == 0)))
		leave(d);
}

bool life_is_over(const struct daemon *d)
{
	return d->phase == DAEMON_LEAVING && d->connections == 0 &&
	       front_closed(&d->front);
}
