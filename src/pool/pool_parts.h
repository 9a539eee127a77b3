/*
 * What a pool is made of, for the files of this folder.
 *
 * A member, which member.c moves from state to state:
 *
 *                    ┌───────────── PINGING ◀──────┐
 *                    ▼                             │
 *   STARTING ─────▶ IDLE ─────▶ TAKEN ─────▶ BUSY  │
 *                    ▲ └───────── │ ──────── │ ────┘
 *                    ├────────────┘          ▼
 *                    └────────────────── RESETTING       each ─────▶ ENDING
 *
 * TAKEN: it is some use's, which has not heard of it yet, since a ping is to be answered
 * or what is left in the channel to be read.  A use that is given up there leaves it.
 *
 * Whatever happens, facts are recorded and pool_later() is asked for; what follows from
 * them (who is served, who is started, who is let go) is decided there alone.
 */
#ifndef POOL_POOL_PARTS_H
#define POOL_POOL_PARTS_H

#include "api/handle.h"
#include "api/pool.h"
#include "engine/owner.h"
#include "engine/template.h"
#include "pool/message.h"
#include "pool/pool.h"
#include "process/lend.h"
#include "process/verbs.h"

enum member_state {
	MEMBER_STARTING = 0,
	MEMBER_IDLE,
	MEMBER_TAKEN,
	MEMBER_BUSY,
	MEMBER_RESETTING,
	MEMBER_PINGING,
	MEMBER_ENDING,
	MEMBER_STATES,
};

struct pool {
	struct usp_pool handle; /* first */
	struct engine_part part;
	struct usp_engine *engine;
	struct reactor *reactor;
	struct admission_owner turns; /* of its members */
	struct template *program;     /* what a member is */
	struct spec *shape; /* the same, checked: its descriptors, name and kill plan */
	struct usp_pool_options o; /* complete; the texts are the pool's */
	char *name;
	unsigned max; /* o.max, or the largest number there is */
	int channel;  /* of a worker, else LEND_ALL */
	int ready;    /* o.ready_stream, or -1 */
	struct message reset, ping;
	struct pool_budget *budget;
	struct list starved; /* in the budget's, or in none */

	struct list members; /* of member.link */
	struct list idle;    /* of member.idle_link, by when they became idle */
	unsigned n[MEMBER_STATES];
	struct list waiting; /* of use.link: by priority, then as they came */
	struct list over;    /* of use.link: whose end is to be told */
	unsigned n_waiting;
	unsigned n_uses; /* whose end was not told */
	uint64_t uses_asked;
	uint64_t wait_ns; /* of late */
	struct usp_pool_stats counted;

	struct deferred later;
	struct timer surplus; /* since there are members too many */
	unsigned surplus_least;
	struct timer tick;  /* idle members are to be looked at */
	struct timer retry; /* members are to be started, and not yet */
	uint64_t backoff_ns, backoff_until_ns;
	uint64_t taken_ns;  /* when a use last got a member that was idle */
	struct timer drain; /* uses are to be over */
	bool closing;
	void (*on_closed)(void *user);
	void *closed_user;
};

struct member {
	struct pool *pool;
	struct usp_process *process;
	struct list link, idle_link;
	enum member_state state;
	struct use *use; /* TAKEN, if it was not given up; BUSY */
	enum usp_pool_cause cause;
	bool has_cause;
	bool exited;
	uint64_t uses;
	uint64_t started_ns, idle_ns; /* since when */
	uint64_t checked_ns;	      /* when it was idle first, or answered last */
	uint64_t rss_bytes;
	/* For its readiness, its answer, or its end. */
	struct timer timer;
	const struct message *message; /* that is under way; NULL: none */
	size_t matched;		       /* bytes of its answer */
	bool asked, answered;
	bool pinged; /* for the use that has taken it */
	struct op install;
	int pidfd; /* for the use that has taken it; -1: none */
};

enum use_state { USE_WAITING = 0, USE_TAKEN, USE_RUNNING, USE_OVER };

/* One of the streams of a use, and what was done to it before there was a member. */
struct early {
	int stream;
	bool is_read, is_written, is_terminal;
	bool ended, dropped;
	uint32_t credit_bytes;
	struct buf data;
};

struct use {
	struct usp_process handle; /* first */
	struct pool *pool;
	struct member *member; /* TAKEN, RUNNING */
	struct list link;
	enum use_state state;
	struct usp_options o; /* complete, as a spec's */
	uint64_t number;      /* in the order they came */
	bool cold;	      /* a member was started for it */
	unsigned let_down;    /* members that were not well when it was to have them */
	bool paused;
	struct timer deadline; /* until it has its member */
	uint64_t asked_ns, begun_ns;
	uint64_t signals[USP_TARGET_TREE + 1]; /* bit n-1: signal n waits */
	bool resized;
	struct usp_winsize size;

	/* OVER: what is to be told. */
	enum usp_reason reason;
	bool failed;
	struct usp_failure failure;
	char *path; /* of the failure */
	struct usp_stream_total total;
	uint64_t unread_bytes;

	unsigned n_streams;
	struct early streams[];
};

/* Of a handle of this kind. */
static inline struct pool *pool_of(const struct usp_pool *handle)
{
	return (struct pool *)handle;
}

static inline bool pool_is_worker(const struct pool *pool)
{
	return pool->o.kind == USP_POOL_WORKER;
}

/* Members that are not about to go. */
static inline unsigned pool_live(const struct pool *pool)
{
	unsigned n = 0;

	for (int i = 0; i < MEMBER_ENDING; i++)
		n += pool->n[i];
	return n;
}

/* Something has changed: see to what follows from it, soon. */
void pool_later(struct pool *pool) REACTOR_ONLY;

