/*
 * How many processes at once, whose turn it is, who is refused.
 *
 * Each owner's processes wait in the order they came.  Owners with something that
 * may run stand in a round: the first one has a turn of a few launches, and goes to
 * the end of the round.  So what an owner has queued delays nobody but itself.  A
 * process is let in when there is a place for a running one, a place with the
 * launchers, and slots for its pipes; when the first in line needs more slots than
 * are free, nobody passes it.  Every step takes the same time, however many wait.
 */
#ifndef ENGINE_ADMISSION_H
#define ENGINE_ADMISSION_H

#include "base/list.h"
#include "engine/owner.h"
#include "launch/launcher.h"
#include "process/process.h"
#include "reactor/reactor.h"

/* What a job may be refused for.  The last three are judged by a daemon. */
enum admission_limit {
	LIMIT_QUEUED = 0,   /* waiting, in all */
	LIMIT_OWNER_QUEUED, /* waiting, of its owner */
	LIMIT_DESCRIPTORS, /* those that were passed and wait with it, or that it needs */
	LIMIT_OWNER_JOBS,  /* running or waiting, of its owner */
	LIMIT_BYTES,	   /* held, in all */
	LIMIT_OWNER_BYTES, /* held, of its owner */
	LIMITS,
};

struct admission_limits {
	unsigned running_max, queued_max; /* in all */
	unsigned owner_running_max, owner_queued_max;
	unsigned turn_launches;	  /* of one owner before the next one's turn */
	unsigned descriptors_max; /* passed ones that wait with their processes */
	unsigned slots_max;	  /* of one process: more may never be free */
	const char *const *names; /* of enum admission_limit, where they were set */
};

struct admission {
	struct reactor *reactor;
	struct launchers *launchers;
	struct admission_limits limits;
	struct list round; /* of admission_owner.link: something waits, and may run */
	struct list held;  /* of the same: something waits, and enough runs */
	unsigned running, queued;
	unsigned in_round;
	unsigned descriptors; /* passed, and waiting */
	uint64_t progress_ns; /* when a place became free last, or the first was taken */
	uint64_t interval_ns; /* between two places that become free, of late */
	uint64_t refused[LIMITS];
};

void admission_init(struct admission *a, struct reactor *r, struct launchers *l,
		    const struct admission_limits *limits);

/* New limits: what runs and waits stays, what comes is judged by them. */
void admission_set_limits(struct admission *a,
			  const struct admission_limits *limits) REACTOR_ONLY;

/* Put @p at the end of its owner's queue, or refuse it. */
void admission_enter(struct admission *a, struct process *p) REACTOR_ONLY;

/* Let in all that may. */
void admission_pump(struct admission *a) REACTOR_ONLY;

/* @p waits no more, for a reason of its own. */
void admission_left(struct admission *a, struct process *p) REACTOR_ONLY;

/* @p, which was let in, is over. */
void admission_freed(struct admission *a, struct process *p) REACTOR_ONLY;

/*
 * The failure of a job that @limit stands against; it is counted.
 *
 * When to try again: places become free at an interval that is averaged over the
 * last few (each new one weighs 1/8), or that has lasted longer than that already,
 * and each owner in the round gets its share of them.  So retry_ms is that interval
 * times the owners in the round, within RETRY_MS_MIN and RETRY_MS_MAX.
 */
struct usp_failure admission_refusal(struct admission *a, enum admission_limit limit);

#define RETRY_MS_MIN 1u
#define RETRY_MS_MAX 10000u

#endif
