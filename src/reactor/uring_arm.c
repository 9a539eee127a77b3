/*
 * The io_uring back end: each kind of operation as submission queue entries.
 *
 * Entries are executed in the order they stand in, on submission, unless they
 * have to wait.  So a slot may be filled and used, or used and closed, without a
 * link between the entries.
 */
#include "reactor/uring.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include "base/clock.h"

/* How often a full queue is handed over before it is given up. */
#define SUBMITS_MAX 1000

/*
 * The queue is handed over early when it has not @n free places left.  The kernel
 * may take less than all of it for lack of memory: that passes.
 */
static struct io_uring_sqe *next_sqe(struct uring *u, unsigned n)
{
	struct io_uring_sqe *sqe;

	for (int i = 0; i < SUBMITS_MAX && io_uring_sq_space_left(&u->ring) < n; i++) {
		u->base.stats.enters++;
		(void)io_uring_submit_and_get_events(&u->ring);
	}
	sqe = io_uring_get_sqe(&u->ring);
	assert(sqe);
	return sqe;
}

/* The prep functions of liburing clear flags and user_data: these come after. */
static void finish(struct io_uring_sqe *sqe, uint64_t user_data, unsigned flags)
{
	io_uring_sqe_set_data64(sqe, user_data);
	sqe->flags |= (uint8_t)flags;
}

static uint64_t tag_of(const struct op *op)
{
	return (uintptr_t)op;
}

static void arm_read(struct uring *u, struct op *op)
{
	struct io_uring_sqe *sqe = next_sqe(u, 1);

	/* Offset -1: a stream has no position. */
	if (op->multishot)
		io_uring_prep_rw(URING_OP_READ_MULTISHOT, sqe, op->slot, NULL, 0,
				 (uint64_t)-1);
	else
		io_uring_prep_read(sqe, op->slot, NULL,
				   op->limit < READ_BUFFER_BYTES ? (unsigned)op->limit
								 : READ_BUFFER_BYTES,
				   (uint64_t)-1);
	sqe->buf_group = GROUP_READ;
	finish(sqe, tag_of(op), IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT);
}

static void arm_recv(struct uring *u, struct op *op)
{
	struct io_uring_sqe *sqe = next_sqe(u, 1);

	io_uring_prep_recvmsg_multishot(sqe, op->slot, &u->recv_template,
					MSG_CMSG_CLOEXEC);
	sqe->buf_group = GROUP_RECV;
	finish(sqe, tag_of(op), IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT);
}

/*
 * The pidfd tells when the child is gone, and WAITID then finds it at once.
 * WAITID alone would do, but each one that waits is looked at on every exit of
 * every child.  One completion comes: the first entry's when it is cancelled or
 * fails, else the second's.
 *
 * WAITID does not tell what the child used: where that is asked for there is only the
 * first entry, and its completion reaps (uring.c).
 */
static void arm_wait_exit(struct uring *u, struct op *op)
{
	struct io_uring_sqe *sqe = next_sqe(u, 2);

	if (op->usage) {
		io_uring_prep_poll_add(sqe, op->slot, POLLIN);
		finish(sqe, tag_of(op), IOSQE_FIXED_FILE);
		return;
	}
	io_uring_prep_poll_add(sqe, op->slot, POLLIN);
	finish(sqe, tag_of(op),
	       IOSQE_FIXED_FILE | IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS);
	sqe = next_sqe(u, 1);
	io_uring_prep_rw(URING_OP_WAITID, sqe, op->pid, NULL, P_PID, 0);
	sqe->file_index = WEXITED;
	sqe->addr2 = (uintptr_t)op->info;
	finish(sqe, tag_of(op), 0);
}

static void arm_simple(struct uring *u, struct op *op)
{
	struct io_uring_sqe *sqe = next_sqe(u, 1);

	switch (op->kind) {
	case OP_POLL:
		if (op->multishot)
			io_uring_prep_poll_multishot(sqe, op->slot, op->events);
		else
			io_uring_prep_poll_add(sqe, op->slot, op->events);
		break;
	case OP_WRITE:
		io_uring_prep_write(sqe, op->slot, op->data, (unsigned)op->size,
				    (uint64_t)-1);
		sqe->rw_flags = u->write_flags;
		break;
	case OP_ACCEPT:
		io_uring_prep_multishot_accept(sqe, op->slot, NULL, NULL, SOCK_CLOEXEC);
		break;
	case OP_SEND:
		io_uring_prep_sendmsg(sqe, op->slot, op->message, MSG_NOSIGNAL);
		break;
	case OP_INSTALL:
		io_uring_prep_rw(URING_OP_FIXED_FD_INSTALL, sqe, op->slot, NULL, 0, 0);
		break;
	default:
		assert(false && "not a simple operation");
	}
	finish(sqe, tag_of(op), IOSQE_FIXED_FILE);
}

