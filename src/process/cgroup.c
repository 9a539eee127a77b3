/*
 * The cgroups of jobs: who has which directory, and when it is removed.
 */
#include "process/cgroup.h"

#include <errno.h>
#include <time.h>
#include "base/clock.h"
#include "sys/fd.h"

/* Directories that wait for another job. */
#define IDLE_MAX 64u

/* Directories that somebody who outlived his job is in. */
#define LEAVING_MAX 4096u

/* Between two tries to remove one: each takes longer than the last. */
#define PAUSE_NS     NS_PER_MS
#define PAUSE_NS_MAX NS_PER_S

/* Sweeps that wait for those to be dead that the first one killed. */
#define SWEEPS_MAX     100u
#define SWEEP_PAUSE_NS (20 * NS_PER_MS)

/* At the end of an engine. */
#define REMOVES_MAX 1000

static int run_tidy(struct errand *errand) JANITOR_ONLY;
static void on_tidied(struct errand *errand, int res) REACTOR_ONLY;
static int run_sweep(struct errand *errand) JANITOR_ONLY;
static void on_swept(struct errand *errand, int res) REACTOR_ONLY;
static void on_sweep_again(struct timer *timer) REACTOR_ONLY;
static void on_again(struct timer *timer) REACTOR_ONLY;

/* ---- one directory ------------------------------------------------------- */

struct cgroup *cgroup_new(struct cgroup_pool *pool)
{
	struct cgroup *cg = mem_zalloc(sizeof(*cg));

	if (!cg)
		return NULL;
	cg->pool = pool;
	cg->pause_ns = PAUSE_NS;
	cg->again.on_fire = on_again;
	list_init(&cg->link);
	errand_init(&cg->tidy, &pool->owner, run_tidy, on_tidied);
	cgroup_pool_sweep(pool, false);
	return cg;
}

void cgroup_launch(struct cgroup *cg)
{
	struct list *first = list_take_first(&cg->pool->idle);
	struct cgroup *idle;

	if (!first)
		return;
	cg->pool->n_idle--;
	idle = container_of(first, struct cgroup, link);
	cg->dir = idle->dir;
	mem_free(idle);
}

static void be_idle(struct cgroup *cg)
{
	cg->pool->n_idle++;
	list_append(&cg->pool->idle, &cg->link);
}

/* Nothing that a job left there would be noticed by the next one. */
static bool is_as_made(const struct cgroup_state *state)
{
	return !state->populated && !state->frozen && !state->nested;
}

static bool may_recycle(const struct cgroup *cg)
{
	return cgroups_recycle(cg->pool->cgroups, &cg->dir) &&
	       cg->pool->n_idle < IDLE_MAX && !cg->pool->closing;
}

static void post_tidy(struct cgroup *cg) REACTOR_ONLY
{
	int ret;

	cg->recycle = may_recycle(cg);
	ret = janitor_post(cg->pool->janitor, &cg->tidy);
	if (ret < 0)
		on_tidied(&cg->tidy, ret);
}

/* What is thawed is as it was made. */
static int look(struct cgroup *cg, struct cgroup_state *ret_state) JANITOR_ONLY
{
	int fd = cgroups_open_dir(cg->pool->cgroups, &cg->dir), ret;

	if (fd < 0)
		return fd;
	ret = sys_cgroup_state(fd, ret_state);
	if (ret == 0 && ret_state->frozen && sys_cgroup_thaw(fd) == 0)
		ret_state->frozen = false;
	if (ret == 0)
		sys_cgroup_usage(fd, &cg->dir.before);
	sys_close(fd);
	return ret;
}

/* 1: it may serve another job; 0: it is removed; -errno: it is there. */
static int run_tidy(struct errand *errand)
{
	struct cgroup *cg = container_of(errand, struct cgroup, tidy);
	struct cgroup_state state;

	if (cg->recycle && look(cg, &state) == 0 && is_as_made(&state))
		return 1;
	return cgroups_remove(cg->pool->cgroups, &cg->dir);
}

static void on_tidied(struct errand *errand, int res)
{
	struct cgroup *cg = container_of(errand, struct cgroup, tidy);
	struct cgroup_pool *pool = cg->pool;

	if (res < 0) {
		if (!pool->closing)
			timer_arm(pool->reactor, &cg->again,
				  reactor_now_ns(pool->reactor) + cg->pause_ns);
		cg->pause_ns =
			cg->pause_ns * 2 < PAUSE_NS_MAX ? cg->pause_ns * 2 : PAUSE_NS_MAX;
		return;
	}
	list_remove(&cg->link);
	pool->n_leaving--;
	if (res == 1)
		be_idle(cg);
	else
		mem_free(cg);
}

