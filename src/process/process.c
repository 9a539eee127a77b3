/*
 * One program that was asked for: its facts, and the one function that moves it
 * from state to state by them.
 *
 * Callbacks record what happened and call step().  The order in which things
 * happen (exit before the last output, or after) makes no difference there.
 */
#include "process/process.h"

#include <assert.h>
#include <errno.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "process/tell.h"
#include "process/verbs.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

/* How long the readers of a killed process stay, when somebody still holds its pipes. */
#define DRAIN_AFTER_KILL_NS NS_PER_S

/* The grace of a process whose client is gone, at most. */
#define GONE_GRACE_NS_MAX (10 * NS_PER_S)

/* Between two looks at a child that is being made and cannot be killed yet. */
#define LAUNCH_RETRY_NS (10 * NS_PER_MS)

static void step(struct process *p) REACTOR_ONLY;

#define BIT(n) (1u << (n))

static const uint8_t may_become[PROCESS_STATES] = {
	[PROCESS_QUEUED] = BIT(PROCESS_LAUNCHING) | BIT(PROCESS_ENDED),
	[PROCESS_LAUNCHING] = BIT(PROCESS_RUNNING) | BIT(PROCESS_ENDED),
	[PROCESS_RUNNING] = BIT(PROCESS_DRAINING),
	[PROCESS_DRAINING] = BIT(PROCESS_ENDED),
};

/* The only assignment to the state. */
static void move(struct process *p, enum process_state next)
{
	assert(may_become[p->state] & BIT(next));
	p->state = next;
}

/* ---- its channels -------------------------------------------------------- */

static void on_output(struct channels *c, int stream, struct buffer *buffer,
		      size_t size) REACTOR_ONLY
{
	tell_output(container_of(c, struct process, channels), stream, buffer, size);
}

static void on_eof(struct channels *c, int stream) REACTOR_ONLY
{
	struct process *p = container_of(c, struct process, channels);

	tell_eof(p, stream);
	reactor_defer(p->host->reactor, &p->later);
}

static void on_window(struct channels *c, int stream, uint32_t bytes) REACTOR_ONLY
{
	tell_window(container_of(c, struct process, channels), stream, bytes);
}

static const struct channel_verbs channel_verbs = {
	.on_output = on_output,
	.on_eof = on_eof,
	.on_window = on_window,
};

/* ---- the end of it ------------------------------------------------------- */

static void drop_slots(struct process *p) REACTOR_ONLY
{
	channels_done(&p->channels);
	if (p->pidfd_slot >= 0)
		reactor_slot_drop(p->host->reactor, p->pidfd_slot);
}

/* Nothing is armed any more. */
static void on_drained(struct owner *owner) REACTOR_ONLY
{
	struct process *p = container_of(owner, struct process, owner);

	drop_slots(p);
	list_remove(&p->link);
	tell_end(p);
	p->host->on_ended(p->host, p);
	spec_free(p->spec);
	mem_free(p);
}

/* The last thing that is done to a process: it may be gone when this returns. */
static void close_all(struct process *p) REACTOR_ONLY
{
	struct reactor *r = p->host->reactor;

	move(p, PROCESS_ENDED);
	timer_cancel(r, &p->deadline);
	timer_cancel(r, &p->drain_limit);
	reactor_undefer(&p->later);
	kill_stop(&p->kill);
	channels_stop_writing(&p->channels);
	plan_close(&p->plan);
	owner_close(&p->owner);
}

/* ---- the start of it ----------------------------------------------------- */

static void note_failure(struct process *p, enum usp_stage stage, int error,
			 const char *path)
{
	p->failed = true;
	p->failure = (struct usp_failure){ .stage = stage, .error = error, .path = path };
}

/* The plan is back without a process. */
static void take_plan_failure(struct process *p)
{
	const struct plan *plan = &p->plan;

	note_failure(p, plan->stage, plan->error, plan->path);
	p->failure.signal = plan->signal;
	if (plan->stage == USP_STAGE_ADMISSION)
		p->failure.path = usp_reason_name(p->reason);
}

/* The process runs: place its descriptors, and wait for everything it may do. */
static void attach(struct process *p) REACTOR_ONLY
{
	struct reactor *r = p->host->reactor;
	struct plan *plan = &p->plan;

	reactor_slot_fill(r, p->pidfd_slot, atomic_exchange(&plan->pidfd, -1));
	reactor_wait_exit(r, &p->exit_wait, p->pidfd_slot, plan->pid, &p->exit_info,
			  NULL);
	kill_open(&p->kill, p->pidfd_slot, plan->pid);
	channels_open(&p->channels, plan);
	if (p->spec->options.timeout_ns)
		timer_arm(r, &p->deadline,
			  clock_after(p->taken_ns, p->spec->options.timeout_ns));
}

