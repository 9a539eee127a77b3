/*
 * The pool of launchers as its own files know it: launcher.c (one thread), pool.c (the
 * reactor's side), policy.c (who gets a plan), watch.c (launchers that are stuck) and
 * own_table.c (descriptors).
 */
#ifndef LAUNCH_POOL_H
#define LAUNCH_POOL_H

#include <pthread.h>
#include "base/alloc.h"
#include "launch/launcher.h"
#include "launch/queue.h"

/* The child calls a handful of small functions. */
#define CHILD_STACK_BYTES (16u << 10)

#define LAUNCHERS_MAX 64u
#define STAND_INS_MAX 32u
#define PLACES	      (LAUNCHERS_MAX + STAND_INS_MAX)

struct launcher {
	struct launchers *all;
	struct mailbox *mailbox;
	struct queue *queue; /* that it takes from: its own, or the one of all */
	struct queue own_queue;
	/* What plans need to know of the table of descriptors that this thread is in. */
	struct launch_setup setup;
	int host;	  /* as plan_open() wants it: not -1 in a table of its own */
	bool stay_shared; /* it is not to have one, or cannot */
	void *child_stack;
	pthread_t thread;
	bool running;	       /* the reactor's: there is a thread, to be joined */
	_Atomic bool retiring; /* it is to end when it has nothing to do */
	_Atomic bool gone;     /* it has ended */
	/* It made children of USP_FLAG_BOUND, which its end would kill. */
	_Atomic bool binds;
	_Atomic uint32_t asleep;   /* futex: 1 while it sleeps or is about to */
	struct plan *_Atomic plan; /* that it has in hand */
};

struct launchers {
	struct reactor *reactor;
	struct launch_setup setup;
	enum usp_policy policy;
	enum usp_tables tables;
	struct queue queue; /* USP_POLICY_SHARED: of all */
	_Atomic bool closing;
	_Atomic uint32_t spinning; /* launchers that look for work in @queue right now */
	uint64_t spin_ns;
	uint64_t wakeups;

	pthread_mutex_t leaving; /* own_table.c: one launcher at a time */

	/* watch.c */
	struct timer watch;
	uint64_t stuck_ns;
	uint64_t launches_stuck;

	unsigned out; /* plans that were posted, and whose return was not told */

	/* policy.c */
	unsigned turn;
	uint32_t random;

	unsigned count;		 /* launchers as they were asked for: without stand-ins */
	unsigned alive;		 /* threads, without those that are to end */
	_Atomic unsigned places; /* that were ever used */
	struct launcher launcher[PLACES];
};

/* ---- pool.c -------------------------------------------------------------- */

/* Make one launcher more.  Returns 0, -EAGAIN: no thread or no place; -ENOMEM. */
int pool_add(struct launchers *l);

/* Join a thread that has ended or is about to, and free what it had. */
void pool_join(struct launcher *launcher);

/* Put @plan, which is out, into a queue, and wake who is to take it.  There is room. */
void pool_put(struct launchers *l, struct plan *plan) REACTOR_ONLY;

/* ---- launcher.c ---------------------------------------------------------- */

void *launcher_main(void *launcher);

/* A sleeping launcher, said to be awake now: the caller wakes it.  NULL: none sleeps. */
struct launcher *launcher_asleep(struct launchers *l);

/* ---- policy.c ------------------------------------------------------------ */

/* May it be given plans? */
bool policy_takes(const struct launcher *launcher) REACTOR_ONLY;

/* Whose queue the next plan goes to; NULL: to the one of all. */
struct launcher *policy_pick(struct launchers *l) REACTOR_ONLY;
bool policy_has_room(struct launchers *l) REACTOR_ONLY;

/* How many plans wait. */
unsigned policy_waiting(struct launchers *l) REACTOR_ONLY;

/* ---- watch.c ------------------------------------------------------------- */

void watch_init(struct launchers *l, uint64_t stuck_ns);

/* A plan may have to wait. */
void watch_start(struct launchers *l) REACTOR_ONLY;

/* ---- own_table.c --------------------------------------------------------- */

/* Leave the reactor's table of descriptors for good, if that can be done here. */
void own_table_enter(struct launcher *launcher) LAUNCHER_ONLY;

/* Before the thread ends. */
void own_table_leave(struct launcher *launcher) LAUNCHER_ONLY;

/* @plan has started in a table of its own: its pidfd and our ends of its channels, to go
 * to their slots. */
void own_table_take(struct plan *plan, struct mailbox_files *ret_files) LAUNCHER_ONLY;

/* Does @plan, as it was launched, show that the shared table has become large? */
bool own_table_pays(const struct plan *plan) LAUNCHER_ONLY;

#endif