static void on_again(struct timer *timer)
{
	post_tidy(container_of(timer, struct cgroup, again));
}

void cgroup_give_back(struct cgroup *cg, const struct cgroup_state *state,
		      const struct usp_cgroup_usage *usage)
{
	if (!cg->dir.number) {
		mem_free(cg);
		return;
	}
	cg->pause_ns = PAUSE_NS;
	if (state && is_as_made(state) && may_recycle(cg)) {
		cg->dir.before = *usage;
		be_idle(cg);
		return;
	}
	cg->pool->n_leaving++;
	list_append(&cg->pool->leaving, &cg->link);
	post_tidy(cg);
}

/* ---- all of them --------------------------------------------------------- */

static void on_drained(struct owner *owner) REACTOR_ONLY
{
	container_of(owner, struct cgroup_pool, owner)->drained = true;
}

void cgroup_pool_init(struct cgroup_pool *pool, struct reactor *r, struct janitor *j,
		      struct cgroups *cgroups)
{
	*pool = (struct cgroup_pool){
		.reactor = r,
		.janitor = j,
		.cgroups = cgroups,
		.owner = { .on_drained = on_drained },
		.sweeps_left = SWEEPS_MAX,
		.sweep_again = { .on_fire = on_sweep_again },
	};
	list_init(&pool->idle);
	list_init(&pool->leaving);
	errand_init(&pool->sweep, &pool->owner, run_sweep, on_swept);
}

bool cgroup_pool_full(const struct cgroup_pool *pool)
{
	return pool->n_leaving >= LEAVING_MAX;
}

static void pause_briefly(void)
{
	const struct timespec pause = { .tv_nsec = NS_PER_MS };

	nanosleep(&pause, NULL);
}

/* Who was killed is gone in a moment, unless he hangs in the kernel. */
static void remove_all(struct cgroup_pool *pool, struct list *list,
		       int *tries) REACTOR_ONLY
{
	struct list *link;

	while ((link = list_take_first(list))) {
		struct cgroup *cg = container_of(link, struct cgroup, link);

		timer_cancel(pool->reactor, &cg->again);
		while (cgroups_remove(pool->cgroups, &cg->dir) < 0 && --*tries > 0) {
			(void)cgroups_kill(pool->cgroups, &cg->dir);
			pause_briefly();
		}
		mem_free(cg);
	}
}

void cgroup_pool_close(struct cgroup_pool *pool)
{
	int tries = REMOVES_MAX;

	pool->closing = true;
	timer_cancel(pool->reactor, &pool->sweep_again);
	owner_close(&pool->owner);
	while (!pool->drained && reactor_turn(pool->reactor, true) == 0)
		continue;
	remove_all(pool, &pool->idle, &tries);
	remove_all(pool, &pool->leaving, &tries);
}

/* ---- what others left ---------------------------------------------------- */

static int run_sweep(struct errand *errand)
{
	struct cgroup_pool *pool = container_of(errand, struct cgroup_pool, sweep);

	return (int)cgroups_sweep(&pool->found);
}

static void on_swept(struct errand *errand, int res)
{
	struct cgroup_pool *pool = container_of(errand, struct cgroup_pool, sweep);

	pool->cleared += pool->found;
	pool->found = 0;
	if (res != 0 && !pool->closing && --pool->sweeps_left > 0)
		timer_arm(pool->reactor, &pool->sweep_again,
			  reactor_now_ns(pool->reactor) + SWEEP_PAUSE_NS);
}

static void on_sweep_again(struct timer *timer)
{
	struct cgroup_pool *pool = container_of(timer, struct cgroup_pool, sweep_again);
	int ret = janitor_post(pool->janitor, &pool->sweep);

	if (ret < 0)
		on_swept(&pool->sweep, ret);
}

void cgroup_pool_sweep(struct cgroup_pool *pool, bool now)
{
	if (pool->swept)
		return;
	pool->swept = true;
	if (now)
		on_swept(&pool->sweep, (int)cgroups_sweep(&pool->found));
	else
		on_sweep_again(&pool->sweep_again);
}
