/*
 * The io_uring back end: the way back from other threads, a message to the ring.
 *
 * Since Linux 6.13 such a message needs no ring to send it from; before that each
 * thread has a small one of its own.  So has a thread that hands over descriptors.
 */
#include "reactor/uring.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

struct uring_mailbox {
	struct mailbox base;
	int target;    /* the reactor's ring, in the table that the thread is in */
	bool has_ring; /* @ring is the thread's own, and messages go by it */
	struct io_uring ring;
};

static struct uring_mailbox *mailbox_of(struct mailbox *mailbox)
{
	return container_of(mailbox, struct uring_mailbox, base);
}

static int post_blind(const struct uring_mailbox *m, uint64_t user_data, int res)
{
	struct io_uring_sqe sqe;

	memset(&sqe, 0, sizeof(sqe));
	io_uring_prep_msg_ring(&sqe, m->target, (unsigned)res, user_data, 0);
	return (int)RAW(SYS_io_uring_register, -1, URING_REGISTER_SEND_MSG_RING, &sqe, 1);
}

/* Until the kernel has memory again. */
static void pause_briefly(void)
{
	const struct timespec pause = { .tv_nsec = NS_PER_MS };

	nanosleep(&pause, NULL);
}

/* Hand over what is queued and wait for as many completions. */
static void submit(struct uring_mailbox *m)
{
	unsigned n = io_uring_sq_ready(&m->ring);

	while (io_uring_submit_and_wait(&m->ring, n) < 0 || io_uring_sq_ready(&m->ring))
		pause_briefly();
}

/* One completion: what it is of, and its result. */
static int take_result(struct uring_mailbox *m, uint64_t *ret_user_data)
{
	struct io_uring_cqe *cqe;
	int ret;

	while (io_uring_wait_cqe(&m->ring, &cqe) < 0)
		pause_briefly();
	ret = cqe->res;
	*ret_user_data = cqe->user_data;
	io_uring_cqe_seen(&m->ring, cqe);
	return ret;
}

static int post_from_ring(struct uring_mailbox *m, uint64_t user_data, int res)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&m->ring);
	uint64_t ignored;

	io_uring_prep_msg_ring(sqe, m->target, (unsigned)res, user_data, 0);
	sqe->user_data = 0;
	submit(m);
	return take_result(m, &ignored);
}

/* A message that is not taken (the kernel has no memory for it) is sent again. */
void uring_mailbox_post(struct mailbox *mailbox, struct op *op, int res)
{
	struct uring_mailbox *m = mailbox_of(mailbox);

	while ((m->has_ring ? post_from_ring(m, (uintptr_t)op, res)
			    : post_blind(m, (uintptr_t)op, res)) < 0)
		pause_briefly();
}

/* ---- in a table of the thread's own -------------------------------------- */

#define RING_ENTRIES 64u

/* Of an entry that completes in silence; of others, what they are about. */
#define NOTHING 0

static int open_ring(struct uring_mailbox *m)
{
	int ret = io_uring_queue_init(RING_ENTRIES, &m->ring, 0);

	if (ret < 0)
		return ret;
	ret = io_uring_register_files_sparse(&m->ring, MAILBOX_FILES_MAX);
	if (ret < 0)
		io_uring_queue_exit(&m->ring);
	return ret;
}

static void hand_over(struct uring_mailbox *m)
{
	while (io_uring_sq_ready(&m->ring) && io_uring_submit(&m->ring) < 0)
		pause_briefly();
}

/* Entries are carried out in their order as they are handed over: early does no harm. */
static struct io_uring_sqe *next_sqe(struct uring_mailbox *m)
{
	if (!io_uring_sq_space_left(&m->ring))
		hand_over(m);
	return io_uring_get_sqe(&m->ring);
}

