/*
 * A use: from its place in the line to its end.
 */
#include "pool/pool_parts.h"

#include <errno.h>
#include <string.h>
#include "base/clock.h"
#include "sys/fd.h"

static uint64_t now_ns(const struct use *use)
{
	return reactor_now_ns(use->pool->reactor);
}

/* ---- in line -------------------------------------------------------------------------- */

static bool goes_before(const struct use *a, const struct use *b)
{
	if (a->o.priority != b->o.priority)
		return a->o.priority > b->o.priority;
	return a->number < b->number;
}

void use_wait(struct use *use)
{
	struct pool *pool = use->pool;
	struct list *after = pool->waiting.prev;

	while (after != &pool->waiting &&
	       goes_before(use, container_of(after, struct use, link)))
		after = after->prev;
	list_append(after->next, &use->link);
	use->state = USE_WAITING;
	pool->n_waiting++;
	pool_later(pool);
}

/* Out of the line, and away from a member that it was not told of. */
static void leave(struct use *use) REACTOR_ONLY
{
	if (use->state == USE_WAITING) {
		list_remove(&use->link);
		use->pool->n_waiting--;
	}
	if (use->member)
		use->member->use = NULL;
	use->member = NULL;
}

void use_end(struct use *use, enum usp_reason reason)
{
	leave(use);
	use->state = USE_OVER;
	use->reason = reason;
	timer_cancel(use->pool->reactor, &use->deadline);
	list_append(&use->pool->over, &use->link);
	pool_later(use->pool);
}

/* The failure outlives what its path is of. */
static void note_failure(struct use *use, const struct usp_failure *failure)
{
	use->failed = true;
	use->failure = *failure;
	use->path = mem_alloc(strlen(failure->path) + 1);
	if (use->path)
		strcpy(use->path, failure->path);
	use->failure.path = use->path ? use->path : "";
}

void use_fail(struct use *use, const struct usp_failure *failure)
{
	note_failure(use, failure);
	use->pool->counted.refused += failure->stage != USP_STAGE_VALIDATE;
	use_end(use, USP_REASON_FAILED);
}

void use_cancel(struct use *use, enum usp_reason reason)
{
	bool late = reason == USP_REASON_QUEUE_TIMEOUT;
	const struct usp_failure failure = { .stage = USP_STAGE_ADMISSION,
					     .error = late ? ETIMEDOUT : ECANCELED,
					     .path = usp_reason_name(reason) };

	note_failure(use, &failure);
	use->pool->counted.refused += late;
	use_end(use, reason);
}

static void on_deadline(struct timer *timer) REACTOR_ONLY
{
	use_cancel(container_of(timer, struct use, deadline), USP_REASON_QUEUE_TIMEOUT);
}

/* ---- asking for one --------------------------------------------------------------------- */

static unsigned count_streams(const struct pool *pool)
{
	return pool_is_worker(pool) ? 1 : (unsigned)pool->shape->n_fds + 1;
}

static void add_stream(struct use *use, int stream, bool is_read, bool is_written,
		       bool is_terminal)
{
	struct early *early = &use->streams[use->n_streams++];

	*early = (struct early){ .stream = stream,
				 .is_read = is_read,
				 .is_written = is_written,
				 .is_terminal = is_terminal };
	buf_init(&early->data, INPUT_WINDOW_BYTES);
}

static void add_streams(struct use *use)
{
	const struct spec *shape = use->pool->shape;

	if (pool_is_worker(use->pool)) {
		add_stream(use, use->pool->channel, true, true, false);
		return;
	}
	for (size_t i = 0; i < shape->n_fds; i++) {
		const struct spec_fd *fd = &shape->fds[i];

		if (fd->kind == USP_STDIO_PIPE) {
			add_stream(use, fd->target, !fd->is_read, fd->is_read, false);
		} else if (fd->kind == USP_STDIO_DUPLEX) {
			add_stream(use, fd->target, true, true, false);
		} else if (fd->kind == USP_STDIO_PTY) {
			add_stream(use, 0, false, true, true);
			add_stream(use, 1, true, false, true);
		}
	}
}

/* What it does not say of its kill plan is its member's. */
static void complete(struct use *use)
{
	const struct usp_kill *plan = &use->pool->shape->options.kill;
	struct usp_options *o = &use->o;

	if (!o->kill.signal)
		o->kill.signal = plan->signal;
	if (!o->kill.grace_ns)
		o->kill.grace_ns = plan->grace_ns;
	if (o->kill.target == USP_TARGET_GROUP)
		o->kill.target = plan->target;
	if (!o->queue_timeout_ns)
		o->queue_timeout_ns = use->pool->o.acquire_timeout_ns;
}

