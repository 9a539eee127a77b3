/*
 * The reactor: one thread that waits for everything.
 *
 * Objects embed their operations (op.h), arm them here, and are called back from
 * reactor_turn(), never from inside the function that armed.  What is armed is
 * handed to the kernel by the turn, all of it in one system call.
 *
 * Files that live longer than a moment are *slots*: numbers in a table of the
 * reactor's own, so that the process's descriptor table stays small whatever
 * runs (a spawn pays for each open descriptor of the process it starts from).
 *
 * The kernel is asked by one of two back ends, io_uring or epoll, with the same
 * completions; nothing outside them knows which.  With epoll a slot is an ordinary
 * descriptor all the same, and each step is a system call of its own.
 *
 * Thread: the reactor's, except mailbox_post().
 */
#ifndef REACTOR_REACTOR_H
#define REACTOR_REACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/annotate.h"
#include "base/heap.h"
#include "base/list.h"
#include "reactor/op.h"

struct reactor;

enum reactor_backend {
	REACTOR_AUTO = 0, /* io_uring, and epoll where that is refused */
	REACTOR_URING,
	REACTOR_EPOLL,
};

struct reactor_options {
	enum reactor_backend backend;
	unsigned entries;      /* submission queue; completions get eight times that */
	unsigned slots;	       /* files at most; at most RLIMIT_NOFILE */
	unsigned read_buffers; /* of READ_BUFFER_BYTES for OP_READ, a power of two */
	/* Of RECV_BUFFER_BYTES for OP_RECV, a power of two; 0: no OP_RECV. */
	unsigned recv_buffers;
	/* A ring per mailbox, as kernels before 6.13 need it; nothing with epoll. */
	bool mailbox_rings;
};

#define READ_BUFFER_BYTES (128u << 10)
#define RECV_BUFFER_BYTES (64u << 10)

/* Returns 0, or -ENOMEM; -EMFILE; with REACTOR_URING -ENOSYS, -EPERM: there is none that
 * would do. */
int reactor_open(const struct reactor_options *options, struct reactor **ret_reactor);
void reactor_close(struct reactor *r); /* nothing may be in flight; NULL is fine */

/* The back end in use: "io_uring" or "epoll". */
const char *reactor_backend_name(const struct reactor *r);

/*
 * Submit what is armed, take what is complete, run callbacks and timers.
 * @wait: until something happens; otherwise return when nothing is ready.
 * Returns 0, or -errno that the kernel gives and waiting does not cure.
 */
int reactor_turn(struct reactor *r, bool wait) REACTOR_ONLY;

/* Hand over what was armed outside a turn.  Within one it does nothing. */
void reactor_submit(struct reactor *r) REACTOR_ONLY;

/* A descriptor that polls readable when a turn has work, timers included; or -errno
 * when there is none to be had. */
int reactor_fd(struct reactor *r) REACTOR_ONLY;

/* The time: that of the turn's start within a turn. */
uint64_t reactor_now_ns(const struct reactor *r);

/* ---- operations: arm, and be called back with the result ----------------- */

void op_init(struct op *op, struct owner *owner, op_fn *on_done);

static inline bool op_armed(const struct op *op)
{
	return op->state != OP_IDLE;
}

void reactor_poll(struct reactor *r, struct op *op, int slot,
		  unsigned events) REACTOR_ONLY;
void reactor_poll_changes(struct reactor *r, struct op *op, int slot,
			  unsigned events) REACTOR_ONLY; /* multishot */
void reactor_read(struct reactor *r, struct op *op, int slot, size_t limit) REACTOR_ONLY;
void reactor_read_multishot(struct reactor *r, struct op *op, int slot) REACTOR_ONLY;
void reactor_write(struct reactor *r, struct op *op, int slot, const void *data,
		   size_t size) REACTOR_ONLY;
void reactor_accept(struct reactor *r, struct op *op, int slot) REACTOR_ONLY;
void reactor_recv(struct reactor *r, struct op *op, int slot) REACTOR_ONLY;
void reactor_send(struct reactor *r, struct op *op, int slot,
		  const struct msghdr *message) REACTOR_ONLY; /* borrows until done */
/* Borrows @info, and @usage unless it is NULL, until done.  @usage costs a call. */
void reactor_wait_exit(struct reactor *r, struct op *op, int slot, pid_t pid,
		       siginfo_t *info, struct rusage *usage) REACTOR_ONLY;
void reactor_install(struct reactor *r, struct op *op, int slot) REACTOR_ONLY;
void reactor_expect(struct reactor *r, struct op *op) REACTOR_ONLY; /* OP_POSTED */

/*
 * Ask that @op completes soon; it completes all the same, with any result,
 * success included.  Does nothing to an idle operation.
 */
void reactor_cancel(struct reactor *r, struct op *op) REACTOR_ONLY;

/* No more operations from this owner: on_drained runs when the last one is done,
 * at once when there is none. */
void owner_close(struct owner *owner) REACTOR_ONLY;

/*
 * Work put off until all completions that are ready have been told, and before
 * what was armed is handed to the kernel: so that one send carries what many
 * completions produced.  Queueing it twice runs it once.
 */
