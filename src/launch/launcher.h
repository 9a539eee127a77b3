/*
 * The launchers: a few threads that start programs, so that the reactor does not
 * wait while one is started.
 *
 * A plan goes out by launchers_post() and comes back as the completion of its
 * @done.  The launchers keep no reference to it after that.
 */
#ifndef LAUNCH_LAUNCHER_H
#define LAUNCH_LAUNCHER_H

#include <uringspawn/spawn.h>
#include "base/annotate.h"
#include "launch/plan.h"
#include "reactor/reactor.h"

struct launchers;

struct launchers_options {
	unsigned count;	     /* threads; 0: CPUs + 1, at most 8 */
	bool without_clone3; /* use clone() although clone3() is allowed */
	/* Children are nobody's relatives: they get the usual nice value, umask and so
	 * on, not those of this process. */
	bool is_daemon;
	struct cgroups *cgroups; /* for jobs that have one of their own; borrowed */
	enum usp_policy policy;
	enum usp_tables tables;
	uint64_t stuck_ns; /* as in struct usp_engine_options */
};

/*
 * Start the threads.  They block all signals.
 * Returns 0, or -EINVAL: no such policy or tables; -ENOMEM; -EAGAIN: no threads to be
 * had; -EMFILE.
 */
int launchers_open(struct reactor *r, const struct launchers_options *options,
		   struct launchers **ret_launchers);

/* End and join the threads.  No plan may be out.  NULL is fine. */
void launchers_close(struct launchers *l);

/*
 * The same while plans are out that nobody can end: nobody is waited for.  The memory
 * stays, and so must the reactor's and the plans': a thread that is through after all
 * posts its plan, and ends.
 */
void launchers_abandon(struct launchers *l);

/* Children get what this process has, not what is usual; before the first plan. */
void launchers_inherit(struct launchers *l);

/* What plans need to know of this process. */
const struct launch_setup *launchers_setup(const struct launchers *l);

/* May one of them be, or come to be, in a table of descriptors of its own? */
bool launchers_may_leave(const struct launchers *l);

/* Launchers that there are, those that stand in for stuck ones included. */
unsigned launchers_count(const struct launchers *l);

/* Those of them that are stuck. */
unsigned launchers_stuck(struct launchers *l) REACTOR_ONLY;

/* Launches that took longer than stuck_ns while plans waited. */
uint64_t launchers_launches_stuck(const struct launchers *l);

/*
 * Hand over @plan, whose @done is armed by this.
 * Returns 0, or -EAGAIN: no room; it stays the caller's.
 */
int launchers_post(struct launchers *l, struct plan *plan) REACTOR_ONLY;

/* A plan is back. */
void launchers_returned(struct launchers *l) REACTOR_ONLY;

/* Is there room for a plan? */
bool launchers_have_room(struct launchers *l) REACTOR_ONLY;

/* Sleeping launchers that had to be woken. */
uint64_t launchers_wakeups(const struct launchers *l);

#endif
