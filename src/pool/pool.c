/*
 * A pool from its opening to its end, and the one function that draws consequences.
 */
#include "pool/pool_parts.h"

#include <errno.h>
#include "base/clock.h"

static void on_later(struct deferred *later) REACTOR_ONLY;
static void on_drain(struct timer *timer) REACTOR_ONLY;
static void on_closing(struct engine_part *part) REACTOR_ONLY;
static void on_gone(struct engine_part *part) REACTOR_ONLY;

void pool_later(struct pool *pool)
{
	reactor_defer(pool->reactor, &pool->later);
}

/* ---- budgets --------------------------------------------------------------------- */

void pool_budget_init(struct pool_budget *budget, unsigned members_max)
{
	*budget = (struct pool_budget){ .members_max = members_max };
	list_init(&budget->starved);
}

void pool_budget_set(struct pool_budget *budget, unsigned members_max)
{
	budget->members_max = members_max;
	list_each(link, next, &budget->starved)
		pool_later(container_of(link, struct pool, starved));
}

/* ---- start and end ------------------------------------------------------------------ */

/* Nothing of it is called any more. */
static void free_pool(struct pool *pool) REACTOR_ONLY
{
	engine_remove_part(&pool->part);
	reactor_undefer(&pool->later);
	timer_cancel(pool->reactor, &pool->surplus);
	timer_cancel(pool->reactor, &pool->tick);
	timer_cancel(pool->reactor, &pool->retry);
	timer_cancel(pool->reactor, &pool->drain);
	list_remove(&pool->starved);
	template_free(pool->program);
	spec_free(pool->shape);
	message_done(&pool->reset);
	message_done(&pool->ping);
	mem_free(pool->name);
	mem_free(pool);
}

static void finish(struct pool *pool) REACTOR_ONLY
{
	/* Its numbers may still be read there. */
	if (pool->on_closed)
		pool->on_closed(pool->closed_user);
	free_pool(pool);
}

static int use_pool(struct usp_pool *handle, const struct usp_options *options,
		    struct usp_process **ret_process) REACTOR_ONLY
{
	return pool_use(handle, options, options->on_event, options->user, ret_process);
}

static int resize(struct usp_pool *handle, unsigned min, unsigned max, unsigned spare)
{
	struct pool *pool = pool_of(handle);

	enter_reactor();
	pool_set_size(pool, min, max, spare);
	pool_later(pool);
	reactor_submit(pool->reactor);
	return 0;
}

static void close_pool(struct usp_pool *handle, uint64_t drain_ns,
		       void (*on_closed)(void *user), void *user) REACTOR_ONLY;

static const struct pool_verbs pool_verbs = {
	.use = use_pool,
	.resize = resize,
	.close = close_pool,
	.stats = stats_read,
};

static struct pool *make(struct usp_engine *engine,
			 struct pool_budget *budget) REACTOR_ONLY
{
	struct pool *pool = mem_zalloc(sizeof(*pool));

	if (!pool)
		return NULL;
	pool->handle = (struct usp_pool){ .verbs = &pool_verbs, .home = engine };
	pool->part = (struct engine_part){ .on_closing = on_closing, .on_gone = on_gone };
	pool->engine = engine;
	pool->reactor = engine_reactor(engine);
	pool->budget = budget;
	admission_owner_init(&pool->turns);
	list_init(&pool->starved);
	list_init(&pool->members);
	list_init(&pool->idle);
	list_init(&pool->waiting);
	list_init(&pool->over);
	deferred_init(&pool->later, on_later);
	pool->surplus.on_fire = grow_on_surplus;
	pool->tick.on_fire = check_on_tick;
	pool->retry.on_fire = grow_on_retry;
	pool->drain.on_fire = on_drain;
	engine_add_part(engine, &pool->part);
	return pool;
}

int pool_new(struct usp_engine *engine, const struct pool_setup *setup,
	     struct usp_pool **ret_pool, const char **ret_field)
{
	struct pool *pool;
	const char *field = "";
	int ret;

