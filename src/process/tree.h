/*
 * All that a process started: signals to it, who is left of it, and what it used.
 *
 * Where the process has a cgroup of its own its tree is who is in that, and nobody gets
 * out of it.  Elsewhere it is whom /proc shows to descend from it or to be in its group
 * or its session: as good as can be, and not sure.
 *
 * Either way it is found by walks that the janitor makes.  A walk sends signals, each to
 * a pidfd, and counts who is left.
 */
#ifndef PROCESS_TREE_H
#define PROCESS_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <uringspawn/spawn.h>
#include "base/annotate.h"
#include "launch/cgroups.h"
#include "launch/janitor.h"
#include "reactor/reactor.h"
#include "sys/proc.h"

/* One walk: the janitor's while its errand is out. */
struct tree_walk {
	/* Asked. */
	struct cgroups *cgroups;
	struct cgroup_dir *dir; /* NULL: there is none, look into /proc */
	int pidfd;		/* of the process, for /proc; the walk's to close */
	pid_t pid;
	uint64_t signals; /* bit n-1: send signal n; none: count only */

	/* Those that were seen: they are its still when their parents are gone. */
	struct proc *known;
	unsigned n_known;

	/* Told.  With a cgroup: all three. */
	unsigned left; /* how many are alive */
	struct cgroup_state state;
	struct usp_cgroup_usage usage;
};

/* Returns 0, or -errno of what may pass. */
int tree_walk(struct tree_walk *walk) JANITOR_ONLY;

struct tree;

struct tree_verbs {
	void (*on_killed)(struct tree *t);  /* SIGKILL was sent to all that were found */
	void (*on_settled)(struct tree *t); /* as tree_settle() was asked to tell */
};

struct tree {
	struct errand errand; /* @walk */
	struct op install;    /* of the pidfd, for a walk */
	struct timer again;
	struct reactor *reactor;
	struct janitor *janitor;
	const struct tree_verbs *verbs;
	int *reserve_fd; /* given up where there is no descriptor to be had otherwise */
	int slot;	 /* of the pidfd; -1: not yet, signals wait */
	uint64_t wanted; /* signals to be sent */
	uint64_t pause_ns;
	bool until_gone;      /* it is to be killed: wait for all */
	uint64_t deadline_ns; /* of that wait, since SIGKILL was sent; 0: it was not */
	bool settling, settled;
	struct tree_walk walk;
};

/* @reserve_fd: as kill_init(). */
void tree_init(struct tree *t, struct reactor *r, struct owner *owner,
	       const struct tree_verbs *verbs, int *reserve_fd);

/* The process is there.  @dir: its cgroup's, or NULL; borrowed until tree_done(). */
void tree_open(struct tree *t, struct janitor *j, struct cgroups *cgroups,
	       struct cgroup_dir *dir, int slot, pid_t pid) REACTOR_ONLY;

/* Send @signal to all of it, soon. */
void tree_signal(struct tree *t, int signal) REACTOR_ONLY;

/* It is being killed: its end is the end of all of it. */
void tree_doom(struct tree *t) REACTOR_ONLY;

/*
 * The process is gone: is all sent, and known what there is to know?  That is what its
 * cgroup used, and of a doomed tree that nobody is left, or that SIGKILL was of no use
 * for some time.  When false, on_settled comes when it is.
 */
bool tree_settle(struct tree *t) REACTOR_ONLY;

/* What has become of a tree that is settled. */
enum usp_tree tree_result(const struct tree *t);

/* Nothing more is to be sent or told. */
void tree_stop(struct tree *t) REACTOR_ONLY;

/* Free what the walks remember.  Nothing may be armed. */
void tree_done(struct tree *t) REACTOR_ONLY;

#endif
