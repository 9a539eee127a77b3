/*
 * The deadlines of a process: until it has a place, until its exec is through, until it
 * is to be over, and how long it may say nothing.
 *
 * All of them are of the monotonic clock, which stands still while the machine sleeps:
 * a suspended laptop ends no job.  What a process does costs no timer: the one of its
 * silence looks, when it fires, whether there was any.
 */
#ifndef PROCESS_DEADLINE_H
#define PROCESS_DEADLINE_H

#include "process/process.h"

void deadline_init(struct process *p);

/* From when it was asked for. */
void deadline_of_queue(struct process *p) REACTOR_ONLY;

/* From when a launcher takes it; it has a place now. */
void deadline_of_launch(struct process *p) REACTOR_ONLY;

/* From when it was taken, and since it last said something; it runs now. */
void deadline_of_run(struct process *p) REACTOR_ONLY;

/* It is being launched, and is to end: it has @grace_ns to get to where it can be
 * asked to. */
void deadline_of_grace(struct process *p, uint64_t grace_ns) REACTOR_ONLY;

/* It is being launched, and is to be killed as soon as it can be. */
void deadline_cut_launch(struct process *p) REACTOR_ONLY;

void deadline_stop(struct process *p) REACTOR_ONLY;

#endif
