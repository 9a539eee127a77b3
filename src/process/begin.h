/*
 * The way of a process that was let in to the launchers.
 *
 * Descriptors that were passed for it lie in slots while it waits for its place, and
 * come back before it is launched.  A launch that finds no descriptors is tried again
 * while other processes run, whose ends give some back.
 */
#ifndef PROCESS_BEGIN_H
#define PROCESS_BEGIN_H

#include <stdbool.h>
#include "base/annotate.h"
#include "reactor/reactor.h"

struct process;

struct begin {
	struct op install;
	struct timer again;
	unsigned tries;
	size_t first; /* no descriptor before that one is parked */
};

void begin_init(struct process *p);

/* It has to wait: put what was passed into slots, as far as there are enough. */
void begin_park(struct process *p) REACTOR_ONLY;

/* Its place has come, and its slots are set aside: launch it. */
void begin_launch(struct process *p) REACTOR_ONLY;

/* The plan is back without a process.  True: it will be tried again. */
bool begin_again(struct process *p) REACTOR_ONLY;

/* It runs, and not all of its descriptors have arrived, for @error: end it. */
void begin_lost(struct process *p, int error) REACTOR_ONLY;

/* It is not to be launched any more. */
void begin_stop(struct process *p) REACTOR_ONLY;

/* It is over.  Nothing may be armed. */
void begin_done(struct process *p) REACTOR_ONLY;

#endif
