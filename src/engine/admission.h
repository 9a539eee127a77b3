/*
 * How many processes at once, who waits, who is refused.
 *
 * Processes wait in the order they came.  The first is let in when there is a
 * place for a running process, a place with the launchers, and slots for its
 * pipes.
 */
#ifndef ENGINE_ADMISSION_H
#define ENGINE_ADMISSION_H

#include "base/list.h"
#include "launch/launcher.h"
#include "process/process.h"
#include "reactor/reactor.h"

struct admission {
	struct reactor *reactor;
	struct launchers *launchers;
	struct list waiting; /* of process.queue_link */
	unsigned running, queued;
	unsigned running_max, queued_max;
};

void admission_init(struct admission *a, struct reactor *r, struct launchers *l,
		    unsigned running_max, unsigned queued_max);

/* Put @p at the end of the queue, or refuse it. */
void admission_enter(struct admission *a, struct process *p) REACTOR_ONLY;

/* Let in all that may. */
void admission_pump(struct admission *a) REACTOR_ONLY;

/* @p waits no more, for a reason of its own. */
void admission_left(struct admission *a, struct process *p) REACTOR_ONLY;

/* A process that was let in is over. */
void admission_freed(struct admission *a) REACTOR_ONLY;

#endif