/*
 * The kill plan that holds now.  When its client is gone nobody is there any more
 * who could cut a long grace short.
 */
static struct usp_kill plan_in_force(const struct process *p)
{
	struct usp_kill plan = p->spec->options.kill;

	if (p->reason == USP_REASON_CLIENT_GONE && plan.grace_ns > GONE_GRACE_NS_MAX)
		plan.grace_ns = GONE_GRACE_NS_MAX;
	return plan;
}

static void start_kill(struct process *p) REACTOR_ONLY
{
	const struct usp_kill plan = plan_in_force(p);

	kill_start(&p->kill, &plan);
}

/* It was asked to end while it was being started. */
static void resume_end(struct process *p) REACTOR_ONLY
{
	if (p->cut)
		process_cut(p, p->reason);
	else if (p->reason)
		start_kill(p);
}

/* ---- the one function that moves the state ------------------------------- */

static void step(struct process *p)
{
	switch (p->state) {
	case PROCESS_QUEUED:
		if (p->reason && !p->failed)
			note_failure(p, USP_STAGE_ADMISSION, ECANCELED,
				     usp_reason_name(p->reason));
		if (!p->failed)
			return;
		p->host->on_left_queue(p->host, p);
		tell_failed(p);
		close_all(p);
		return;
	case PROCESS_LAUNCHING:
		if (!p->launched)
			return;
		if (!p->started) {
			take_plan_failure(p);
			tell_failed(p);
			close_all(p);
			return;
		}
		move(p, PROCESS_RUNNING);
		attach(p);
		tell_started(p);
		resume_end(p);
		return;
	case PROCESS_RUNNING:
		if (!p->exited)
			return;
		move(p, PROCESS_DRAINING);
		tell_exit(p);
		__attribute__((fallthrough));
	case PROCESS_DRAINING:
		if (channels_drained(&p->channels) && kill_settle(&p->kill))
			close_all(p);
		return;
	default:
		return;
	}
}

/* ---- facts --------------------------------------------------------------- */

static void on_launched(struct op *op, const struct completion *done) REACTOR_ONLY
{
	struct process *p = container_of(op, struct process, plan.done);

	assert(!atomic_load_explicit(&p->plan.out, memory_order_acquire));
	p->launched = true;
	p->started = done->res == 0;
	p->taken_ns = p->plan.taken_ns;
	if (p->started)
		p->execed_ns = p->plan.execed_ns;
	p->host->on_launched(p->host);
	step(p);
}

/*
 * ECHILD: the program around us reaps children it does not know.  Anything else
 * means that the descriptor never got into its slot: there is no knowing, and the
 * child is not left to run on its own.
 */
static void on_exit(struct op *op, const struct completion *done) REACTOR_ONLY
{
	struct process *p = container_of(op, struct process, exit_wait);

	p->exited = true;
	p->kill.reaped = true;
	p->exited_ns = reactor_now_ns(p->host->reactor);
	if (done->res < 0) {
		p->status_lost = true;
		if (done->res != -ECHILD)
			(void)sys_kill_child(p->plan.pid);
	}
	step(p);
}

static void on_later(struct deferred *later) REACTOR_ONLY
{
	step(container_of(later, struct process, later));
}

/* A launch that hangs: in exec, on a dead mount, say.  Its child can be killed. */
static void cut_launch(struct process *p) REACTOR_ONLY
{
	struct reactor *r = p->host->reactor;
	int pidfd = p->plan.pidfd;

	p->plan.cancelled = true;
	if (pidfd >= 0)
		(void)sys_pidfd_signal(pidfd, SIGKILL, false);
	else if (p->plan.taken_ns) /* its child may be there any moment */
		timer_arm(r, &p->deadline, reactor_now_ns(r) + LAUNCH_RETRY_NS);
}

/* The time to launch counts from when a launcher took it, not from its queue. */
static void on_launch_deadline(struct process *p) REACTOR_ONLY
{
	struct reactor *r = p->host->reactor;
	uint64_t taken_ns = p->plan.taken_ns;
	uint64_t start_ns = taken_ns ? taken_ns : reactor_now_ns(r);
	uint64_t deadline_ns = clock_after(start_ns, p->spec->options.timeout_ns);

	if (!p->reason && deadline_ns > reactor_now_ns(r)) {
		timer_arm(r, &p->deadline, deadline_ns);
		return;
	}
	if (!p->reason) {
		p->reason = USP_REASON_LAUNCH_TIMEOUT;
		p->host->launches_stuck++;
	}
	cut_launch(p);
}

