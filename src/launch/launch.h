/*
 * One launch: from a plan to a program that runs, or to why it does not.
 */
#ifndef LAUNCH_LAUNCH_H
#define LAUNCH_LAUNCH_H

#include <stddef.h>
#include "base/annotate.h"
#include "launch/plan.h"

struct launch_place {
	void *stack; /* of the child */
	size_t stack_bytes;
	int host; /* as plan_open() wants it */
};

/*
 * Start @plan's program.  Blocks until it runs, or is gone.
 * Returns 0, or -errno with what it is about in the plan; -EINTR: a signal ended the
 * child, and it is in the plan.
 */
int launch(struct plan *plan, const struct launch_place *place) LAUNCHER_ONLY;

#endif
