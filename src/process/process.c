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
#include <unistd.h>
#include "base/alloc.h"
#include "process/deadline.h"
#include "process/probe.h"
#include "process/tell.h"
#include "process/verbs.h"
#include "sys/pidfd.h"

static void step(struct process *p) REACTOR_ONLY;

#define BIT(n) (1u << (n))

/*
 * So many at a time have a pipe of 64 pages for stdout: a quarter of what a user without
 * privileges has in all (/proc/sys/fs/pipe-user-pages-soft: 16,384), beyond which the
 * pipes of all his programs shrink.
 */
#define WIDE_PIPES_MAX 64u

static const uint8_t may_become[PROCESS_STATES] = {
	[PROCESS_QUEUED] = BIT(PROCESS_LAUNCHING) | BIT(PROCESS_ENDED),
	[PROCESS_LAUNCHING] = BIT(PROCESS_RUNNING) | BIT(PROCESS_ENDED),
	[PROCESS_RUNNING] = BIT(PROCESS_DRAINING) | BIT(PROCESS_ENDED),
	[PROCESS_DRAINING] = BIT(PROCESS_ENDED),
};

/* The only assignment to the state. */
static void move(struct process *p, enum process_state next)
{
	assert(may_become[p->state] & BIT(next));
	PROBE_STATE(p, next);
	p->state = next;
}

/* ---- its channels -------------------------------------------------------- */

static void on_output(struct channels *c, int stream, const void *data, size_t size,
		      struct buffer *buffer) REACTOR_ONLY
{
	tell_output(container_of(c, struct process, channels), stream, data, size,
		    buffer);
}

static void on_eof(struct channels *c, int stream) REACTOR_ONLY
{
	struct process *p = container_of(c, struct process, channels);

	tell_eof(p, stream);
	reactor_defer(p->host->reactor, &p->later);
}

static void on_limit(struct channels *c) REACTOR_ONLY
{
	process_end(container_of(c, struct process, channels), USP_REASON_OUTPUT_LIMIT);
}

static void on_looked(struct channels *c) REACTOR_ONLY
{
	drain_step(container_of(c, struct process, channels));
}

static void on_cleared(struct channels *c, int stream) REACTOR_ONLY
{
	struct process *p = container_of(c, struct process, channels);

	(void)stream;
	p->on_cleared(p);
}

static void on_window(struct channels *c, int stream, uint32_t bytes) REACTOR_ONLY
{
	tell_window(container_of(c, struct process, channels), stream, bytes);
}

static const struct channel_verbs channel_verbs = {
	.on_output = on_output,
	.on_eof = on_eof,
	.on_limit = on_limit,
	.on_cleared = on_cleared,
	.on_looked = on_looked,
	.on_window = on_window,
};

/* ---- the end of it ------------------------------------------------------- */

static void drop_slots(struct process *p) REACTOR_ONLY
{
	begin_done(p);
	channels_done(&p->channels);
	if (p->pidfd_slot >= 0)
		reactor_slot_drop(p->host->reactor, p->pidfd_slot);
}

/* Its owner hears the last of it. */
static void say_end(struct process *p) REACTOR_ONLY
{
	list_remove(&p->link);
	tell_end(p);
	p->host->wide_pipes -= p->plan.wide;
	p->host->on_ended(p->host, p);
}

/* What its tree is known to have left there spares another look at it. */
static void drop_cgroup(struct process *p) REACTOR_ONLY
{
	bool seen = p->tree.settled && p->tree.walk.dir;

	tree_done(&p->tree);
	if (p->cgroup)
		cgroup_give_back(p->cgroup, seen ? &p->tree.walk.state : NULL,
				 &p->tree.walk.usage);
}

/* Nothing is armed any more. */
static void on_drained(struct owner *owner) REACTOR_ONLY
{
	struct process *p = container_of(owner, struct process, owner);

	drop_slots(p);
	if (p->given_up)
		list_remove(&p->link);
	else
		say_end(p);
	drain_done(p);
	drop_cgroup(p);
	spec_free(p->spec);
	mem_free(p);
}

