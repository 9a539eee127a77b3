/*
 * The launchers: a few threads that start programs, so that the reactor does not
 * wait while one is started.
 *
 * A plan goes out by launchers_post() and comes back as the completion of its
 * @done.  The launchers keep no reference to it after that.
 */
#ifndef LAUNCH_LAUNCHER_H
#define LAUNCH_LAUNCHER_H

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
};

/*
 * Start the threads.  They block all signals.
 * Returns 0, or -ENOMEM, -EAGAIN: no threads to be had, -EMFILE.
 */
int launchers_open(struct reactor *r, const struct launchers_options *options,
		   struct launchers **ret_launchers);

/* End and join the threads.  No plan may be out.  NULL is fine. */
void launchers_close(struct launchers *l);

/* What plans need to know of this process. */
const struct launch_setup *launchers_setup(const struct launchers *l);

unsigned launchers_count(const struct launchers *l);

/*
 * Hand over @plan, whose @done is armed by this.
 * Returns 0, or -EAGAIN: no room; it stays the caller's.
 */
int launchers_post(struct launchers *l, struct plan *plan) REACTOR_ONLY;

/* Is there room for a plan? */
bool launchers_have_room(const struct launchers *l) REACTOR_ONLY;

/* Sleeping launchers that had to be woken. */
uint64_t launchers_wakeups(const struct launchers *l);

#endif
