/*
 * The cgroups of jobs, on the reactor's side: a directory for each, handed on from job to
 * job where that is allowed, and else removed when nobody is in it any more.
 *
 * The directories themselves are made by the launchers (launch/cgroups.h) and removed by
 * the janitor.
 */
#ifndef PROCESS_CGROUP_H
#define PROCESS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include "base/annotate.h"
#include "base/list.h"
#include "launch/cgroups.h"
#include "launch/janitor.h"
#include "reactor/reactor.h"

struct cgroup_pool {
	struct reactor *reactor;
	struct janitor *janitor;
	struct cgroups *cgroups;
	struct owner owner;
	struct list idle, leaving; /* of cgroup.link */
	unsigned n_idle, n_leaving;
	bool closing, drained;

	/* For what crashed processes left. */
	struct errand sweep;
	struct timer sweep_again;
	bool swept;
	unsigned sweeps_left;
	unsigned found; /* the janitor's while the errand is out */
	uint64_t cleared;
};

/* Takes nothing; all three stay until cgroup_pool_close(). */
void cgroup_pool_init(struct cgroup_pool *pool, struct reactor *r, struct janitor *j,
		      struct cgroups *cgroups);

/*
 * Wait for the janitor, and remove all directories, with a kill of who is still in one.
 * No job has one any more.  Blocks.  What was not to be removed is left to the sweep of
 * the next process.
 */
void cgroup_pool_close(struct cgroup_pool *pool) REACTOR_ONLY;

/*
 * Have what crashed processes left killed and removed, once.
 * @now: begin before this returns, where nobody is kept waiting by that; without leftovers
 * that is all, and no janitor is woken.
 */
void cgroup_pool_sweep(struct cgroup_pool *pool, bool now) REACTOR_ONLY;

/* Are so many directories still in use by processes that outlived their jobs, that there
 * is to be no other one? */
bool cgroup_pool_full(const struct cgroup_pool *pool);

/* The cgroup of one job. */
struct cgroup {
	struct cgroup_pool *pool;
	struct cgroup_dir dir; /* the launcher's while its plan is out */
	struct list link;
	struct errand tidy;
	struct timer again;
	uint64_t pause_ns;
	bool recycle; /* it may serve another job, if it is as it was made */
};

/* One without a directory, or NULL when there is no memory. */
struct cgroup *cgroup_new(struct cgroup_pool *pool) REACTOR_ONLY;

/* Its job is launched now: it is given a directory that is there, if there is one. */
void cgroup_launch(struct cgroup *cg) REACTOR_ONLY;

/*
 * The job is over; takes @cg.
 * @state: what was seen of it, or NULL: it is to be looked at.
 * @usage: what jobs have used in it so far; looked at with @state.
 */
void cgroup_give_back(struct cgroup *cg, const struct cgroup_state *state,
		      const struct usp_cgroup_usage *usage) REACTOR_ONLY;

#endif
