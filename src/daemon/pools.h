/*
 * Pools of the daemon: who made each, and who has it open.
 */
#ifndef DAEMON_POOLS_H
#define DAEMON_POOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uringspawn/pool.h>
#include "base/annotate.h"
#include "base/list.h"
#include "daemon/peer.h"

struct daemon;
struct frame;
struct session;

/* One pool.  Without a name it is one session's; with one it is its user's. */
struct shared_pool {
	struct list link; /* daemon.pools */
	struct daemon *daemon;
	struct usp_pool *pool;
	struct peer maker;    /* whose rights its members have */
	struct list openings; /* of opening.in_pool */
	unsigned n_openings;
	bool has_name, keep, outputs;
	size_t bytes;		/* of what it was opened with, as counted */
	uint64_t unheard_bytes; /* of its members' output, that its client did not take */
};

/* A session's part in one. */
struct opening {
	struct list in_pool, in_session;
	struct session *session;
	struct shared_pool *shared; /* NULL: the pool has ended */
	uint32_t id;		    /* the client's */
	size_t bytes;		    /* as counted in session.bytes */
	bool ends;		    /* it asked for the end, and is to be told of it */
};

/* POOL_OPEN, POOL_RESIZE and POOL_CLOSE; or end the session. */
void pools_open(struct session *s, const struct frame *frame) REACTOR_ONLY;
void pools_resize(struct session *s, const struct frame *frame) REACTOR_ONLY;
void pools_close(struct session *s, const struct frame *frame) REACTOR_ONLY;

/*
 * The pool that the client calls @id, for a use.  Returns 0, -ENOENT, or -EACCES: root may
 * look after the pools of all, and gives nothing to a process that is another user's.
 */
int pools_use(const struct session *s, uint32_t id, struct usp_pool **ret_pool);

/* The client is gone: its own pools end, and so do those that nobody else has open. */
void pools_leave_all(struct session *s) REACTOR_ONLY;

/* The daemon stops: nobody takes a member any more, and those that are used have until
 * pools_end_all(). */
void pools_stop_all(struct daemon *d) REACTOR_ONLY;
void pools_end_all(struct daemon *d) REACTOR_ONLY;
void pools_cut_all(struct daemon *d) REACTOR_ONLY;

#endif
