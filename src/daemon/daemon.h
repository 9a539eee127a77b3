/*
 * What the parts of the daemon share: the engine, the limits, who is connected,
 * and how far its life has got.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uringspawn/pool.h>
#include "base/annotate.h"
#include "base/list.h"
#include "base/table.h"
#include "daemon/config.h"
#include "daemon/front.h"
#include "daemon/outbox.h"
#include "daemon/peer.h"
#include "daemon/replace.h"
#include "reactor/reactor.h"

struct pool_budget;
struct usp_engine;

/*
 *   SERVING ───signal───▶ DRAINING ──limit, signal──▶ ENDING
 *      │                   ▲     └──no job is left──┐   │ no job is left, limit
 *   replaced               │ signal                 ▼   ▼
 *      ▼                   │                       LEAVING ──no connection──▶ main() returns
 *   REPLACED ──▶ RETIRING ─┴────nobody is left──────▲
 *
 * Once REPLACED, clients are served as before for a moment, so that one that just
 * connected gets what it came for; then, RETIRING, they may ask for nothing more,
 * and each is let go when its jobs have ended.
 *
 * DRAINING lets jobs end by themselves.  ENDING carries out the kill plans; a further
 * signal, or too long a time, kills.  LEAVING lets the last frames leave, for a bounded
 * time.  The only assignment of a phase is in life.c.
 */
enum daemon_phase {
	DAEMON_SERVING = 0,
	DAEMON_REPLACED,
	DAEMON_RETIRING,
	DAEMON_DRAINING,
	DAEMON_ENDING,
	DAEMON_LEAVING,
	DAEMON_PHASES,
};

struct daemon {
	struct config *config;	     /* as it was started */
	struct config_limits limits; /* in force */
	int argc;		     /* what the limits are read from again */
	char **argv;
	struct usp_engine *engine;
	struct reactor *reactor;
	struct outbox_pool outboxes;
	enum daemon_phase phase;
	uint64_t start_time_s; /* Unix time */
	struct timer limit;    /* of the phase */
	bool killed;	       /* what it runs, at once, while ENDING */
	unsigned crowd_jobs; /* so many of a client's that wait for a launcher are many */
	unsigned jobs_cut;   /* that did not end by themselves, because it stops */
	struct peer self;
	struct front front;
	struct timer greeting; /* when the oldest connection must have said HELLO */
	struct log_repeat refused, failed; /* clients */
	struct takeover takeover;	   /* by another daemon that asked for it */
	unsigned clients_room; /* for so many there are slots, whatever the limit */
	struct list sessions;  /* all that are not dead */
	struct list waiting;   /* those that have not said HELLO, the oldest first */
	struct list dead;      /* to be freed after the turn */
	unsigned clients;      /* sessions that may ask for something */
	unsigned connections;  /* sessions whose socket is not closed */
	size_t jobs;
	struct list listed; /* of job.listed: those that have a process, as they came */
	struct table jobs_by_number; /* the same */
	uint32_t last_number;
	struct list pools; /* of shared_pool.link, those that end as well */
	unsigned n_pools;
	struct pool_budget *pool_budget;
	struct usp_pool_stats past_pools; /* what those without a name came to */
	size_t released;      /* of them: run, left to themselves by who is gone */
	bool served;	      /* somebody has said HELLO */
	size_t request_bytes; /* of all jobs */
	size_t stdin_bytes;   /* of all jobs, not yet taken by their processes */
	size_t partial_bytes; /* of all frames whose end has not come */
};

/* Jobs that it has to do with. */
static inline size_t daemon_jobs_left(const struct daemon *d)
{
	return d->jobs - d->released;
}

static inline unsigned daemon_clients_max(const struct daemon *d)
{
	return d->limits.clients_max < d->clients_room ? d->limits.clients_max
						       : d->clients_room;
}

/* Are connections, and what they ask for, taken? */
static inline bool daemon_is_open(const struct daemon *d)
{
	return d->phase == DAEMON_SERVING || d->phase == DAEMON_REPLACED;
}

static inline bool daemon_is_replaced(const struct daemon *d)
{
	return d->phase == DAEMON_REPLACED || d->phase == DAEMON_RETIRING;
}

/* Why it takes nothing more: a sentence for a client. */
static inline const char *daemon_why_closed(const struct daemon *d)
{
	return d->phase == DAEMON_RETIRING
		       ? "another daemon serves this socket now: reconnect"
		       : "the daemon stops";
}

#endif