/* The last thing that is done to a process: it may be gone when this returns. */
static void close_all(struct process *p) REACTOR_ONLY
{
	move(p, PROCESS_ENDED);
	begin_stop(p);
	deadline_stop(p);
	drain_stop(p);
	reactor_undefer(&p->later);
	kill_stop(&p->kill);
	tree_stop(&p->tree);
	channels_stop_writing(&p->channels);
	plan_close(&p->plan);
	if (p->given_up) {
		say_end(p);
		list_append(&p->host->given_up, &p->link);
	}
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

static bool wants_usage(const struct process *p)
{
	return p->spec->options.flags & USP_FLAG_RUSAGE;
}

/* One that is to be killed as a tree goes without where there is none to be had. */
static bool has_cgroup(const struct process *p)
{
	return p->cgroup && p->cgroup->dir.number;
}

static int take_end(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* The process runs: place its descriptors, and wait for everything it may do. */
static void attach(struct process *p) REACTOR_ONLY
{
	struct reactor *r = p->host->reactor;
	struct plan *plan = &p->plan;

	if (plan->prepared)
		plan_give_pidfd(plan);
	reactor_slot_fill(r, p->pidfd_slot, take_end(&plan->pidfd));
	reactor_wait_exit(r, &p->exit_wait, p->pidfd_slot, plan->pid, &p->exit_info,
			  wants_usage(p) ? &p->usage : NULL);
	kill_open(&p->kill, p->pidfd_slot, plan->pid);
	tree_open(&p->tree, p->host->janitor, p->host->cgroups.cgroups,
		  has_cgroup(p) ? &p->cgroup->dir : NULL, p->pidfd_slot, plan->pid);
	channels_open(&p->channels, plan);
	deadline_of_run(p);
}

/* It was asked to end while it was being started. */
static void resume_end(struct process *p) REACTOR_ONLY
{
	if (p->cut)
		process_cut(p, p->reason);
	else if (p->reason)
		process_start_kill(p);
}

/* ---- the one function that moves the state ------------------------------- */

static void note_waited_in_vain(struct process *p)
{
	int error = p->reason == USP_REASON_QUEUE_TIMEOUT ? ETIMEDOUT : ECANCELED;

	note_failure(p, USP_STAGE_ADMISSION, error, usp_reason_name(p->reason));
}

static bool may_close(struct process *p) REACTOR_ONLY
{
	return channels_drained(&p->channels) && kill_settle(&p->kill) &&
	       tree_settle(&p->tree);
}

static void step(struct process *p)
{
	switch (p->state) {
	case PROCESS_QUEUED:
		if (p->reason && !p->failed)
			note_waited_in_vain(p);
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
		if (!p->exited) {
			if (p->given_up && channels_drained(&p->channels))
				close_all(p);
			return;
		}
		move(p, PROCESS_DRAINING);
		tell_exit(p);
		if (may_close(p))
			close_all(p);
		else
			drain_start(p);
		return;
	case PROCESS_DRAINING:
		if (may_close(p))
			close_all(p);
		else
			drain_step(p);
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
	launchers_returned(p->host->launchers);
	if (done->res < 0 && plan_started(&p->plan))
		begin_lost(p, done->res);
	if (done->res < 0 && begin_again(p))
		return;
	plan_close_passed(&p->plan);
	p->launched = true;
	p->started = done->res == 0;
	p->taken_ns = p->plan.taken_ns;
	if (p->started) {
		p->execed_ns = p->plan.execed_ns;
		spec_forget_program(p->spec);
	}
	p->host->on_launched(p->host);
	step(p);
}

void process_not_launched(struct process *p)
{
	p->launched = true;
	p->taken_ns = reactor_now_ns(p->host->reactor);
	reactor_defer(p->host->reactor, &p->later);
}

/*
 * ECHILD: the program around us reaps children it does not know.  Anything else
 * means that the descriptor never got into its slot: there is no knowing, and the
 * child is not left to run on its own.
 */
static void on_exit(struct op *op, const struct completion *done) REACTOR_ONLY
{
	struct process *p = container_of(op, struct process, exit_wait);

	if (p->state == PROCESS_ENDED)
		return; /* it was given up, and has been reaped now */
	p->exited = true;
	p->given_up = false;
	p->usage_known = done->res == 0 && op->usage;
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

static void on_last_kill(struct kill *k) REACTOR_ONLY
{
	drain_after_kill(container_of(k, struct process, kill));
}

static void on_settled(struct kill *k) REACTOR_ONLY
{
	step(container_of(k, struct process, kill));
}

static const struct kill_verbs kill_verbs = {
	.on_last = on_last_kill,
	.on_settled = on_settled,
};

static void on_tree_killed(struct tree *t) REACTOR_ONLY
{
	drain_after_kill(container_of(t, struct process, tree));
}

static void on_tree_settled(struct tree *t) REACTOR_ONLY
{
	step(container_of(t, struct process, tree));
}

static const struct tree_verbs tree_verbs = {
	.on_killed = on_tree_killed,
	.on_settled = on_tree_settled,
};

void process_give_up(struct process *p)
{
	p->given_up = true;
	channels_finish(&p->channels, false);
	reactor_defer(p->host->reactor, &p->later);
}

/* ---- what the engine asks ------------------------------------------------ */

/* It is asked for, or its whole tree is to be killed some time. */
static bool wants_cgroup(const struct spec *spec)
{
	const struct usp_options *options = spec ? &spec->options : NULL;

	if (!options || options->cgroup.path)
		return false;
	return (options->flags & USP_FLAG_CGROUP) || options->cgroup.memory_max_bytes ||
	       options->cgroup.pids_max || options->cgroup.cpu_milli ||
	       options->kill.target == USP_TARGET_TREE;
}

static bool give_cgroup(struct process *p) REACTOR_ONLY
{
	p->cgroup = cgroup_new(&p->host->cgroups);
	if (p->cgroup)
		p->plan.cgroup = &p->cgroup->dir;
	return p->cgroup;
}

struct process *process_new(struct process_host *host, struct spec *spec)
{
	size_t channels_bytes = channels_count(spec) * sizeof(struct channel);
	size_t ends_bytes = spec ? spec->n_fds * sizeof(struct plan_end) : 0;
	struct process *p = mem_zalloc(sizeof(*p) + channels_bytes + ends_bytes);
	struct reactor *r = host->reactor;

	if (!p)
		return NULL;
	p->handle.verbs = &process_verbs.api;
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
	tree_init(&p->tree, r, &p->owner, &tree_verbs, &host->reserve_fd);
	kill_init(&p->kill, &p->tree, &p->owner, &kill_verbs, &host->reserve_fd);
	op_init(&p->exit_wait, &p->owner, on_exit);
	op_init(&p->plan.done, &p->owner, on_launched);
	deferred_init(&p->later, on_later);
	deadline_init(p);
	drain_init(p);
	p->queued_ns = reactor_now_ns(r);
	list_init(&p->link);
	list_init(&p->queue_link);
	if (wants_cgroup(spec) && !give_cgroup(p)) {
		mem_free(p);
		return NULL;
	}
	/* It takes the descriptors of @spec. */
	plan_init(&p->plan, spec, (struct plan_end *)(p->channel + p->channels.n),
		  launchers_setup(host->launchers));
	begin_init(p);
	deadline_of_queue(p);
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

	p->pidfd_slot = p->plan.pidfd_slot = reactor_slot_reserve(r);
	channels_take_slots(&p->channels, &p->plan);
	p->plan.wide = p->spec->fds[STDOUT_FILENO].kind == USP_STDIO_PIPE &&
		       p->host->wide_pipes < WIDE_PIPES_MAX;
	p->host->wide_pipes += p->plan.wide;
	if (p->cgroup) {
		p->plan.cgroups_full = cgroup_pool_full(&p->host->cgroups);
		cgroup_launch(p->cgroup);
	}
	deadline_of_launch(p);
	move(p, PROCESS_LAUNCHING);
	begin_launch(p);
}

void process_forget(struct process *p)
{
	if (!p->started && !p->failed) {
		note_failure(p, atomic_load(&p->plan.stage), ETIMEDOUT, "");
		tell_failed(p);
	} else if (!p->exited) {
		p->status_lost = true;
		tell_exit(p);
	}
	tell_end(p);
}

void process_pause(struct process *p, bool pause)
{
	channels_pause(&p->channels, pause);
}

void process_discard(struct process *p)
{
	channels_unlimit(&p->channels);
}

void process_abandon_given_up(struct process_host *host)
{
	list_each(link, following, &host->given_up)
		reactor_cancel(host->reactor,
			       &container_of(link, struct process, link)->exit_wait);
}
