/*
 * A plan: a spec, the descriptors it needs, and what became of it.
 *
 * It is owned by one side at a time: the reactor until launchers_post(), the
 * launcher until it is handed back through @done.  While it is out, the reactor
 * touches only what is marked *shared*.  The child, which lives in the launcher's
 * memory while the launcher waits, writes stage, error, signal and path.
 */
#ifndef LAUNCH_PLAN_H
#define LAUNCH_PLAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include "launch/cgroups.h"
#include "launch/spec.h"
#include "reactor/op.h"

/* What is the same for every child of an engine. */
struct launch_setup {
	struct cgroups *cgroups; /* NULL: there are none */
	int null_fd;		 /* /dev/null, open for reading and writing */
	pid_t self;		 /* this process */
	bool use_clone3;	 /* else clone(), and the child resets its handlers */
	/* Bit n-1: signal n may be ignored here, and the child resets it. */
	uint64_t reset_signals;
	bool reset_nofile;
	struct rlimit nofile; /* what the child gets when reset_nofile is set */
	/* What the child does not keep of this process, unless it is asked for; the
	 * usual is what it gets. */
	bool reset_nice, reset_oom_score_adj, reset_timer_slack, reset_umask;
};

/* What becomes of one of the spec's descriptors. */
struct plan_end {
	int ours;   /* our end, or -1: the reactor's to place */
	int theirs; /* what the child gets, or -1: it needs none of ours */
	/* What is passed, in the reactor's table, or -1.  A launcher takes it; one with a
	 * table of its own takes copies, and leaves these for the reactor to close. */
	int passed;
	/* Of a channel: where its end is to go, and such a launcher puts it there.  Of
	 * what is passed: where it lies while the process waits.  Else -1. */
	int slot;
};

/* What says *shared* may be touched by both sides while the plan is out. */
struct plan {
	struct op done;	   /* completed by the launcher: 0, or -errno of the failure */
	struct spec *spec; /* the process's */
	const struct launch_setup *setup;
	struct plan_end *ends; /* borrowed; by the spec's order of descriptors */
	int pidfd_slot;
	int given_pidfd; /* of USP_FLAG_PIDFD, else -1 */
	bool wide;	 /* its output does not wait for its reader as soon */
	bool prepared;	 /* plan_prepare() has made what is given away */
	pid_t pid;
	int pidfd; /* of a child that runs: the reactor's to place; or -1, as @ours */
	struct cgroup_dir *cgroup; /* for it alone: the launcher makes it; NULL: none */
	bool cgroups_full;	   /* there are so many that it cannot have one */
	int cgroup_fd;		   /* of what it starts in, while it launches; -1: none */

	/* Shared: it is with the launchers.  All else is read after it is false. */
	_Atomic bool out;
	/* Shared: the pid of a child that is not reaped, told by itself; 0: none. */
	_Atomic pid_t child;
	/* Shared: do not start it, or it was killed while it started. */
	_Atomic bool cancelled;
	/* Shared: when a launcher took it; 0: not yet. */
	_Atomic uint64_t taken_ns;
	uint64_t execed_ns;
	bool stuck; /* the reactor's own: it was counted as a launch that takes too long */

	/* The outcome.  The stage is enum usp_stage: the one that the child is in; EXEC
	 * without an error or a signal: it runs. */
	_Atomic int stage;
	int error;  /* errno, positive */
	int signal; /* that ended the child before its exec */
	/* What the stage is about: in the spec, in its program, or static. */
	const char *path;
};

/* Takes the descriptors of @spec's stdio into the plan.  @spec may be NULL for one that
 * will not be launched.  @ends: a place for each of @spec's. */
void plan_init(struct plan *plan, struct spec *spec, struct plan_end *ends,
	       const struct launch_setup *setup);

/*
 * Make in the reactor's table what is given away from there: for plans that a launcher
 * in a table of its own may get.  Thread: the reactor's.  Returns 0, -EMFILE, -ENFILE;
 * then it may be called again.
 */
int plan_prepare(struct plan *plan);

/*
 * Take what is passed; make the pipes, socket pairs and the terminal.  Thread: a
 * launcher's.  @host: -1, or a pidfd of this process, in a table that is not the
 * reactor's.
 * Returns 0 or -EMFILE, -ENFILE; -ENOSPC: too many terminals; with what was made in
 * the plan.
 */
int plan_open(struct plan *plan, int host);

/* The launch failed: close what was made, give back what was passed.  As plan_open(). */
void plan_undo(struct plan *plan, int host);

/*
 * Open the cgroup that it starts in, if there is to be one.  Thread: a launcher's.
 * Returns 0 or -errno, with the path of the failure in the plan.
 */
int plan_open_cgroup(struct plan *plan);

/* Does @error, of the clone, mean that its cgroup does not take it? */
bool plan_cgroup_refused(const struct plan *plan, int error);

/* Close what was meant for the child alone. */
void plan_close_theirs(struct plan *plan);

/* The child is there: what was asked for of its pidfd.  Does not fail.  Thread: that of
 * the reactor's table. */
void plan_give_pidfd(struct plan *plan);

/* The plan is back: close what was passed, as far as it was not taken.  Thread: the
 * reactor's. */
void plan_close_passed(struct plan *plan);

/* Close all that the plan still has: both ends and the pidfds.  Thread: the reactor's. */
void plan_close(struct plan *plan);

/*
 * SIGKILL the child of a plan that is out.  Thread: the reactor's.
 * Returns 0; -ESRCH: there is none, or not yet; -EMFILE, -ENFILE.
 */
int plan_kill(struct plan *plan);

/* Forget the outcome, before it is posted again.  Thread: the reactor's. */
void plan_reset(struct plan *plan);

/* It was not launched, for want of descriptors: @error, negative. */
void plan_fail(struct plan *plan, int error);

/* The limit that -EMFILE or -ENFILE speaks of, for one who would raise it; else "". */
const char *plan_limit_name(int error);

/* Did the child execute its program? */
bool plan_started(const struct plan *plan);

#endif
