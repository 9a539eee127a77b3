/*
 * From the exit of a process to the last byte of its output.
 */
#include "process/drain.h"

#include "base/clock.h"
#include "process/process.h"

/* How long the readers stay after SIGKILL, when somebody who escaped it, or the consumer
 * of what was said, keeps them. */
#define AFTER_KILL_NS NS_PER_S

/* How long after SIGKILL a process is waited for. */
#define GIVE_UP_NS (3 * NS_PER_S)

static uint64_t now_ns(const struct process *p)
{
	return reactor_now_ns(p->host->reactor);
}

/* An earlier limit that is set stays. */
static void arm(struct process *p, uint64_t deadline_ns) REACTOR_ONLY
{
	struct timer *limit = &p->drain.limit;

	if (!limit->node.linked || deadline_ns < limit->node.key)
		timer_arm(p->host->reactor, limit, deadline_ns);
}

/* What is known now; nothing more is found out. */
static void act(struct process *p) REACTOR_ONLY
{
	struct drain *d = &p->drain;
	bool may_kill = p->spec->options.drain_action == USP_DRAIN_KILL;

	d->state = DRAIN_KNOWN;
	if (may_kill && !p->reason && !d->killing) {
		d->killing = true;
		process_start_kill(p);
	} else {
		channels_finish(&p->channels, !p->reason && !d->killing);
	}
}

static void on_found(struct holders *h) REACTOR_ONLY
{
	struct process *p = h->user;

	if (p->state != PROCESS_ENDED)
		act(p);
}

/* Nobody is named where there is no memory or no thread to find out. */
static void ask(struct process *p) REACTOR_ONLY
{
	struct drain *d = &p->drain;

	d->state = DRAIN_ASKING;
	d->holders = holders_new(&p->owner, on_found, p);
	if (!d->holders || !holders_ask(d->holders, p->host->janitor, &p->channels))
		act(p);
}

void drain_step(struct process *p)
{
	bool looking = p->state == PROCESS_DRAINING && p->drain.state == DRAIN_LOOKING;

	if (looking && channels_looked(&p->channels))
		ask(p);
}

static void look(struct process *p) REACTOR_ONLY
{
	struct drain *d = &p->drain;

	if (d->state == DRAIN_WAITING) {
		d->state = DRAIN_LOOKING;
		channels_look(&p->channels);
		drain_step(p);
	} else if (d->state == DRAIN_KNOWN) {
		act(p);
	}
}

static void on_limit(struct timer *timer) REACTOR_ONLY
{
	struct process *p = container_of(timer, struct process, drain.limit);

	if (p->exited) {
		look(p);
	} else if (now_ns(p) < clock_after(p->drain.killed_ns, GIVE_UP_NS)) {
		arm(p, clock_after(p->drain.killed_ns, GIVE_UP_NS));
	} else {
		process_give_up(p);
	}
}

void drain_start(struct process *p)
{
	struct drain *d = &p->drain;

	if (channels_drained(&p->channels))
		return;
	if (d->killed_ns)
		arm(p, clock_after(d->killed_ns, AFTER_KILL_NS));
	if (p->spec->options.drain_ns)
		arm(p, clock_after(p->exited_ns, p->spec->options.drain_ns));
}

void drain_after_kill(struct process *p)
{
	struct drain *d = &p->drain;

	if (!p->reason && !d->killing)
		return; /* a signal, sent by a caller who waits for what comes of it */
	d->killed_ns = now_ns(p);
	arm(p, clock_after(d->killed_ns, AFTER_KILL_NS));
}

void drain_init(struct process *p)
{
	p->drain.limit.on_fire = on_limit;
}

void drain_stop(struct process *p)
{
	timer_cancel(p->host->reactor, &p->drain.limit);
}

void drain_done(struct process *p)
{
	holders_free(p->drain.holders);
}