void uring_arm(struct reactor *r, struct op *op)
{
	struct uring *u = uring_of(r);

	switch (op->kind) {
	case OP_POSTED:
		return; /* the kernel hears of it from the other thread */
	case OP_READ:
		arm_read(u, op);
		return;
	case OP_RECV:
		arm_recv(u, op);
		return;
	case OP_WAIT_EXIT:
		arm_wait_exit(u, op);
		return;
	default:
		arm_simple(u, op);
	}
}

void uring_cancel(struct reactor *r, struct op *op)
{
	struct io_uring_sqe *sqe;

	if (op->kind == OP_POSTED)
		return; /* comes when the other thread is done with it */
	sqe = next_sqe(uring_of(r), 1);
	io_uring_prep_cancel64(sqe, tag_of(op), 0);
	finish(sqe, TAG_IGNORE, IOSQE_CQE_SKIP_SUCCESS);
}

void uring_slot_fill(struct reactor *r, int slot, int fd)
{
	struct uring *u = uring_of(r);
	struct io_uring_sqe *sqe = next_sqe(u, 1);
	int *place = &u->fill_fds[sqe - u->ring.sq.sqes];

	*place = fd;
	io_uring_prep_files_update(sqe, place, 1, slot);
	finish(sqe, TAG_IGNORE, IOSQE_CQE_SKIP_SUCCESS);
	sqe = next_sqe(u, 1);
	io_uring_prep_close(sqe, fd);
	finish(sqe, TAG_IGNORE, IOSQE_CQE_SKIP_SUCCESS);
}

void uring_slot_close(struct reactor *r, int slot)
{
	struct io_uring_sqe *sqe = next_sqe(uring_of(r), 1);

	io_uring_prep_close_direct(sqe, (unsigned)slot);
	finish(sqe, TAG_IGNORE, IOSQE_CQE_SKIP_SUCCESS);
}

void uring_buffer_give_back(struct reactor *r, struct buffer *buffer)
{
	struct uring *u = uring_of(r);
	struct pool *pool = buffer->pool;
	struct io_uring_buf_ring *ring =
		pool == &r->read_pool ? u->read_ring : u->recv_ring;

	io_uring_buf_ring_add(ring, buffer->base, (unsigned)pool->buffer_bytes,
			      buffer->id, io_uring_buf_ring_mask(pool->count), 0);
	io_uring_buf_ring_advance(ring, 1);
}

void uring_wake(struct reactor *r, uint32_t *word)
{
	struct io_uring_sqe *sqe = next_sqe(uring_of(r), 1);

	io_uring_prep_rw(URING_OP_FUTEX_WAKE, sqe,
			 URING_FUTEX2_SIZE_U32 | URING_FUTEX2_PRIVATE, word, 0, 1);
	sqe->addr3 = UINT32_MAX; /* FUTEX_BITSET_MATCH_ANY */
	finish(sqe, TAG_IGNORE, IOSQE_CQE_SKIP_SUCCESS);
}

/*
 * A timeout entry makes the ring readable at the next deadline, for programs
 * that poll it.  One is armed at most; a deadline that went away costs a wake-up
 * for nothing.
 */
void uring_arm_wakeup(struct reactor *r, uint64_t deadline_ns)
{
	struct uring *u = uring_of(r);
	struct io_uring_sqe *sqe;

	if (deadline_ns == UINT64_MAX || (u->wakeup_ns && u->wakeup_ns <= deadline_ns))
		return;
	u->wakeup_ts.tv_sec = (long long)(deadline_ns / NS_PER_S);
	u->wakeup_ts.tv_nsec = (long long)(deadline_ns % NS_PER_S);
	sqe = next_sqe(u, 1);
	if (u->wakeup_ns) {
		io_uring_prep_timeout_update(sqe, &u->wakeup_ts, TAG_WAKEUP,
					     IORING_TIMEOUT_ABS);
		finish(sqe, TAG_IGNORE, IOSQE_CQE_SKIP_SUCCESS);
	} else {
		io_uring_prep_timeout(sqe, &u->wakeup_ts, 0, IORING_TIMEOUT_ABS);
		finish(sqe, TAG_WAKEUP, 0);
	}
	u->wakeup_ns = deadline_ns;
}