	if (engine_is_closing(engine))
		return -ESHUTDOWN;
	pool = make(engine, setup->budget);
	if (!pool)
		return -ENOMEM;
	ret = pool_configure(pool, setup, &field);
	if (ret < 0) {
		free_pool(pool);
		if (ret_field)
			*ret_field = ret == -ENOMEM ? "" : field;
		return ret;
	}
	pool_later(pool);
	reactor_submit(pool->reactor);
	*ret_pool = &pool->handle;
	return 0;
}

/* ---- what follows from what has happened --------------------------------------------- */

static void serve(struct pool *pool) REACTOR_ONLY
{
	struct list *first;

	while (!pool->closing && (first = list_first(&pool->waiting))) {
		struct member *m = take_next(pool);

		if (!m)
			return;
		take(m, container_of(first, struct use, link));
	}
}

static void on_later(struct deferred *later)
{
	struct pool *pool = container_of(later, struct pool, later);

	use_tell_over(pool);
	serve(pool);
	grow(pool);
	check_watch(pool);
	if (pool->closing && list_empty(&pool->members) && pool->n_uses == 0)
		finish(pool);
}

/* ---- closing ---------------------------------------------------------------------------- */

static void refuse_all(struct pool *pool) REACTOR_ONLY
{
	const struct usp_failure failure = { .stage = USP_STAGE_ADMISSION,
					     .error = ESHUTDOWN,
					     .path = "pool" };

	list_each(link, next, &pool->waiting)
		use_fail(container_of(link, struct use, link), &failure);
	list_each(link, next, &pool->members) {
		struct member *m = container_of(link, struct member, link);

		if (m->state == MEMBER_TAKEN && m->use)
			use_fail(m->use, &failure);
	}
}

static bool is_used(const struct member *m)
{
	return m->state == MEMBER_BUSY;
}

static void end_unused(struct pool *pool) REACTOR_ONLY
{
	list_each(link, next, &pool->members) {
		struct member *m = container_of(link, struct member, link);

		if (!is_used(m))
			member_end(m, USP_POOL_CLOSED, GENTLY);
	}
}

static void on_drain(struct timer *timer)
{
	struct pool *pool = container_of(timer, struct pool, drain);

	list_each(link, next, &pool->members)
		member_end(container_of(link, struct member, link), USP_POOL_CLOSED,
			   GENTLY);
	pool_later(pool);
}

static void begin_closing(struct pool *pool) REACTOR_ONLY
{
	if (pool->closing)
		return;
	pool->closing = true;
	list_remove(&pool->starved);
	refuse_all(pool);
	end_unused(pool);
}

/* A drain that is under way may be cut short. */
static void close_pool(struct usp_pool *handle, uint64_t drain_ns,
		       void (*on_closed)(void *user), void *user)
{
	struct pool *pool = pool_of(handle);
	uint64_t due_ns = clock_after(reactor_now_ns(pool->reactor), drain_ns);

	enter_reactor();
	if (on_closed) {
		pool->on_closed = on_closed;
		pool->closed_user = user;
	}
	begin_closing(pool);
	if (!pool->drain.node.linked || due_ns < pool->drain.node.key)
		timer_arm(pool->reactor, &pool->drain, due_ns);
	pool_later(pool);
	reactor_submit(pool->reactor);
}

void pool_cut(struct usp_pool *handle)
{
	struct pool *pool = pool_of(handle);

	list_each(link, next, &pool->members) {
		struct member *m = container_of(link, struct member, link);

		if (is_used(m))
			engine_cut(&m->use->handle);
		member_end(m, USP_POOL_CLOSED, AT_ONCE);
	}
	reactor_submit(pool->reactor);
}

/* The engine's cut is as hard as can be: members are left to it. */
static void on_closing(struct engine_part *part)
{
	struct pool *pool = container_of(part, struct pool, part);

	begin_closing(pool);
	pool_cut(&pool->handle);
	pool_later(pool);
}

/* A member that cannot be killed has its pool's memory for ever. */
static void on_gone(struct engine_part *part)
{
	struct pool *pool = container_of(part, struct pool, part);

	if (list_empty(&pool->members)) {
		finish(pool);
		return;
	}
	reactor_undefer(&pool->later);
	if (pool->on_closed)
		pool->on_closed(pool->closed_user);
}
