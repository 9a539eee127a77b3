/*
 * The io_uring back end: the way back from other threads, a message to the ring.
 *
 * Since Linux 6.13 such a message needs no ring to send it from; before that each
 * thread has a small one of its own.
 */
#include "reactor/uring.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include "base/alloc.h"
#include "base/clock.h"

struct uring_mailbox {
	struct mailbox base;
	bool has_ring; /* @ring is the thread's own */
	struct io_uring ring;
};

static void prep_message(const struct uring *u, struct io_uring_sqe *sqe,
			 uint64_t user_data, int res)
{
	io_uring_prep_msg_ring(sqe, u->ring.ring_fd, (unsigned)res, user_data, 0);
}

static int post_blind(const struct uring *u, uint64_t user_data, int res)
{
	struct io_uring_sqe sqe;

	memset(&sqe, 0, sizeof(sqe));
	prep_message(u, &sqe, user_data, res);
	return (int)RAW(SYS_io_uring_register, -1, URING_REGISTER_SEND_MSG_RING, &sqe, 1);
}

/* Until the kernel has memory again. */
static void pause_briefly(void)
{
	const struct timespec pause = { .tv_nsec = NS_PER_MS };

	nanosleep(&pause, NULL);
}

static int post_from_ring(struct uring_mailbox *m, uint64_t user_data, int res)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&m->ring);
	struct io_uring_cqe *cqe;
	int ret;

	prep_message(uring_of(m->base.reactor), sqe, user_data, res);
	sqe->user_data = 0;
	while (io_uring_submit_and_wait(&m->ring, 1) < 0)
		pause_briefly();
	ret = io_uring_wait_cqe(&m->ring, &cqe);
	if (ret < 0)
		return ret;
	ret = cqe->res;
	io_uring_cqe_seen(&m->ring, cqe);
	return ret;
}

/* A message that is not taken (the kernel has no memory for it) is sent again. */
void uring_mailbox_post(struct mailbox *mailbox, struct op *op, int res)
{
	struct uring_mailbox *m = container_of(mailbox, struct uring_mailbox, base);

	while ((m->has_ring
			? post_from_ring(m, (uintptr_t)op, res)
			: post_blind(uring_of(mailbox->reactor), (uintptr_t)op, res)) < 0)
		pause_briefly();
}

int uring_mailbox_open(struct reactor *r, struct mailbox **ret_mailbox)
{
	struct uring *u = uring_of(r);
	struct uring_mailbox *m = mem_zalloc(sizeof(*m));
	int ret;

	if (!m)
		return -ENOMEM;
	m->base.reactor = r;
	if (u->mailbox_rings || post_blind(u, TAG_IGNORE, 0) < 0) {
		ret = io_uring_queue_init(4, &m->ring, 0);
		if (ret < 0) {
			mem_free(m);
			return ret;
		}
		m->has_ring = true;
	}
	*ret_mailbox = &m->base;
	return 0;
}

void uring_mailbox_close(struct mailbox *mailbox)
{
	struct uring_mailbox *m = container_of(mailbox, struct uring_mailbox, base);

	if (m->has_ring)
		io_uring_queue_exit(&m->ring);
	mem_free(m);
}
