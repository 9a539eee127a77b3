/*
 * Frames on their way to one client: queued, sent together, one send at a time.
 *
 * Small payloads are copied behind their headers; large ones stay in the buffer
 * they were read into, which is given back when they have left.  What is queued
 * while a send is in flight leaves in the next one.
 *
 * It knows nothing of limits on what is queued: its owner looks at queued_bytes.
 */
#ifndef DAEMON_OUTBOX_H
#define DAEMON_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <uringspawn/spawn.h>
#include "base/annotate.h"
#include "reactor/reactor.h"

struct buf;
struct chunk;
struct frame;

#define OUTBOX_IOVECS		24
#define OUTBOX_HELD_MAX		8    /* buffers of the reactor's pool, per outbox */
#define OUTBOX_COPY_BYTES	4096 /* a payload up to this is copied */
#define OUTBOX_LATER_BYTES	(64u << 10) /* this much does not wait */
#define OUTBOX_LATER_NS		UINT64_C(1000000)
#define OUTBOX_MUCH_LATER_BYTES (512u << 10)
#define OUTBOX_MUCH_LATER_NS	UINT64_C(4000000)
#define OUTBOX_RETRY_NS		UINT64_C(10000000) /* after which descriptors are tried again */
#define OUTBOX_FRAME_BYTES	1024 /* of what outbox_open() has room for */

/* When a frame has to leave. */
enum outbox_when {
	OUTBOX_SOON, /* at the end of this turn */
	/* With the next that leaves, OUTBOX_LATER_NS from now at the latest, or sooner when
	 * OUTBOX_LATER_BYTES are queued. */
	OUTBOX_LATER,
	OUTBOX_MUCH_LATER, /* the same, with its own limits */
};

/* What all outboxes of a daemon share. */
struct outbox_pool {
	struct reactor *reactor;
	struct chunk *spare; /* emptied chunks, a few */
	unsigned n_spare;
	unsigned buffers_floor; /* leave so many of the reactor's buffers to readers */
	size_t queued_bytes;	/* in all outboxes */
	unsigned busy;		/* outboxes with something queued */
};

struct outbox {
	struct outbox_pool *pool;
	struct chunk *first, *last; /* what is queued, in order */
	size_t queued_bytes;
	uint64_t sent_bytes; /* from the start */
	unsigned held;	     /* buffers */
	unsigned n_fds;	     /* descriptors that wait for their frames to leave */
	int slot;
	bool closed;
	struct op send;
	struct deferred flush;
	struct timer later;
	struct msghdr message; /* of the send in flight */
	struct iovec iov[OUTBOX_IOVECS];
	/* After each send: bytes have left, or (@error < 0) none will any more. */
	void (*on_progress)(struct outbox *outbox, int error);
};

void outbox_pool_init(struct outbox_pool *pool, struct reactor *reactor) REACTOR_ONLY;
void outbox_pool_done(struct outbox_pool *pool);

void outbox_init(struct outbox *o, struct outbox_pool *pool, struct owner *owner,
		 int slot, void (*on_progress)(struct outbox *outbox, int error));

/* Send nothing more.  What is queued stays until outbox_done(), for a send may use it. */
void outbox_close(struct outbox *o) REACTOR_ONLY;

/* Free what is queued; nothing may be in flight. */
void outbox_done(struct outbox *o) REACTOR_ONLY;

/*
 * A frame made in place: outbox_open() gives the buffer to append it to, and
 * outbox_commit() queues what was appended.  There is room for OUTBOX_FRAME_BYTES.
 * Returns NULL when there is no memory.
 */
struct buf *outbox_open(struct outbox *o);
void outbox_commit(struct outbox *o, enum outbox_when when) REACTOR_ONLY;

/*
 * Queue the frame of @event, the payload of an output event included.  Takes the
 * descriptors of a started event: they travel with the frame's first byte, and are closed
 * when it has left, or never will.
 *
 * Returns 0, or -ENOMEM: then a part of the frame may be queued already, and the
 * connection is of no more use.
 */
int outbox_event(struct outbox *o, const struct usp_event *event, uint32_t job,
		 enum outbox_when when) REACTOR_ONLY;

/* Queue @frame, whose payload is copied.  As outbox_event(). */
int outbox_frame(struct outbox *o, const struct frame *frame,
		 enum outbox_when when) REACTOR_ONLY;

/* Bytes that were queued up to now, from the start: what @sent_bytes will reach. */
static inline uint64_t outbox_position(const struct outbox *o)
{
	return o->sent_bytes + o->queued_bytes;
}

static inline bool outbox_empty(const struct outbox *o)
{
	return o->queued_bytes == 0;
}

#endif
