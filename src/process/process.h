/*
 * One program that was asked for: from its place in the queue to its end.
 *
 *   QUEUED ──▶ LAUNCHING ──▶ RUNNING ──▶ DRAINING ──▶ ENDED
 *      │            │           └── given up ──────────▶│
 *      └────────────┴── failed ────────────────────────▶┘
 *
 * DRAINING: the process has exited and its pipes have not ended.  Callbacks
 * record facts (exited, eof, failure); process.c's step() alone moves the state.
 * In ENDED nothing is armed any more but what is being cancelled; when that is
 * over the end is told and the memory freed.
 *
 * Given up: SIGKILL was sent and the process is still there, because it hangs in the
 * kernel, say.  The end is told at once, without an exit; what is left here waits for
 * its exit, and reaps it.
 */
#ifndef PROCESS_PROCESS_H
#define PROCESS_PROCESS_H

#include <signal.h>
#include "api/handle.h"
#include "launch/launcher.h"
#include "launch/plan.h"
#include "process/begin.h"
#include "process/cgroup.h"
#include "process/channel.h"
#include "process/drain.h"
#include "process/kill.h"

enum process_state {
	PROCESS_QUEUED = 0,
	PROCESS_LAUNCHING,
	PROCESS_RUNNING,
	PROCESS_DRAINING,
	PROCESS_ENDED,
	PROCESS_STATES,
};

struct admission_owner;
struct process;

/* What a process needs of the one that runs many. */
struct process_host {
	struct reactor *reactor;
	struct launchers *launchers;
	struct janitor *janitor;
	struct cgroup_pool cgroups;
	/* It waits no more: it is launching, or over.  (It leaves @queue_link.) */
	void (*on_left_queue)(struct process_host *host, struct process *p);
	/* A launcher is done with it: there is room for another one. */
	void (*on_launched)(struct process_host *host);
	/* It has come to its end, of which its owner is told next. */
	void (*on_end)(struct process_host *host, const struct process *p,
		       const struct usp_end *end);
	/* Its place is free; the memory goes when this returns, or later when it was given
	 * up. */
	void (*on_ended)(struct process_host *host, struct process *p);
	/* Is there any other that was let in? */
	bool (*has_others)(struct process_host *host);
	struct list given_up; /* of process.link: they have ended, and are to be reaped */
	int reserve_fd; /* so that a signal can be sent when all descriptors are in use */
	unsigned wide_pipes;	 /* processes that have one */
	uint64_t launches_stuck; /* that took longer than their limit */
};

struct process {
	struct usp_process handle; /* first */
	struct process_host *host;
	struct owner owner;
	enum process_state state;
	struct spec *spec; /* NULL when it did not pass */
	struct plan plan;
	struct begin begin;

	struct op exit_wait;
	siginfo_t exit_info;
	struct rusage usage;
	int pidfd_slot;
	struct channels channels;
	struct kill kill;
	struct tree tree;
	struct cgroup *cgroup;	     /* one of its own, if it is to have one, else NULL */
	struct timer deadline, idle; /* deadline.c's */
	struct drain drain;
	struct deferred later; /* step() outside of the calls of the API */

	/* Facts. */
	bool launched; /* the plan is back */
	bool started, exited, status_lost;
	bool usage_known;
	bool given_up; /* SIGKILL did not end it */
	bool cut;      /* SIGKILL it as soon as it is there */
	bool gone;     /* its client is, whatever the reason */
	bool failed;
	struct usp_failure failure;
	enum usp_reason reason; /* why it is being made to end, else 0 */
	uint64_t queued_ns, taken_ns, execed_ns, exited_ns;
	uint64_t lent_ns; /* its limits of time count from then on; 0: from its start */
	void (*on_cleared)(struct process *p); /* lend.c's */

	struct list link;		   /* all of an engine's */
	struct list queue_link;		   /* those of @admission that wait for a place */
	struct admission_owner *admission; /* in whose turn it is let in */

	struct channel channel[]; /* @channels'; behind them the ends of @plan */
};

/*
 * Make one, in QUEUED.  Takes @spec.
 * @error, @field: what is wrong with the request when @spec is NULL; it fails by
 * itself then.  Returns NULL when there is no memory (then @spec stays).
 */
struct process *process_new(struct process_host *host, struct spec *spec) REACTOR_ONLY;

/* It will not be started: tell why, soon. */
void process_refuse(struct process *p, enum usp_stage stage, int error,
		    const char *path) REACTOR_ONLY;

/* How many slots it needs: its channels' and its pidfd's. */
unsigned process_slots(const struct process *p);

/* Its place has come: set the slots aside, and launch it. */
void process_launch(struct process *p) REACTOR_ONLY;

/* It was let in, and will not be launched for the reason that is in its plan. */
void process_not_launched(struct process *p) REACTOR_ONLY;

/* Make it end, for @reason, unless a reason was given before: the first cause wins. */
void process_end(struct process *p, enum usp_reason reason) REACTOR_ONLY;

/* The same by SIGKILL alone, and its output is not waited for. */
void process_cut(struct process *p, enum usp_reason reason) REACTOR_ONLY;

/*
 * Its engine ends, and it does not, SIGKILL or not: tell its end.  Nothing happens to it
 * after that, and its memory stays.
 */
void process_forget(struct process *p) REACTOR_ONLY;

void process_pause(struct process *p, bool pause) REACTOR_ONLY;

/* Nobody wants its output any more: read it without limit, so that it can end. */
void process_discard(struct process *p) REACTOR_ONLY;

/* Nobody is there for it any more: close its streams, and let it run. */
void process_release(struct process *p) REACTOR_ONLY;

/* Wait no more for those that were given up: they are left to whoever reaps the
 * children of this program. */
void process_abandon_given_up(struct process_host *host) REACTOR_ONLY;

/* ---- among the files of this folder --------------------------------------- */

/* The kill plan, for what is left of it. */
void process_start_kill(struct process *p) REACTOR_ONLY;

/* SIGKILL does not end it: its owner is not to wait for it any longer. */
void process_give_up(struct process *p) REACTOR_ONLY;

/* ---- for the engine ------------------------------------------------------- */

/* The buffer of the output event being told; NULL outside of it. */
struct buffer *process_output_buffer(const struct usp_event *event);

static inline struct process *process_of(struct usp_process *handle)
{
	return (struct process *)handle;
}

#endif
