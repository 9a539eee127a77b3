/*
 * A member from its start on: what its process tells, and what that means.
 */
#include "pool/pool_parts.h"

#include <errno.h>
#include <signal.h>
#include "base/clock.h"

/* ---- what its process tells ------------------------------------------------------------------ */

static void on_started(struct member *m) REACTOR_ONLY
{
	struct pool *pool = m->pool;

	m->started_ns = reactor_now_ns(pool->reactor);
	if (m->state != MEMBER_STARTING)
		return;
	if (pool->ready < 0)
		member_idle(m);
	else
		timer_arm(pool->reactor, &m->timer,
			  clock_after(m->started_ns, pool->o.ready_timeout_ns));
}

static void on_failed(struct member *m, const struct usp_failure *failure) REACTOR_ONLY
{
	if (m->state != MEMBER_STARTING)
		return; /* it was to end */
	member_set_cause(m, USP_POOL_NOT_STARTED);
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
		member_idle(m);
		drop(m, output, 1);
	} else if (m->message && output->stream == pool->channel) {
		check_answer(m, output->data, output->size);
	} else if (pool_is_worker(pool)) {
		drop(m, output, 0);
	}
}

static void on_eof(struct member *m, const struct usp_event *event) REACTOR_ONLY
{
	const struct usp_failure early = member_not_ready(m, ECHILD);
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
	const struct usp_failure early = member_not_ready(m, ECHILD);
	bool starting = m->state == MEMBER_STARTING;

	m->exited = true;
	if (m->use && m->use->state == USE_RUNNING) {
		/* Whom a worker started is nobody's any more. */
		if (pool_is_worker(m->pool))
			(void)process_verbs.api.signal(
				m->process, SIGKILL, m->pool->shape->options.kill.target);
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

	member_set_cause(m, cause_of(m, &event->end));
	stats_count_end(pool, m, &event->end);
	timer_cancel(pool->reactor, &m->timer);
	member_leave_use(m);
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

/* ---- timers ------------------------------------------------------------ */

static void on_timer(struct timer *timer) REACTOR_ONLY
{
	struct member *m = container_of(timer, struct member, timer);
	const struct usp_failure late = member_not_ready(m, ETIMEDOUT);

	if (m->state == MEMBER_STARTING) {
		member_end(m, USP_POOL_NOT_READY, AT_ONCE);
		grow_failed(m->pool, &late);
	} else if (m->state == MEMBER_ENDING) {
		process_end(member_process(m), USP_REASON_KILLED);
	} else {
		check_fail(m);
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