static void on_deadline(struct timer *timer) REACTOR_ONLY
{
	struct process *p = container_of(timer, struct process, deadline);

	if (p->state == PROCESS_LAUNCHING)
		on_launch_deadline(p);
	else
		process_end(p, USP_REASON_TIMEOUT);
}

/* SIGKILL was sent; somebody who escaped it may hold a pipe for ever. */
static void on_last_kill(struct kill *k) REACTOR_ONLY
{
	struct process *p = container_of(k, struct process, kill);
	struct reactor *r = p->host->reactor;

	if (p->reason && !p->drain_limit.node.linked)
		timer_arm(r, &p->drain_limit, reactor_now_ns(r) + DRAIN_AFTER_KILL_NS);
}

static void on_settled(struct kill *k) REACTOR_ONLY
{
	step(container_of(k, struct process, kill));
}

static const struct kill_verbs kill_verbs = {
	.on_last = on_last_kill,
	.on_settled = on_settled,
};

static void on_drain_limit(struct timer *timer) REACTOR_ONLY
{
	struct process *p = container_of(timer, struct process, drain_limit);

	channels_stop_reading(&p->channels);
}

/* ---- what the engine asks ------------------------------------------------ */

struct process *process_new(struct process_host *host, struct spec *spec)
{
	size_t channels_bytes = channels_count(spec) * sizeof(struct channel);
	struct process *p = mem_zalloc(sizeof(*p) + channels_bytes);
	struct reactor *r = host->reactor;

	if (!p)
		return NULL;
	p->handle.verbs = &process_verbs;
	p->host = host;
	p->owner.on_drained = on_drained;
	p->spec = spec;
	p->pidfd_slot = -1;
	p->channels = (struct channels){
		.reactor = r,
		.owner = &p->owner,
		.verbs = &channel_verbs,
		.each = p->channel,
	};
	channels_init(&p->channels, spec);
	kill_init(&p->kill, r, &p->owner, &kill_verbs, &host->reserve_fd);
	op_init(&p->exit_wait, &p->owner, on_exit);
	op_init(&p->plan.done, &p->owner, on_launched);
	deferred_init(&p->later, on_later);
	p->deadline.on_fire = on_deadline;
	p->drain_limit.on_fire = on_drain_limit;
	p->queued_ns = reactor_now_ns(r);
	list_init(&p->link);
	list_init(&p->queue_link);
	plan_init(&p->plan, spec, host->setup);
	return p;
}

void process_refuse(struct process *p, enum usp_stage stage, int error, const char *path)
{
	note_failure(p, stage, error, path);
	reactor_defer(p->host->reactor, &p->later);
}

unsigned process_slots(const struct process *p)
{
	return 1 + p->channels.n;
}

void process_launch(struct process *p)
{
	struct reactor *r = p->host->reactor;

	p->pidfd_slot = reactor_slot_take(r);
	channels_take_slots(&p->channels);
	if (p->spec->options.timeout_ns)
		timer_arm(r, &p->deadline,
			  clock_after(reactor_now_ns(r), p->spec->options.timeout_ns));
	move(p, PROCESS_LAUNCHING);
}

void process_end(struct process *p, enum usp_reason reason)
{
	struct reactor *r = p->host->reactor;

	if (p->state == PROCESS_ENDED || p->failed)
		return;
	if (!p->reason)
		p->reason = reason;
	if (p->state == PROCESS_QUEUED) {
		reactor_defer(r, &p->later);
	} else if (p->state == PROCESS_LAUNCHING) {
		/* It is given its grace once it runs, and no more than that until then. */
		const struct usp_kill plan = plan_in_force(p);
		uint64_t wait_ns = plan.signal == SIGKILL ? 0 : plan.grace_ns;

		p->plan.cancelled = true;
		timer_arm(r, &p->deadline, clock_after(reactor_now_ns(r), wait_ns));
	} else {
		start_kill(p);
	}
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
		cut_launch(p);
	} else {
		kill_send(&p->kill, SIGKILL, p->spec->options.kill.target);
		channels_stop_reading(&p->channels);
	}
}

void process_pause(struct process *p, bool pause)
{
	channels_pause(&p->channels, pause);
}

void process_discard(struct process *p)
{
	channels_unlimit(&p->channels);
}
