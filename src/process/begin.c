/*
 * The way of a process that was let in to the launchers.
 */
#include "process/begin.h"

#include <errno.h>
#include "base/clock.h"
#include "launch/launcher.h"
#include "process/process.h"
#include "sys/pidfd.h"

/* A second in all: a burst is over by then, or it is none. */
#define AGAIN_NS  (10 * NS_PER_MS)
#define TRIES_MAX 100

/* Slots that are left for those that run: the first in the queue must find its own. */
#define SLOTS_LEFT 64

/* ---- parking ------------------------------------------------------------- */

void begin_park(struct process *p)
{
	struct reactor *r = p->host->reactor;
	struct plan *plan = &p->plan;

	for (size_t i = 0; i < p->spec->n_fds; i++) {
		if (plan->ends[i].passed < 0 || reactor_slots_free(r) <= SLOTS_LEFT)
			continue;
		plan->ends[i].slot = reactor_slot_take(r);
		reactor_slot_fill(r, plan->ends[i].slot, plan->ends[i].passed);
		plan->ends[i].passed = -1;
	}
}

/* The slot of the next one that is to come back, or NULL. */
static int *next_parked(struct process *p)
{
	struct begin *b = &p->begin;

	for (; b->first < p->spec->n_fds; b->first++)
		if (p->spec->fds[b->first].kind == USP_STDIO_FD &&
		    p->plan.ends[b->first].slot >= 0)
			return &p->plan.ends[b->first].slot;
	return NULL;
}

static void drop_parked(struct process *p, int *slot) REACTOR_ONLY
{
	reactor_slot_drop(p->host->reactor, *slot);
	*slot = -1;
}

/* ---- again --------------------------------------------------------------- */

static void wait_a_while(struct process *p) REACTOR_ONLY
{
	struct reactor *r = p->host->reactor;

	timer_arm(r, &p->begin.again, reactor_now_ns(r) + AGAIN_NS);
}

static void on_again(struct timer *timer) REACTOR_ONLY
{
	begin_launch(container_of(timer, struct process, begin.again));
}

/* Are there descriptors to be had soon? */
static bool is_worth_another_try(struct process *p, int error) REACTOR_ONLY
{
	return (error == EMFILE || error == ENFILE) && !p->plan.cancelled &&
	       p->begin.tries < TRIES_MAX && p->host->has_others(p->host);
}

bool begin_again(struct process *p)
{
	if (!is_worth_another_try(p, p->plan.error))
		return false;
	p->begin.tries++;
	plan_reset(&p->plan);
	wait_a_while(p);
	return true;
}

/* ---- launching ----------------------------------------------------------- */

/* Something could not be had: another time, or never. */
static void fall_short(struct process *p, int error) REACTOR_ONLY
{
	if (is_worth_another_try(p, -error)) {
		p->begin.tries++;
		wait_a_while(p);
	} else {
		plan_fail(&p->plan, error);
		process_not_launched(p);
	}
}

static void on_installed(struct op *op, const struct completion *done) REACTOR_ONLY
{
	struct process *p = container_of(op, struct process, begin.install);

	if (done->res < 0) {
		fall_short(p, done->res);
		return;
	}
	p->plan.ends[p->begin.first].passed = done->res;
	drop_parked(p, &p->plan.ends[p->begin.first].slot);
	begin_launch(p);
}

void begin_launch(struct process *p)
{
	struct launchers *launchers = p->host->launchers;
	int *slot = next_parked(p);
	int ret = 0;

	if (slot) {
		reactor_install(p->host->reactor, &p->begin.install, *slot);
		return;
	}
	if (launchers_may_leave(launchers) && !p->plan.prepared)
		ret = plan_prepare(&p->plan);
	if (ret < 0)
		fall_short(p, ret);
	else if (launchers_post(launchers, &p->plan) < 0)
		wait_a_while(p);
}

/* ---- the whole ----------------------------------------------------------- */

void begin_init(struct process *p)
{
	op_init(&p->begin.install, &p->owner, on_installed);
	p->begin.again.on_fire = on_again;
}

/* Any of the files may be in its slot: all of them are closed as if they were. */
void begin_lost(struct process *p, int error)
{
	struct reactor *r = p->host->reactor;

	(void)sys_kill_child(p->plan.pid);
	reactor_slot_fill(r, p->pidfd_slot, -1);
	for (unsigned i = 0; i < p->channels.n; i++)
		reactor_slot_fill(r, p->channels.each[i].slot, -1);
	plan_fail(&p->plan, error);
}

void begin_stop(struct process *p)
{
	timer_cancel(p->host->reactor, &p->begin.again);
}

void begin_done(struct process *p)
{
	int *slot;

	while (p->spec && (slot = next_parked(p)))
		drop_parked(p, slot);
}
