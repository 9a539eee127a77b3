/*
 * How a process is made to end, in whichever state it is.
 */
#include <signal.h>
#include "base/clock.h"
#include "process/deadline.h"
#include "process/process.h"

/* The grace of a process whose client is gone, at most. */
#define GONE_GRACE_NS_MAX (10 * NS_PER_S)

/*
 * The kill plan that holds now.  When its client is gone nobody is there any more
 * who could cut a long grace short.
 */
static struct usp_kill plan_in_force(const struct process *p)
{
	struct usp_kill plan = p->spec->options.kill;

	if (p->gone && plan.grace_ns > GONE_GRACE_NS_MAX)
		plan.grace_ns = GONE_GRACE_NS_MAX;
	return plan;
}

void process_start_kill(struct process *p)
{
	const struct usp_kill plan = plan_in_force(p);

	kill_start(&p->kill, &plan);
}

void process_end(struct process *p, enum usp_reason reason)
{
	struct reactor *r = p->host->reactor;

	if (p->state == PROCESS_ENDED || p->failed)
		return;
	p->gone |= reason == USP_REASON_CLIENT_GONE;
	if (!p->reason)
		p->reason = reason;
	if (p->state == PROCESS_QUEUED) {
		reactor_defer(r, &p->later);
	} else if (p->state == PROCESS_LAUNCHING) {
		/* It is given its grace once it runs, and no more than that until then. */
		const struct usp_kill plan = plan_in_force(p);
		uint64_t wait_ns = plan.signal == SIGKILL ? 0 : plan.grace_ns;

		p->plan.cancelled = true;
		deadline_of_grace(p, wait_ns);
	} else {
		process_start_kill(p);
	}
}

void process_release(struct process *p)
{
	if (p->state == PROCESS_ENDED || !p->spec)
		return;
	p->spec->options.queue_timeout_ns = p->spec->options.launch_timeout_ns = 0;
	p->spec->options.timeout_ns = p->spec->options.idle_timeout_ns = 0;
	deadline_stop(p);
	process_discard(p);
	channels_drop(&p->channels);
}

void process_cut(struct process *p, enum usp_reason reason)
{
	if (p->state == PROCESS_ENDED || p->failed)
		return;
	if (!p->reason)
		p->reason = reason;
	if (p->state == PROCESS_QUEUED) {
		reactor_defer(p->host->reactor, &p->later);
	} else if (p->state == PROCESS_LAUNCHING) {
		p->cut = true;
		deadline_cut_launch(p);
	} else {
		kill_send(&p->kill, SIGKILL, p->spec->options.kill.target);
		channels_stop_reading(&p->channels);
	}
}
