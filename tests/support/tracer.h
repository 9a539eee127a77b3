/*
 * Somebody who traces a process: when that one is gone its parent cannot reap it until
 * it is let go.  To its parent it is like one that SIGKILL does not end.
 */
#ifndef SUPPORT_TRACER_H
#define SUPPORT_TRACER_H

#include <stdbool.h>
#include <sys/types.h>

struct tracer {
	pid_t pid;
	int fd; /* closing it ends the tracer */
};

/* Trace @traced.  False: that is not allowed here, and there is no tracer. */
bool tracer_start(struct tracer *tracer, pid_t traced);

/* Let it go. */
void tracer_end(struct tracer *tracer);

#endif
