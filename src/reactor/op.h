/*
 * An operation: one thing the reactor waits for, embedded in the object it
 * serves, and the owner that counts its operations in flight.
 */
#ifndef REACTOR_OP_H
#define REACTOR_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include "base/list.h"

struct op;
struct buffer;

/* One completion of an operation. */
struct completion {
	int res;	       /* what the system call would return: >= 0, or -errno */
	bool more;	       /* the operation stays armed and completes again */
	struct buffer *buffer; /* what was read, or NULL; given back when the callback
				  returns, unless it was kept by buffer_keep() */
};

/* Called once per completion, never from inside the function that arms. */
typedef void op_fn(struct op *op, const struct completion *done);

/*
 * An object that has operations in flight.  Its memory stays put until
 * @inflight is zero: only then does @on_drained run, once, after owner_close().
 */
struct owner {
	unsigned inflight;
	bool closing;
	void (*on_drained)(struct owner *owner);
};

/*
 *          arm               cancel
 *   IDLE ───────▶ ARMED ───────────────▶ CANCELLING
 *    ▲             │                         │
 *    └─────────────┴─────────────────────────┘  last completion
 *
 * An operation goes idle before its last callback, which may arm it again.
 */
enum op_state { OP_IDLE = 0, OP_ARMED, OP_CANCELLING };

/*
 * What is asked of a slot, and what comes as @res.
 *
 * A multishot operation completes again and again, with @more set, until the end,
 * an error or a lack of room; its owner arms it anew then.
 */
enum op_kind {
	/* Those of @events that hold, once; multishot: at each change.  POLLRDHUP may
	 * be among them, asked for or not. */
	OP_POLL,
	/* Up to @limit bytes into a buffer, once; multishot: until the end.  0: the end. */
	OP_READ,
	OP_WRITE,  /* of @data, @size: bytes written */
	OP_ACCEPT, /* multishot: an ordinary descriptor, the callback's */
	OP_RECV,   /* multishot: bytes in the buffer; descriptors: buffer_fds() */
	OP_SEND,   /* of *@message: bytes sent */
	/* Of a pidfd whose child is @pid: 0, and the status in *@info, and in *@usage what
	 * it used.  @usage is NULL then when that was not to be had: a tracer had not let
	 * the child go when it was gone. */
	OP_WAIT_EXIT,
	OP_INSTALL, /* an ordinary descriptor for the slot's file, the callback's */
	OP_POSTED,  /* no slot: what mailbox_post() said on another thread */
};

struct op {
	op_fn *on_done;
	struct owner *owner;
	enum op_state state;
	enum op_kind kind;
	bool multishot; /* OP_READ, OP_POLL */
	int slot;
	union {
		unsigned events;
		size_t limit;
		struct {
			const void *data;
			size_t size;
		};
		const struct msghdr *message;
		struct { /* OP_POSTED: files that come with the message, in any order */
			unsigned files_due, files_here;
			bool is_told;
			int told_res;
		};
		struct {
			pid_t pid;
			siginfo_t *info;
			struct rusage *usage; /* NULL: not asked for */
		};
	};
	struct list parked; /* OP_READ, OP_RECV: waits for a free buffer */
	/* The epoll back end's: */
	union {
		struct list queued; /* waits for its file, or for its turn */
		struct op *next_posted;
	};
	bool settled; /* it completes with @outcome */
	int outcome;
};

#endif
