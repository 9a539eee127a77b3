/*
 * The io_uring back end's own state, shared by uring.c (set-up, waiting),
 * uring_arm.c (operations) and uring_mailbox.c (other threads).  Nobody else
 * includes this.
 */
#ifndef REACTOR_URING_H
#define REACTOR_URING_H

#include <liburing.h>
#include "reactor/backend.h"
#include "sys/map.h"
#include "sys/raw.h"
#include "sys/uring_abi.h"

/* user_data is a pointer to an op, or one of these, told apart by bit 0.  A pointer with
 * TAG_FILE added speaks of a file that comes with the op's message. */
enum { TAG_IGNORE = 1, TAG_WAKEUP = 3, TAG_FILE = 1 };
_Static_assert(_Alignof(struct op) > 1, "bit 0 of an op's address must be free");

/* Buffer groups. */
enum { GROUP_READ = 1, GROUP_RECV = 2 };

struct uring {
	struct reactor base; /* first: uring_of() relies on it */
	struct io_uring ring;
	struct io_uring_buf_ring *read_ring, *recv_ring;
	struct msghdr recv_template; /* room for control messages, none for names */
	int *fill_fds; /* by place in the queue: read by the kernel as it submits */
	bool mailbox_rings;
	int write_flags;
	int event_fd; /* signalled by the ring once somebody polls; -1: nobody does */
	uint64_t wakeup_ns; /* when the armed wake-up comes; 0: none is armed */
	struct __kernel_timespec wakeup_ts;
};

static inline struct uring *uring_of(struct reactor *r)
{
	return (struct uring *)r;
}

void uring_arm(struct reactor *r, struct op *op);
void uring_cancel(struct reactor *r, struct op *op);
void uring_slot_fill(struct reactor *r, int slot, int fd);
void uring_slot_close(struct reactor *r, int slot);
void uring_buffer_give_back(struct reactor *r, struct buffer *buffer);
void uring_wake(struct reactor *r, uint32_t *word);
void uring_arm_wakeup(struct reactor *r, uint64_t deadline_ns);
int uring_mailbox_open(struct reactor *r, struct mailbox **ret_mailbox);
void uring_mailbox_close(struct mailbox *mailbox);
void uring_mailbox_post(struct mailbox *mailbox, struct op *op, int res);
bool uring_mailbox_can_move(struct mailbox *mailbox);
int uring_mailbox_move(struct mailbox *mailbox, int host);
void uring_mailbox_leave(struct mailbox *mailbox);
void uring_mailbox_post_files(struct mailbox *mailbox, struct op *op, int res,
			      const struct mailbox_files *files);
void uring_mailbox_look(struct mailbox *mailbox);

#endif
