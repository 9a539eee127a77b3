/*
 * One client: its frames in, its jobs, its frames out, its end.
 */
#ifndef DAEMON_SESSION_H
#define DAEMON_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include "base/annotate.h"
#include "base/list.h"
#include "base/table.h"
#include "daemon/intake.h"
#include "daemon/outbox.h"
#include "daemon/peer.h"
#include "engine/owner.h"
#include "reactor/reactor.h"

struct daemon;

/*
 *   GREETING ──HELLO──▶ OPEN ──broke the protocol, daemon stops──▶ PARTING ──sent──▶
 * CLOSED │                │                                                            ▲
 *       └────────────────┴────────────────────────the client is gone──────────────────┘
 *
 * A CLOSED session is freed when nothing is in flight and its jobs have ended.
 */
enum session_state {
	SESSION_GREETING = 0,
	SESSION_OPEN,
	SESSION_PARTING, /* an ERROR is queued; nothing more is taken from the client */
	SESSION_CLOSED,
	SESSION_STATES,
};

struct session {
	struct owner owner;
	struct daemon *daemon;
	enum session_state state;
	int slot;
	struct peer peer;
	bool eof;	     /* the client will send no more */
	bool paused;	     /* too much is queued: its jobs and its frames wait */
	bool drained;	     /* the socket is closed */
	struct list link;    /* daemon.sessions, then daemon.dead */
	struct list waiting; /* daemon.waiting */
	uint64_t greet_by_ns;
	struct op recv;
	struct op hangup;
	struct timer parting;
	struct intake in;
	size_t partial_bytes; /* of @in, as counted in daemon.partial_bytes */
	struct outbox out;
	struct table jobs_by_id;
	struct list jobs;
	unsigned unstarted;	      /* of @jobs: told nothing of yet */
	struct admission_owner turns; /* in which its jobs are launched */
	size_t bytes;	/* of its requests, its templates, and of stdin not yet taken */
	unsigned given; /* descriptors that its jobs are to be given by STARTED */
	struct list templates;
	unsigned n_templates;
	struct table pools_by_id; /* of struct opening */
	struct list pools;	  /* the same */
	size_t template_bytes;
	unsigned stats;	    /* STATS that are on their way to it, perhaps */
	uint64_t stats_end; /* where in its outbox the last of them ends */
};

#define SESSION_GREET_NS UINT64_C(10000000000)
#define SESSION_PART_NS	 UINT64_C(1000000000)

/*
 * Take over the connection @fd of @peer, into @slot.  Returns 0, or -ENOMEM; takes all
 * three.
 */
int session_new(struct daemon *daemon, int slot, int fd, struct peer *peer) REACTOR_ONLY;

/* The client said who it is: it may ask for what it wants. */
void session_greeted(struct session *s) REACTOR_ONLY;

/*
 * End the connection with an ERROR that says why: @format makes a sentence without
 * a full stop.  The client has SESSION_PART_NS to read what was queued before.
 */
__attribute__((format(printf, 3, 4))) void
session_fail(struct session *s, int error, const char *format, ...) REACTOR_ONLY;

/* The client is gone, or as good as gone: its jobs are, too. */
void session_close(struct session *s) REACTOR_ONLY;

/* May frames of its jobs still be queued for it? */
static inline bool session_listens(const struct session *s)
{
	return s->state == SESSION_OPEN;
}

/* Let it go as soon as none of its jobs is left. */
void session_retire(struct session *s) REACTOR_ONLY;

/* A job of it came to its end. */
void session_job_ended(struct session *s) REACTOR_ONLY;

/* Something was queued: stop its jobs when it is too much. */
void session_queued(struct session *s) REACTOR_ONLY;

/* Free the sessions that are done.  Not from a callback. */
void session_sweep(struct daemon *daemon) REACTOR_ONLY;

#endif
