/*
 * The deadlines of a process.
 *
 * One timer serves its queue, its launch and its run, which follow each other.
 */
#include "process/deadline.h"

#include <errno.h>

#include "base/clock.h"
#include "sys/fd.h"

/* Between two looks at a child that is being made and cannot be killed yet. */
#define LAUNCH_RETRY_NS (10 * NS_PER_MS)

static uint64_t now_ns(const struct process *p)
{
	return reactor_now_ns(p->host->reactor);
}

static void arm(struct process *p, uint64_t start_ns, uint64_t span_ns) REACTOR_ONLY
{
	timer_arm(p->host->reactor, &p->deadline, clock_after(start_ns, span_ns));
}

void deadline_of_queue(struct process *p)
{
	if (p->spec && p->spec->options.queue_timeout_ns)
		arm(p, p->queued_ns, p->spec->options.queue_timeout_ns);
}

/* ---- the launch ---------------------------------------------------------- */

/* The run counts from the clone as well, so the shorter of the two. */
static uint64_t launch_limit_ns(const struct usp_options *options)
{
	uint64_t launch_ns = options->launch_timeout_ns, run_ns = options->timeout_ns;

	return launch_ns && (!run_ns || launch_ns < run_ns) ? launch_ns : run_ns;
}

void deadline_of_launch(struct process *p)
{
	uint64_t limit_ns = launch_limit_ns(&p->spec->options);

	if (limit_ns)
		arm(p, now_ns(p), limit_ns);
	else
		timer_cancel(p->host->reactor, &p->deadline);
}

/* A limit of the launch that is sooner stays. */
void deadline_of_grace(struct process *p, uint64_t grace_ns)
{
	const struct heap_node *set = &p->deadline.node;
	uint64_t due_ns = clock_after(now_ns(p), grace_ns);

	if (!set->linked || due_ns < set->key)
		timer_arm(p->host->reactor, &p->deadline, due_ns);
}

/* The reserve is given for a descriptor to kill it by, where there is no other. */
static int kill_launch(struct process *p) REACTOR_ONLY
{
	int *reserve_fd = &p->host->reserve_fd;
	int ret = plan_kill(&p->plan);

	if (ret != -EMFILE || *reserve_fd < 0)
		return ret;
	sys_close(*reserve_fd);
	ret = plan_kill(&p->plan);
	*reserve_fd = sys_open_null();
	return ret;
}

/* A launch that hangs: in exec, on a dead mount, say.  Its child can be killed. */
void deadline_cut_launch(struct process *p)
{
	p->plan.cancelled = true;
	/* Its child may be there any moment. */
	if (kill_launch(p) < 0 && p->plan.taken_ns)
		arm(p, now_ns(p), LAUNCH_RETRY_NS);
}

/* The time to launch counts from when a launcher took it, not from its queue. */
static void on_launch_over(struct process *p) REACTOR_ONLY
{
	uint64_t taken_ns = p->plan.taken_ns;
	uint64_t start_ns = taken_ns ? taken_ns : now_ns(p);
	uint64_t limit_ns = launch_limit_ns(&p->spec->options);

	if (!p->reason && clock_after(start_ns, limit_ns) > now_ns(p)) {
		arm(p, start_ns, limit_ns);
		return;
	}
	if (!p->reason) {
		p->reason = USP_REASON_LAUNCH_TIMEOUT;
		p->host->launches_stuck += !p->plan.stuck;
	}
	deadline_cut_launch(p);
}

static void on_deadline(struct timer *timer) REACTOR_ONLY
{
	struct process *p = container_of(timer, struct process, deadline);

	if (p->state == PROCESS_QUEUED)
		process_end(p, USP_REASON_QUEUE_TIMEOUT);
	else if (p->state == PROCESS_LAUNCHING)
		on_launch_over(p);
	else
		process_end(p, USP_REASON_TIMEOUT);
}

/* ---- the run ------------------------------------------------------------- */

/* Since when it may be silent. */
static uint64_t run_since_ns(const struct process *p)
{
	return p->lent_ns ? p->lent_ns : p->execed_ns;
}

/*
 * A stream that its consumer does not let speak is not silent.  When it may speak again
 * its time begins anew, so that looking once in a while is exact.
 */
static void on_idle(struct timer *timer) REACTOR_ONLY
{
	struct process *p = container_of(timer, struct process, idle);
	uint64_t active_ns = channels_active_ns(&p->channels), due_ns;

	if (channels_held(&p->channels))
		active_ns = now_ns(p);
	else if (active_ns < run_since_ns(p))
		active_ns = run_since_ns(p);
	due_ns = clock_after(active_ns, p->spec->options.idle_timeout_ns);
	if (due_ns > now_ns(p))
		timer_arm(p->host->reactor, &p->idle, due_ns);
	else
		process_end(p, USP_REASON_IDLE_TIMEOUT);
}

void deadline_of_run(struct process *p)
{
	const struct usp_options *options = &p->spec->options;
	struct reactor *r = p->host->reactor;

	if (options->timeout_ns)
		arm(p, p->lent_ns ? p->lent_ns : p->taken_ns, options->timeout_ns);
	else
		timer_cancel(r, &p->deadline);
	if (options->idle_timeout_ns)
		timer_arm(r, &p->idle,
			  clock_after(run_since_ns(p), options->idle_timeout_ns));
}

/* ---- start and end ------------------------------------------------------- */

void deadline_init(struct process *p)
{
	p->deadline.on_fire = on_deadline;
	p->idle.on_fire = on_idle;
}

void deadline_stop(struct process *p)
{
	timer_cancel(p->host->reactor, &p->deadline);
	timer_cancel(p->host->reactor, &p->idle);
}