/* ---- options.c ------------------------------------------------------------------ */

/*
 * Read @setup into @pool: o, name, max, channel, ready, reset, ping, program and shape.
 * Returns 0, or as usp_pool_open(); what is there already is the pool's all the same.
 */
int pool_configure(struct pool *pool, const struct pool_setup *setup,
		   const char **ret_field);

/* The numbers of usp_pool_resize(). */
void pool_set_size(struct pool *pool, unsigned min, unsigned max, unsigned spare);

/* ---- use_options.c --------------------------------------------------------------- */

/* What a use may not say, by its name; NULL: all is well. */
const char *pool_wrong_in_use(const struct pool *pool, const struct usp_options *use);

/* ---- member.c ------------------------------------------------------------------- */

/* The only assignment to the state of a member. */
void member_move(struct member *m, enum member_state next) REACTOR_ONLY;

static inline struct process *member_process(const struct member *m)
{
	return process_of(m->process);
}

/* It may be used now, unless there are too many. */
void member_idle(struct member *m) REACTOR_ONLY;

enum member_ending { GENTLY, AT_ONCE };

/* It is to end; its use, if it has one that was told so, is told of that by itself. */
void member_end(struct member *m, enum usp_pool_cause cause,
		enum member_ending how) REACTOR_ONLY;

/* It was not ready in time (ETIMEDOUT), or ended before (ECHILD). */
struct usp_failure member_not_ready(const struct member *m, int error);

/* Why it ends: the first one counts. */
void member_set_cause(struct member *m, enum usp_pool_cause cause) REACTOR_ONLY;

/* Its use, if it was not told of it, waits again. */
void member_leave_use(struct member *m) REACTOR_ONLY;

/* Its use was given back. */
void member_released(struct member *m, unsigned uses, bool reuse) REACTOR_ONLY;

/* ---- member_events.c ------------------------------------------------------------- */

/* Start one.  Returns 0 or -ENOMEM. */
int member_start(struct pool *pool) REACTOR_ONLY;

/* ---- take.c --------------------------------------------------------------------- */

/* @use has @m, once all that is to be done before that is. */
void take(struct member *m, struct use *use) REACTOR_ONLY;

/* One of those things is done. */
void take_step(struct member *m) REACTOR_ONLY;

/* A descriptor for it is there, or is not to be had. */
op_fn take_installed REACTOR_ONLY;

/* The next idle member, as the pool's order has it; NULL: there is none. */
struct member *take_next(struct pool *pool) REACTOR_ONLY;

/* ---- check.c -------------------------------------------------------------------- */

/* Ask @m, whose channel is the pool's; its state says what for. */
void check_ask(struct member *m, const struct message *message) REACTOR_ONLY;

/* The channel brought something, or took something. */
void check_answer(struct member *m, const void *data, size_t size) REACTOR_ONLY;
void check_step(struct member *m) REACTOR_ONLY;

/* There was no answer, or there will be none. */
void check_fail(struct member *m) REACTOR_ONLY;

void check_on_tick(struct timer *timer) REACTOR_ONLY;

/* Idle members are to be looked at from now on, if there is anything to look for. */
void check_watch(struct pool *pool) REACTOR_ONLY;

/* ---- grow.c --------------------------------------------------------------------- */

/* Start those that are needed, and let go of those that are not. */
void grow(struct pool *pool) REACTOR_ONLY;
void grow_on_surplus(struct timer *timer) REACTOR_ONLY;
void grow_on_retry(struct timer *timer) REACTOR_ONLY;

/* @m is about to end, for the cause that it has: did it serve anybody, or live long? */
void grow_note_end(struct pool *pool, const struct member *m) REACTOR_ONLY;

/* A member could not be had: who waits for it is told so. */
void grow_failed(struct pool *pool, const struct usp_failure *failure) REACTOR_ONLY;

/* Is a member started because the last one of those that wait came? */
bool grow_will_start(const struct pool *pool);

/* ---- use.c, use_end.c, use_verbs.c ----------------------------------------------------------- */

extern const struct inner_verbs use_verbs;

/* It is over without a member, for @reason; or it failed. */
void use_cancel(struct use *use, enum usp_reason reason) REACTOR_ONLY;
void use_fail(struct use *use, const struct usp_failure *failure) REACTOR_ONLY;

/* It is over, and is told so soon. */
void use_end(struct use *use, enum usp_reason reason) REACTOR_ONLY;

/* It is over, and its member goes back. */
void use_give_back(struct use *use, unsigned uses, bool reuse) REACTOR_ONLY;

/* Into the line, where it was. */
void use_wait(struct use *use) REACTOR_ONLY;

/* It has its member. */
void use_begin(struct use *use) REACTOR_ONLY;

/* Told of its member's process. */
void use_tell(struct use *use, const struct usp_event *event) REACTOR_ONLY;

/* Tell the ends of those that are over. */
void use_tell_over(struct pool *pool) REACTOR_ONLY;

/* The stream that it reads, or writes, as @stream; NULL: it has none. */
struct early *use_read(struct use *use, int stream);
struct early *use_written(struct use *use, int stream);

/* What was done to it before it had a member is done to that one.  Returns 0, -ENOMEM. */
int use_replay(struct use *use) REACTOR_ONLY;

/* ---- stats.c ---------------------------------------------------------------------- */

int stats_read(const struct usp_pool *handle, struct usp_pool_stats *ret_stats);
void stats_count_wait(struct pool *pool, uint64_t wait_ns) REACTOR_ONLY;
void stats_count_end(struct pool *pool, const struct member *m,
		     const struct usp_end *end) REACTOR_ONLY;

/* What @m has in memory; 0: not known. */
uint64_t stats_look(struct member *m);

#endif