struct deferred {
	void (*run)(struct deferred *deferred);
	struct list link;
};

void deferred_init(struct deferred *d, void (*run)(struct deferred *deferred));
void reactor_defer(struct reactor *r, struct deferred *d) REACTOR_ONLY;
void reactor_undefer(struct deferred *d) REACTOR_ONLY; /* not queued is fine */

/* ---- slots --------------------------------------------------------------- */

/* A free slot, or -EMFILE. */
int reactor_slot_take(struct reactor *r) REACTOR_ONLY;

/* The same, for another thread to put a file there: its last one is closed for sure. */
int reactor_slot_reserve(struct reactor *r) REACTOR_ONLY;

/* Put the file of @fd into @slot and close @fd; takes the descriptor.
 * -1: it has been put there, by mailbox_post_files(). */
void reactor_slot_fill(struct reactor *r, int slot, int fd) REACTOR_ONLY;

/* Close the slot's file, if it has one, and free the slot.  Nothing may be armed on it. */
void reactor_slot_drop(struct reactor *r, int slot) REACTOR_ONLY;

/* How many slots there are, and how many of them are free. */
unsigned reactor_slots(const struct reactor *r);
unsigned reactor_slots_free(const struct reactor *r);

/* ---- buffers ------------------------------------------------------------- */

/* The bytes that were received; valid as long as the buffer is kept. */
void *buffer_bytes(struct buffer *buffer);

/* Take over the buffer from the completion.  The pool is shared and small: copy
 * what must wait long. */
void buffer_keep(struct buffer *buffer) REACTOR_ONLY;
void buffer_give_back(struct reactor *r, struct buffer *buffer) REACTOR_ONLY;

/* Who sent what an OP_RECV received, where the socket has SO_PASSCRED; to be asked
 * before the descriptors are taken.  False: it does not say. */
bool buffer_sender(const struct buffer *buffer, struct ucred *ret_sender) REACTOR_ONLY;

/* The descriptors that came with an OP_RECV, moved to @ret_fds: the caller's.
 * Returns how many, or -EMSGSIZE when the kernel dropped some. */
int buffer_fds(struct buffer *buffer, int *ret_fds, unsigned max) REACTOR_ONLY;

/* Free buffers in the pool of OP_READ. */
unsigned reactor_read_buffers_free(const struct reactor *r);

/* ---- other threads ------------------------------------------------------- */

/*
 * The way back from one other thread.  Each thread has its own.
 * Thread: mailbox_post() that thread's; the others the reactor's.
 */
struct mailbox;

int mailbox_open(struct reactor *r, struct mailbox **ret_mailbox);
void mailbox_close(struct mailbox *mailbox);

/* Complete @op, armed by reactor_expect(), with @res.  Does not fail. */
void mailbox_post(struct mailbox *mailbox, struct op *op, int res);

/*
 * For a thread that leaves the table of descriptors that the reactor's thread is in.
 * mailbox_can_move(), before: can it do so, and still post?  mailbox_move(), after:
 * open what posting needs in its own table, through @host, a pidfd of this process;
 * 0 or -errno, to be called again.  mailbox_leave(): before it ends.  Thread: that one.
 */
bool mailbox_can_move(struct mailbox *mailbox);
int mailbox_move(struct mailbox *mailbox, int host);
void mailbox_leave(struct mailbox *mailbox);

/* What one message can bring along, at most. */
#define MAILBOX_FILES_MAX 72u

/* Files of @fds for @slots of the reactor, each taken by reactor_slot_reserve(). */
struct mailbox_files {
	unsigned n;
	int fds[MAILBOX_FILES_MAX], slots[MAILBOX_FILES_MAX];
};

/*
 * As mailbox_post(), after mailbox_move(): when @op completes with @res, the files are in
 * their slots.  Where the kernel has no memory for that it completes with -errno, and any
 * of them may be there.  Takes the descriptors.
 */
void mailbox_post_files(struct mailbox *mailbox, struct op *op, int res,
			const struct mailbox_files *files);

/* Look whether all has arrived: to be called now and then, and after each sleep. */
void mailbox_look(struct mailbox *mailbox);

/* Wake one thread that waits on the futex at @word, by the end of this turn. */
void reactor_wake(struct reactor *r, uint32_t *word) REACTOR_ONLY;

/* ---- timers -------------------------------------------------------------- */

/* A zeroed timer with @on_fire set is idle. */
struct timer {
	struct heap_node node; /* key: deadline in ns of clock_now_ns() */
	void (*on_fire)(struct timer *timer);
};

/* Arms, or moves, the timer. */
void timer_arm(struct reactor *r, struct timer *timer, uint64_t deadline_ns) REACTOR_ONLY;
void timer_cancel(struct reactor *r, struct timer *timer) REACTOR_ONLY; /* idle is fine */

/* ---- counters ------------------------------------------------------------ */

struct reactor_stats {
	uint64_t enters; /* io_uring_enter(), or epoll_pwait2(), calls */
	uint64_t completions;
	uint64_t reads_parked; /* OP_READ that found no free buffer */
	uint64_t wakes;	       /* reactor_wake() calls */
};

const struct reactor_stats *reactor_stats(const struct reactor *r);

#endif
