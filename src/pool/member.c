/*
 * A member: one process of a pool, and its states.
 */
#include "pool/pool_parts.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include "base/clock.h"
#include "sys/fd.h"

/* From the end of its input until it is asked to end by a signal. */
#define EOF_GRACE_NS (100 * NS_PER_MS)

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
		m->idle_ns = now_ns;
	m->checked_ns = now_ns;
	m->pinged = false;
	member_move(m, MEMBER_IDLE);
	put_idle(m);
}

static void ready(struct member *m) REACTOR_ONLY
{
	m->started_ns = m->started_ns ? m->started_ns : reactor_now_ns(m->pool->reactor);
	member_idle(m);
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

/* Its use was not told of it: it waits again, unless it is over. */
static void leave_use(struct member *m) REACTOR_ONLY
{
	struct use *use = m->use;

	if (m->state != MEMBER_TAKEN || !use)
		return;
	m->use = NULL;
	use->member = NULL;
	use_wait(use);
}

/* The first one counts. */
static void set_cause(struct member *m, enum usp_pool_cause cause) REACTOR_ONLY
{
	if (m->has_cause)
		return;
	m->cause = cause;
	m->has_cause = true;
	grow_note_end(m->pool, m);
}

void member_end(struct member *m, enum usp_pool_cause cause, enum member_ending how)
{
	set_cause(m, cause);
	if (m->state == MEMBER_ENDING) {
		if (how == AT_ONCE)
			end_process(m, how);
		return;
	}
	leave_use(m);
	member_move(m, MEMBER_ENDING);
	end_process(m, how);
}

static void on_timer(struct timer *timer) REACTOR_ONLY
{
	struct member *m = container_of(timer, struct member, timer);
	const struct usp_failure late = { .stage = USP_STAGE_READY,
					  .error = ETIMEDOUT,
					  .path = m->pool->shape->name };

	if (m->state == MEMBER_STARTING) {
		member_end(m, USP_POOL_NOT_READY, AT_ONCE);
		grow_failed(m->pool, &late);
	} else if (m->state == MEMBER_ENDING) {
		process_end(member_process(m), USP_REASON_KILLED);
	} else {
		check_fail(m);
	}
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

/* ---- what its process tells ------------------------------------------------------------------ */

static void on_started(struct member *m) REACTOR_ONLY
{
	struct pool *pool = m->pool;

	m->started_ns = reactor_now_ns(pool->reactor);
	if (m->state != MEMBER_STARTING)
		return;
	if (pool->ready < 0)
		ready(m);
	else
		timer_arm(pool->reactor, &m->timer,
			  clock_after(m->started_ns, pool->o.ready_timeout_ns));
}

static void on_failed(struct member *m, const struct usp_failure *failure) REACTOR_ONLY
{
	if (m->state != MEMBER_STARTING)
		return; /* it was to end */
	set_cause(m, USP_POOL_NOT_STARTED);
	member_move(m, MEMBER_ENDING);
	grow_failed(m->pool, failure);
}

/* Of what a worker writes outside of a use. */
static void drop(struct member *m, const struct usp_output *output,
		 size_t asked_for) REACTOR_ONLY
{
	struct pool *pool = m->pool;
	const uint8_t *data = output->data;

	if (output->size == asked_for)
		return;
	if (output->stream != pool->channel && pool->o.on_output) {
		pool->o.on_output(&pool->handle, m->process->pid, output->stream,
				  data + asked_for, output->size - asked_for,
				  pool->o.user);
		return;
	}
	pool->counted.dropped_bytes += output->size - asked_for;
}

static void on_output(struct member *m, const struct usp_event *event) REACTOR_ONLY
{
	const struct usp_output *output = &event->output;
	const struct pool *pool = m->pool;
	bool is_of_use = !pool_is_worker(pool) || output->stream == pool->channel;

	if (m->use && m->use->state == USE_RUNNING && is_of_use) {
		use_tell(m->use, event);
	} else if (m->state == MEMBER_STARTING && output->stream == pool->ready) {
		ready(m);
		drop(m, output, 1);
	} else if (m->message && output->stream == pool->channel) {
		check_answer(m, output->data, output->size);
	} else if (pool_is_worker(pool)) {
		drop(m, output, 0);
	}
}

static void on_eof(struct member *m, const struct usp_event *event) REACTOR_ONLY
{
	const struct usp_failure early = { .stage = USP_STAGE_READY,
					   .error = ECHILD,
					   .path = m->pool->shape->name };
	const struct pool *pool = m->pool;
	int stream = event->eof.stream;

	if (m->use && m->use->state == USE_RUNNING) {
		if (!pool_is_worker(pool) || stream == pool->channel)
			use_tell(m->use, event);
	} else if (m->exited || m->state == MEMBER_ENDING) {
		return;
	} else if (m->state == MEMBER_STARTING && stream == pool->ready) {
		member_end(m, USP_POOL_NOT_READY, AT_ONCE);
		grow_failed(m->pool, &early);
	} else if (pool_is_worker(pool) && stream == pool->channel) {
		member_end(m, USP_POOL_CRASHED, AT_ONCE);
	}
}

static void on_exit(struct member *m, const struct usp_event *event) REACTOR_ONLY
{
	const struct usp_failure early = { .stage = USP_STAGE_READY,
					   .error = ECHILD,
					   .path = m->pool->shape->name };
	bool starting = m->state == MEMBER_STARTING;

	m->exited = true;
	if (m->use && m->use->state == USE_RUNNING) {
		/* Whom a worker started is nobody's any more. */
		if (pool_is_worker(m->pool))
			(void)process_verbs.api.signal(m->process, SIGKILL,
						       m->pool->shape->options.kill.target);
		use_tell(m->use, event);
		return;
	}
	member_end(m, starting ? USP_POOL_NOT_READY : USP_POOL_CRASHED, AT_ONCE);
	if (starting)
		grow_failed(m->pool, &early);
}

/* Of one that nobody made end. */
static enum usp_pool_cause cause_of(const struct member *m, const struct usp_end *end)
{
	switch (end->reason) {
	case USP_REASON_EXITED:
	case USP_REASON_SIGNALLED:
	case USP_REASON_STATUS_LOST:
	case USP_REASON_CGROUP_OOM:
		return pool_is_worker(m->pool) || !m->use ? USP_POOL_CRASHED
							  : USP_POOL_USED;
	case USP_REASON_FAILED:
	case USP_REASON_LAUNCH_TIMEOUT:
		return USP_POOL_NOT_STARTED;
	default:
		return USP_POOL_DISCARDED;
	}
}

/* Its process is no more when this returns, nor is the member. */
static void on_end(struct member *m, const struct usp_event *event) REACTOR_ONLY
{
	struct pool *pool = m->pool;
	struct pool_budget *budget = pool->budget;

	set_cause(m, cause_of(m, &event->end));
	stats_count_end(pool, m, &event->end);
	timer_cancel(pool->reactor, &m->timer);
	leave_use(m);
	list_remove(&m->link);
	list_remove(&m->idle_link);
	pool->n[m->state]--;
	if (m->use)
		use_tell(m->use, event);
	if (budget && --budget->members < budget->members_max)
		pool_budget_set(budget, budget->members_max);
	mem_free(m);
	pool_later(pool);
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user) REACTOR_ONLY
{
	struct member *m = user;

	(void)process;
	switch (event->kind) {
	case USP_EVENT_STARTED:
		on_started(m);
		break;
	case USP_EVENT_FAILED:
		on_failed(m, &event->failed);
		break;
	case USP_EVENT_OUTPUT:
		on_output(m, event);
		break;
	case USP_EVENT_EOF:
		on_eof(m, event);
		break;
	case USP_EVENT_WINDOW:
		if (m->use && m->use->state == USE_RUNNING)
			use_tell(m->use, event);
		else if (m->message)
			check_step(m);
		break;
	case USP_EVENT_EXIT:
		on_exit(m, event);
		break;
	case USP_EVENT_END:
		on_end(m, event);
		break;
	}
}

/* ---- starting ---------------------------------------------------------------------------------- */

int member_start(struct pool *pool)
{
	struct member *m = mem_zalloc(sizeof(*m));
	struct spec_input input = { 0 };
	int ret;

	if (!m)
		return -ENOMEM;
	template_apply(pool->program, &input);
	ret = engine_spawn(pool->engine, &pool->turns, &input, on_event, m, &m->process);
	if (ret < 0) {
		mem_free(m);
		return ret;
	}
	m->pool = pool;
	m->pidfd = -1;
	m->timer.on_fire = on_timer;
	op_init(&m->install, &member_process(m)->owner, take_installed);
	list_init(&m->idle_link);
	list_append(&pool->members, &m->link);
	pool->n[MEMBER_STARTING]++;
	pool->counted.starts++;
	if (pool->budget)
		pool->budget->members++;
	if (!pool_is_worker(pool))
		lend_hold(member_process(m), pool->ready);
	return 0;
}
