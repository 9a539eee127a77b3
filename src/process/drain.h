/*
 * From the exit of a process to the last byte of its output: how long is waited for
 * those who still hold its pipes, and what is done about them.
 *
 *   WAITING ──▶ LOOKING ──▶ ASKING ──▶ KNOWN
 *    the limit   the pipes   /proc      done: they are killed, or what is in the
 *    fires       get names   is asked   pipes is read and then no more
 *
 * There are two limits: drain_ns, from the exit; and a short one after SIGKILL, for a
 * process that is made to end and for holders that were killed.  A process that SIGKILL
 * does not end (it hangs in the kernel, or is traced) is given up a while after that.
 */
#ifndef PROCESS_DRAIN_H
#define PROCESS_DRAIN_H

#include <stdbool.h>
#include "base/annotate.h"
#include "process/holders.h"
#include "reactor/reactor.h"

struct process;

enum drain_state { DRAIN_WAITING = 0, DRAIN_LOOKING, DRAIN_ASKING, DRAIN_KNOWN };

struct drain {
	struct timer limit;
	enum drain_state state;
	uint64_t killed_ns;	 /* when SIGKILL was sent; 0: it was not */
	bool killing;		 /* the holders, by USP_DRAIN_KILL */
	struct holders *holders; /* NULL: nobody was asked for them */
};

void drain_init(struct process *p);

/* It has exited, and its output has not ended. */
void drain_start(struct process *p) REACTOR_ONLY;

/* SIGKILL was sent to it and its group: nothing more can be done to them. */
void drain_after_kill(struct process *p) REACTOR_ONLY;

/* A channel has ended, or was looked at. */
void drain_step(struct process *p) REACTOR_ONLY;

void drain_stop(struct process *p) REACTOR_ONLY;

/* Free the memory.  Nothing may be out. */
void drain_done(struct process *p);

#endif
