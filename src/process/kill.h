/*
 * Signals to one process, its group or its tree, and the kill plan: a signal, time to
 * obey it, SIGKILL.
 *
 * The kernel is asked through the pidfd alone, which names the process, and its
 * group, also after it is gone: a pid may by then be somebody else's.  The pidfd
 * lives in a slot; an ordinary descriptor of it exists for the moment of sending.
 * What is for the tree is handed on to process/tree.h.
 */
#ifndef PROCESS_KILL_H
#define PROCESS_KILL_H

#include <stdbool.h>
#include <stdint.h>
#include <uringspawn/spawn.h>
#include "base/annotate.h"
#include "process/tree.h"
#include "reactor/reactor.h"

struct kill;

struct kill_verbs {
	void (*on_last)(struct kill *k); /* SIGKILL was sent: nothing more can be done */
	void (*on_settled)(struct kill *k); /* as kill_settle() was asked to tell */
};

struct kill {
	struct op install;
	struct timer grace, retry;
	struct reactor *reactor;
	const struct kill_verbs *verbs;
	struct tree *tree;
	int *reserve_fd; /* given up where there is no descriptor to be had otherwise */
	int slot;	 /* of the pidfd; -1: not yet, signals wait */
	pid_t pid;
	bool reaped;		       /* the pid may be another's */
	uint64_t to_group, to_process; /* bit n-1: signal n is to be sent */
	bool planned;		       /* the plan is being carried out */
	bool settling, settled;
	struct usp_kill plan;
};

/* @reserve_fd: an open descriptor, or -1, shared by all of an engine.  @tree: for what
 * is sent to all of it. */
void kill_init(struct kill *k, struct tree *tree, struct owner *owner,
	       const struct kill_verbs *verbs, int *reserve_fd);

/* The process is there: send what waits. */
void kill_open(struct kill *k, int slot, pid_t pid) REACTOR_ONLY;

/* Send @signal, 0 < signal < NSIG, soon. */
void kill_send(struct kill *k, int signal, enum usp_target target) REACTOR_ONLY;

/* Carry out @plan, once; another one after it can only shorten the grace. */
void kill_start(struct kill *k, const struct usp_kill *plan) REACTOR_ONLY;

/*
 * The process is gone: has all been sent, and is the plan through with its group?
 * When false, on_settled comes as soon as signals that wait have been sent, and
 * nobody is left there or SIGKILL was sent to those that are.
 */
bool kill_settle(struct kill *k) REACTOR_ONLY;

/* Nothing more is to be sent. */
void kill_stop(struct kill *k) REACTOR_ONLY;

#endif