/* Those that no member that there may be is for, unless others are done. */
static bool is_full(const struct pool *pool)
{
	unsigned taken = pool->n[MEMBER_BUSY] + pool->n[MEMBER_TAKEN];
	unsigned left = pool->max > taken ? pool->max - taken : 0;

	return pool->n_waiting >= left && pool->n_waiting - left >= pool->o.waiting_max;
}

static uint32_t retry_ms(const struct pool *pool)
{
	uint64_t ms = pool->wait_ns / NS_PER_MS;

	if (ms < RETRY_MS_MIN)
		return RETRY_MS_MIN;
	return ms > RETRY_MS_MAX ? RETRY_MS_MAX : (uint32_t)ms;
}

static void enter(struct use *use) REACTOR_ONLY
{
	struct pool *pool = use->pool;
	const char *wrong = pool_wrong_in_use(pool, &use->o);

	if (wrong) {
		use_fail(use, &(struct usp_failure){ .stage = USP_STAGE_VALIDATE,
						     .error = EINVAL,
						     .path = wrong });
	} else if (pool->closing) {
		use_fail(use, &(struct usp_failure){ .stage = USP_STAGE_ADMISSION,
						     .error = ESHUTDOWN,
						     .path = "pool" });
	} else if (is_full(pool)) {
		use_fail(use, &(struct usp_failure){ .stage = USP_STAGE_ADMISSION,
						     .error = EAGAIN,
						     .path = "pool-waiting-max",
						     .retry_ms = retry_ms(pool) });
	} else {
		complete(use);
		if (use->o.queue_timeout_ns)
			timer_arm(pool->reactor, &use->deadline,
				  clock_after(use->asked_ns, use->o.queue_timeout_ns));
		use_wait(use);
		use->cold = grow_will_start(pool);
	}
}

int pool_use(struct usp_pool *handle, const struct usp_options *options,
	     usp_event_fn *on_event, void *user, struct usp_process **ret_process)
{
	struct pool *pool = pool_of(handle);
	struct use *use;

	if (engine_is_closing(pool->engine))
		return -ESHUTDOWN;
	use = mem_zalloc(sizeof(*use) + count_streams(pool) * sizeof(struct early));
	if (!use)
		return -ENOMEM;
	use->handle = (struct usp_process){ .verbs = &use_verbs.api,
					    .on_event = on_event,
					    .user = user };
	use->pool = pool;
	use->state = USE_TAKEN; /* by nobody yet */
	use->o = *options;
	use->number = pool->uses_asked++;
	use->asked_ns = reactor_now_ns(pool->reactor);
	use->deadline.on_fire = on_deadline;
	list_init(&use->link);
	add_streams(use);
	pool->n_uses++;
	engine_hold(pool->engine);
	enter(use);
	reactor_submit(pool->reactor);
	*ret_process = &use->handle;
	return 0;
}

/* ---- its beginning -------------------------------------------------------------------------- */

static void tell_started(struct use *use, int pidfd) REACTOR_ONLY
{
	struct usp_given_fd none;
	const struct usp_event event = {
		.kind = USP_EVENT_STARTED,
		.started = { .pid = use->handle.pid, .pidfd = pidfd, .fds = &none },
	};

	handle_tell(&use->handle, &event);
}

static void give_up(struct use *use) REACTOR_ONLY
{
	const struct usp_failure failure = { .stage = USP_STAGE_ADMISSION,
					     .error = ENOMEM,
					     .path = "" };
	struct member *m = use->member;

	use_fail(use, &failure);
	member_end(m, USP_POOL_DISCARDED, AT_ONCE);
}

void use_begin(struct use *use)
{
	struct member *m = use->member;
	struct pool *pool = use->pool;
	struct process *p = member_process(m);
	int pidfd = m->pidfd;

	use->state = USE_RUNNING;
	use->begun_ns = now_ns(use);
	use->handle.pid = m->process->pid;
	timer_cancel(pool->reactor, &use->deadline);
	member_move(m, MEMBER_BUSY);
	lend_out(p, &use->o, pool->channel);
	if (use->paused)
		lend_pause(p, true, pool->channel);
	if (use_replay(use) < 0) {
		give_up(use);
		return;
	}
	m->pidfd = -1;
	pool->backoff_ns = pool->backoff_until_ns = 0;
	pool->taken_ns = use->begun_ns;
	pool->counted.uses++;
	pool->counted.cold += use->cold;
	stats_count_wait(pool, use->begun_ns - use->asked_ns);
	tell_started(use, pidfd);
}
