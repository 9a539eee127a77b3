/*
 * The epoll back end's own state, shared by epoll.c (set-up, waiting), epoll_arm.c
 * (what waits for which file), epoll_try.c (system calls) and epoll_mailbox.c (other
 * threads).  Nobody else includes this.
 */
#ifndef REACTOR_EPOLL_H
#define REACTOR_EPOLL_H

#include <stdatomic.h>
#include "reactor/backend.h"
#include "sys/pollset.h"

/* Events that are taken from the kernel in one go. */
#define EPOLL_BATCH 256

/* In the place of a slot in what an event says. */
enum { EPOLL_TAG_MAILBOX = 0x7ffffffe, EPOLL_TAG_TIMER = 0x7fffffff };

/*
 * The file of a slot.
 *
 * It is put into the set when something waits for it the first time, and its events
 * are edges: each is reported once.  So @ready is what is known of it: set by an event,
 * taken back when a system call has to wait after all.
 */
struct file {
	int fd;
	uint32_t generation; /* of the slot: events of an earlier file are none */
	uint32_t watched;    /* events that the set has it in for; 0: it is not in it */
	uint32_t ready;
	bool unwatchable; /* a regular file, /dev/null: always ready */
	bool blocks;	  /* it cannot be read and written without first asking poll() */
	struct list waiting;
};

/* The buffers of a pool that are free are the first pool->free of these. */
struct spares {
	struct buffer **buffers;
};

struct epoll {
	struct reactor base; /* first: epoll_of() relies on it */
	int set_fd;
	int event_fd; /* signalled by mailboxes */
	int timer_fd; /* makes the set readable in time once somebody polls; -1: nobody */
	int write_flags;
	uint64_t wakeup_ns;  /* when the timer comes; 0: it is not set */
	struct file *files;  /* by slot */
	struct list due;     /* operations that can be tried, or told, now */
	struct list running; /* those of them whose turn it is */
	struct list
		strays; /* those whose file could not be watched, for lack of memory */
	struct spares reads, recvs;
	bool collected; /* this turn has asked the kernel, and got all there was */
	int n_events;	/* taken from the kernel, not yet looked at */
	struct epoll_event events[EPOLL_BATCH];
	_Atomic(struct op *) inbox; /* posted by other threads, the last one first */
	_Atomic bool asleep;	    /* or about to be: who posts signals @event_fd */
};

static inline struct epoll *epoll_of(struct reactor *r)
{
	return (struct epoll *)r;
}

static inline struct file *epoll_file(struct epoll *e, const struct op *op)
{
	return &e->files[op->slot];
}

/* ---- epoll_arm.c --------------------------------------------------------- */

void epoll_arm(struct reactor *r, struct op *op);
void epoll_cancel(struct reactor *r, struct op *op);
void epoll_slot_fill(struct reactor *r, int slot, int fd);
void epoll_slot_close(struct reactor *r, int slot);

/* Move what waited for the file of @event to those that are due. */
void epoll_take_event(struct epoll *e, const struct epoll_event *event) REACTOR_ONLY;

/* Carry out, or tell, what is due now, and not what becomes due by that.  How many. */
unsigned epoll_run_due(struct epoll *e) REACTOR_ONLY;

/* ---- epoll_try.c --------------------------------------------------------- */

/* What @op waits for. */
uint32_t epoll_needs(const struct op *op);

/*
 * The system call of @op: its result, or -EAGAIN when it has to wait.  A receiving one
 * needs a free buffer, and gives it by @ret_buffer when it is of use.
 */
int epoll_try(struct epoll *e, const struct op *op, struct buffer **ret_buffer);

void epoll_buffer_give_back(struct reactor *r, struct buffer *buffer);

/* ---- epoll_mailbox.c ----------------------------------------------------- */

/* From now on whoever posts makes the set readable.  False: something was posted. */
bool epoll_go_to_sleep(struct epoll *e);

/* Complete what was posted.  How many. */
unsigned epoll_take_posted(struct epoll *e) REACTOR_ONLY;

void epoll_wake(struct reactor *r, uint32_t *word);
int epoll_mailbox_open(struct reactor *r, struct mailbox **ret_mailbox);
void epoll_mailbox_close(struct mailbox *mailbox);
void epoll_mailbox_post(struct mailbox *mailbox, struct op *op, int res);

#endif