static void finish(struct io_uring_sqe *sqe, uint64_t user_data)
{
	sqe->user_data = user_data;
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

/* The message says how many files belong to it: they may come before it, or after. */
static void prep_message(struct uring_mailbox *m, uint64_t user_data, int res, unsigned n)
{
	struct io_uring_sqe *sqe = next_sqe(m);

	io_uring_prep_msg_ring(sqe, m->target, (unsigned)res, user_data, 0);
	sqe->msg_ring_flags = URING_MSG_RING_FLAGS_PASS;
	sqe->file_index = n << IORING_CQE_BUFFER_SHIFT;
	sqe->user_data = NOTHING;
}

/* Send a message that must arrive, and nothing else that is on its way. */
static void send_message(struct uring_mailbox *m, uint64_t user_data, int res,
			 unsigned n);

/* One that went wrong is told of by a message of its own in its place. */
static void report(struct uring_mailbox *m, const struct io_uring_cqe *cqe)
{
	if (cqe->user_data != TAG_IGNORE)
		send_message(m, cqe->user_data, cqe->res, 0);
}

/*
 * Wait for the message's completion, which has no user_data.  Failures of files found
 * on the way are reported afterwards.
 */
static bool is_sent(struct uring_mailbox *m)
{
	struct io_uring_cqe *cqe, failed[MAILBOX_FILES_MAX];
	unsigned n_failed = 0;
	bool is_last = false;
	int ret = 0;

	while (!is_last) {
		if (io_uring_wait_cqe(&m->ring, &cqe) < 0) {
			pause_briefly();
			continue;
		}
		is_last = cqe->user_data == NOTHING;
		ret = cqe->res;
		if (!is_last && n_failed < MAILBOX_FILES_MAX)
			failed[n_failed++] = *cqe;
		io_uring_cqe_seen(&m->ring, cqe);
	}
	for (unsigned i = 0; i < n_failed; i++)
		report(m, &failed[i]);
	return ret >= 0;
}

static void send_message(struct uring_mailbox *m, uint64_t user_data, int res, unsigned n)
{
	prep_message(m, user_data, res, n);
	hand_over(m);
	while (!is_sent(m)) {
		pause_briefly();
		prep_message(m, user_data, res, n);
		hand_over(m);
	}
}

bool uring_mailbox_can_move(struct mailbox *mailbox)
{
	struct uring_mailbox *m = mailbox_of(mailbox);
	struct uring_mailbox trial = { .base = m->base, .target = m->target };
	bool can;

	if (m->has_ring)
		return false; /* its ring is in the table that is to be left */
	if (open_ring(&trial) < 0)
		return false;
	prep_message(&trial, TAG_IGNORE, 0, 0);
	hand_over(&trial);
	can = is_sent(&trial);
	io_uring_queue_exit(&trial.ring);
	return can;
}

int uring_mailbox_move(struct mailbox *mailbox, int host)
{
	struct uring_mailbox *m = mailbox_of(mailbox);
	int target = sys_pidfd_fetch(host, uring_of(mailbox->reactor)->ring.ring_fd);
	int ret = target < 0 ? target : open_ring(m);

	if (ret < 0) {
		sys_close(target);
		return ret;
	}
	m->target = target;
	return 0;
}

void uring_mailbox_leave(struct mailbox *mailbox)
{
	io_uring_queue_exit(&mailbox_of(mailbox)->ring);
}

static void prep_places(struct uring_mailbox *m, int *places, unsigned n)
{
	struct io_uring_sqe *sqe = next_sqe(m);

	io_uring_prep_files_update(sqe, places, n, 0);
	finish(sqe, TAG_IGNORE);
}

static void prep_file(struct uring_mailbox *m, struct op *op, unsigned i, int slot)
{
	struct io_uring_sqe *sqe = next_sqe(m);
	uint64_t user_data = (uintptr_t)op + TAG_FILE;

	io_uring_prep_rw(IORING_OP_MSG_RING, sqe, m->target,
			 (void *)(uintptr_t)IORING_MSG_SEND_FD, 0, user_data);
	sqe->addr3 = i;
	sqe->file_index = (unsigned)slot + 1;
	finish(sqe, user_data);
}

/*
 * All in one system call.  No order on the way is relied on: messages with data have
 * overtaken files (Linux 6.12 to 6.18), so each file is counted as it comes.  The files
 * leave this ring's table at once: our ends must be nobody's but the reactor's.
 */
void uring_mailbox_post_files(struct mailbox *mailbox, struct op *op, int res,
			      const struct mailbox_files *files)
{
	struct uring_mailbox *m = mailbox_of(mailbox);
	int places[MAILBOX_FILES_MAX], none[MAILBOX_FILES_MAX];

	for (unsigned i = 0; i < files->n; i++) {
		places[i] = files->fds[i];
		none[i] = -1;
	}
	if (files->n)
		prep_places(m, places, files->n);
	for (unsigned i = 0; i < files->n; i++)
		prep_file(m, op, i, files->slots[i]);
	if (files->n)
		prep_places(m, none, files->n);
	for (unsigned i = 0; i < files->n; i++) {
		struct io_uring_sqe *sqe = next_sqe(m);

		io_uring_prep_close(sqe, files->fds[i]);
		finish(sqe, TAG_IGNORE);
	}
	send_message(m, (uintptr_t)op, res, files->n);
}

/* What is found here are failures alone. */
void uring_mailbox_look(struct mailbox *mailbox)
{
	struct uring_mailbox *m = mailbox_of(mailbox);
	struct io_uring_cqe *cqe, failed;

	while (io_uring_peek_cqe(&m->ring, &cqe) == 0) {
		failed = *cqe;
		io_uring_cqe_seen(&m->ring, cqe);
		report(m, &failed);
	}
}

/* ---- opening and closing ------------------------------------------------- */

int uring_mailbox_open(struct reactor *r, struct mailbox **ret_mailbox)
{
	struct uring *u = uring_of(r);
	struct uring_mailbox *m = mem_zalloc(sizeof(*m));
	int ret;

	if (!m)
		return -ENOMEM;
	m->base.reactor = r;
	m->target = u->ring.ring_fd;
	if (u->mailbox_rings || post_blind(m, TAG_IGNORE, 0) < 0) {
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
	struct uring_mailbox *m = mailbox_of(mailbox);

	if (m->has_ring)
		io_uring_queue_exit(&m->ring);
	mem_free(m);
}
