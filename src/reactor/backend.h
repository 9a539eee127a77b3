/*
 * What the reactor asks of the kernel's waiting interface, and what both halves
 * share.  Private to this folder.
 *
 * reactor.c keeps what is the same everywhere: operations and their owners,
 * timers, deferred work, slots, parked reads.  A back end turns an armed
 * operation into completions.
 */
#ifndef REACTOR_BACKEND_H
#define REACTOR_BACKEND_H

#include "reactor/reactor.h"

struct backend {
	const char *name;

	/* The operation's fields are set and its state is ARMED. */
	void (*arm)(struct reactor *r, struct op *op);
	void (*cancel)(struct reactor *r, struct op *op);
	void (*slot_fill)(struct reactor *r, int slot, int fd);
	void (*slot_close)(struct reactor *r, int slot);
	void (*buffer_give_back)(struct reactor *r, struct buffer *buffer);
	void (*wake)(struct reactor *r, uint32_t *word);

	/*
	 * Hand over what is armed; with @wait, wait until something completes or
	 * @deadline_ns (UINT64_MAX: none) has come.  Returns 0 or -errno.
	 */
	int (*enter)(struct reactor *r, bool wait, uint64_t deadline_ns);

	/* Call reactor_complete() for some of what is complete; how many. */
	unsigned (*reap)(struct reactor *r);

	/* Make the descriptor of the reactor readable at @deadline_ns at the latest. */
	void (*arm_wakeup)(struct reactor *r, uint64_t deadline_ns);

	int (*fd)(struct reactor *r);
	int (*mailbox_open)(struct reactor *r, struct mailbox **ret_mailbox);
	void (*mailbox_close)(struct mailbox *mailbox);
	void (*mailbox_post)(struct mailbox *mailbox, struct op *op, int res);
	/* These five are NULL in a back end whose threads cannot leave its table. */
	int (*mailbox_move)(struct mailbox *mailbox, int host);
	void (*mailbox_leave)(struct mailbox *mailbox);
	void (*mailbox_post_files)(struct mailbox *mailbox, struct op *op, int res,
				   const struct mailbox_files *files);
	void (*mailbox_look)(struct mailbox *mailbox);
	bool (*mailbox_can_move)(struct mailbox *mailbox);
	/* Has all that was asked for, slot_close() above all, been done?  NULL: always. */
	bool (*is_handed_over)(struct reactor *r);
	void (*close)(struct reactor *r);
};

/* The way back from one thread; each back end has its own behind it. */
struct mailbox {
	struct reactor *reactor;
};

/*
 * Room for control messages of one OP_RECV: USP_WIRE_FDS_MAX descriptors, twice, since
 * one receive may hold the end of one message and the start of another, and who sent
 * them.
 */
#define RECV_FDS 128
#define RECV_CONTROL_BYTES                                                               \
	(CMSG_SPACE(RECV_FDS * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred)))

/* A place that something was received into. */
struct buffer {
	struct pool *pool;
	uint16_t id;
	bool kept;	/* by the callback, beyond its completion */
	bool truncated; /* descriptors were dropped on the way in */
	uint8_t *base;
	uint8_t *payload; /* where the received bytes start */
	uint8_t *control; /* control messages of an OP_RECV */
	size_t control_bytes;
};

/* Buffers of one size that the kernel picks from. */
struct pool {
	struct buffer *buffers;
	uint8_t *memory;
	size_t buffer_bytes;
	unsigned count; /* a power of two */
	unsigned free;	/* with the kernel, not with a completion */
};

struct reactor {
	const struct backend *backend;
	struct reactor_stats stats;
	uint64_t now_ns;
	bool in_turn;
	unsigned inflight; /* armed operations, of all owners */
	struct heap timers;
	struct list deferred;
	struct list parked_reads, parked_recvs; /* wait for a buffer of their pool */
	struct list aborted;			/* parked ones that were cancelled */
	int *free_slots;			/* a stack of n_free numbers */
	bool *slot_filled;
	uint32_t *slot_dropped; /* value of @handovers when it was */
	uint32_t handovers;	/* times that the back end had nothing left to do */
	unsigned n_slots, n_free;
	struct pool read_pool, recv_pool;
};

/* The operation of a completion goes idle, if it is the last, and is told. */
void reactor_complete(struct reactor *r, struct op *op,
		      const struct completion *done) REACTOR_ONLY;

/* A read or receive found no buffer: it is armed again when there is one. */
void reactor_park(struct reactor *r, struct op *op) REACTOR_ONLY;

/* The two back ends: each makes a reactor with all that is behind it. */
int uring_open(const struct reactor_options *options, struct reactor **ret_reactor);
int epoll_open(const struct reactor_options *options, struct reactor **ret_reactor);

/* The parts that all back ends have: to be called by their open and close. */
int reactor_common_init(struct reactor *r, unsigned slots);
void reactor_common_done(struct reactor *r);

int pool_init(struct pool *pool, unsigned count, size_t buffer_bytes);
void pool_done(struct pool *pool);

#endif
