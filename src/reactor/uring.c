/*
 * The io_uring back end: set-up, waiting, and completions.
 *
 * How each operation is put into the submission queue is in uring_arm.c.  All
 * that is armed in a turn is submitted by the io_uring_enter() that waits for the
 * next: there is no other system call on the way of a process.
 */
#include "reactor/uring.h"

#include <errno.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "sys/fd.h"
#include "sys/pidfd.h"
#include "sys/signals.h"

#define BATCH 256

/* Below this a turn of a busy daemon would be submitted in too many pieces. */
#define URING_ENTRIES_MIN 16

/* ---- completions --------------------------------------------------------- */

/* What was received into a buffer: behind the header of a multishot recvmsg. */
static int unwrap(struct uring *u, struct buffer *buffer, int res)
{
	struct io_uring_recvmsg_out *out;

	out = io_uring_recvmsg_validate(buffer->base, res, &u->recv_template);
	if (!out)
		return -EPROTO;
	buffer->control = buffer->base + sizeof(*out) + u->recv_template.msg_namelen;
	buffer->control_bytes = out->controllen;
	buffer->truncated = out->flags & MSG_CTRUNC;
	buffer->payload = buffer->control + u->recv_template.msg_controllen;
	return (int)out->payloadlen;
}

/*
 * Writing to a pipe that nobody reads raises SIGPIPE in this thread, unless the
 * kernel can be told not to (Linux 6.18); where it cannot, the thread blocks it.
 */
static bool refused_no_signal(struct uring *u, const struct op *op, int res)
{
	if (op->kind != OP_WRITE || !u->write_flags ||
	    (res != -EOPNOTSUPP && res != -EINVAL))
		return false;
	u->write_flags = 0;
	sys_block_sigpipe();
	return true;
}

/*
 * The child is gone, and what it used is asked for as it is reaped, unless its tracer
 * has not let it go: the reactor must not stand still for that one, so it is waited for
 * without.
 */
static bool cannot_reap(struct op *op, int *res)
{
	if (op->kind != OP_WAIT_EXIT || !op->usage || *res <= 0)
		return false;
	*res = sys_reap_now(P_PID, (id_t)op->pid, op->info, op->usage);
	if (*res != -EAGAIN)
		return false;
	op->usage = NULL;
	return true;
}

/* A message has come, or a file with it; the last of them completes the operation. */
static void complete_posted(struct uring *u, struct op *op) REACTOR_ONLY
{
	const struct completion done = { .res = op->told_res };

	if (op->is_told && op->files_here == op->files_due)
		reactor_complete(&u->base, op, &done);
}

static void take_message(struct uring *u, struct op *op,
			 const struct io_uring_cqe *cqe) REACTOR_ONLY
{
	op->is_told = true;
	op->files_due = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
	if (op->told_res == 0)
		op->told_res = cqe->res;
	complete_posted(u, op);
}

static void take_file(struct uring *u, const struct io_uring_cqe *cqe) REACTOR_ONLY
{
	struct op *op = (struct op *)(uintptr_t)(cqe->user_data - TAG_FILE);

	op->files_here++;
	if (cqe->res < 0)
		op->told_res = cqe->res;
	complete_posted(u, op);
}

static void complete(struct uring *u, const struct io_uring_cqe *cqe) REACTOR_ONLY
{
	struct op *op = (struct op *)(uintptr_t)cqe->user_data;
	struct completion done = {
		.res = cqe->res,
		.more = cqe->flags & IORING_CQE_F_MORE,
	};

	if (cqe->flags & IORING_CQE_F_BUFFER) {
		struct pool *pool =
			op->kind == OP_RECV ? &u->base.recv_pool : &u->base.read_pool;

		done.buffer = &pool->buffers[cqe->flags >> IORING_CQE_BUFFER_SHIFT];
		done.buffer->payload = done.buffer->base;
		pool->free--;
		if (op->kind == OP_RECV && done.res > 0)
			done.res = unwrap(u, done.buffer, done.res);
	}
	if (done.res == -ENOBUFS && (op->kind == OP_READ || op->kind == OP_RECV)) {
		reactor_park(&u->base, op);
		return;
	}
	if (refused_no_signal(u, op, done.res) || cannot_reap(op, &done.res)) {
		if (op->state == OP_ARMED) {
			uring_arm(&u->base, op);
			return;
		}
		done.res = -ECANCELED;
	}
	reactor_complete(&u->base, op, &done);
}

static void dispatch(struct uring *u, const struct io_uring_cqe *cqe) REACTOR_ONLY
{
	switch (cqe->user_data) {
	case TAG_IGNORE:
		return;
	case TAG_WAKEUP:
		u->wakeup_ns = 0;
		return;
	default:
		if (cqe->user_data & TAG_FILE)
			take_file(u, cqe);
		else if (((struct op *)(uintptr_t)cqe->user_data)->kind == OP_POSTED)
			take_message(u, (struct op *)(uintptr_t)cqe->user_data, cqe);
		else
			complete(u, cqe);
	}
}

/* Copy completions out, free their places, and only then run callbacks. */
static unsigned uring_reap(struct reactor *r) REACTOR_ONLY
{
	struct uring *u = uring_of(r);
	struct io_uring_cqe *cqes[BATCH], batch[BATCH];
	unsigned n = io_uring_peek_batch_cqe(&u->ring, cqes, BATCH);

	for (unsigned i = 0; i < n; i++)
		batch[i] = *cqes[i];
	io_uring_cq_advance(&u->ring, n);
	for (unsigned i = 0; i < n; i++)
		dispatch(u, &batch[i]);
	return n;
}

/* ---- waiting ------------------------------------------------------------- */

/* What the next turn cures by itself: time, signals, completions to be taken first. */
static int passing(int ret)
{
	bool cured = ret == -ETIME || ret == -EINTR || ret == -EBUSY || ret == -EAGAIN;

	return ret < 0 && !cured ? ret : 0;
}

static int uring_enter(struct reactor *r, bool wait, uint64_t deadline_ns)
{
	struct uring *u = uring_of(r);
	struct __kernel_timespec ts, *timeout = NULL;
	struct io_uring_cqe *cqe;

	r->stats.enters++;
	if (!wait) {
		/* While completions wait to be taken the descriptor must say so. */
		if (!io_uring_cq_ready(&u->ring))
			sys_event_clear(u->event_fd);
		return passing(io_uring_submit_and_get_events(&u->ring));
	}
	if (deadline_ns != UINT64_MAX) {
		uint64_t now_ns = clock_now_ns();
		uint64_t left = deadline_ns > now_ns ? deadline_ns - now_ns : 0;

		ts.tv_sec = (long long)(left / NS_PER_S);
		ts.tv_nsec = (long long)(left % NS_PER_S);
		timeout = &ts;
	}
	return passing(
		io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, timeout, NULL));
}

static bool uring_is_handed_over(struct reactor *r)
{
	return io_uring_sq_ready(&uring_of(r)->ring) == 0;
}

/*
 * The ring's own descriptor answers poll() as well, but not reliably: with
 * deferred task work a poller can sleep on while work is pending (Linux 6.18, about
 * one start of a hundred).  An eventfd is signalled as work comes.  It is
 * made when it is asked for: who does not poll does not pay for it.
 */
static int uring_fd(struct reactor *r)
{
	struct uring *u = uring_of(r);
	int fd, ret;

	if (u->event_fd >= 0)
		return u->event_fd;
	fd = sys_event_open();
	if (fd < 0)
		return fd;
	ret = io_uring_register_eventfd(&u->ring, fd);
	if (ret < 0) {
		sys_close(fd);
		return ret;
	}
	return u->event_fd = fd;
}

/* ---- set-up -------------------------------------------------------------- */

static int open_pool(struct uring *u, struct pool *pool,
		     struct io_uring_buf_ring **ret_ring, unsigned count, size_t size)
{
	struct io_uring_buf_reg reg = { .ring_entries = count };
	int ret = pool_init(pool, count, size);

	if (ret < 0)
		return ret;
	*ret_ring = sys_map(count * sizeof(struct io_uring_buf));
	if (!*ret_ring)
		return -ENOMEM;
	io_uring_buf_ring_init(*ret_ring);
	for (unsigned i = 0; i < count; i++)
		io_uring_buf_ring_add(*ret_ring, pool->buffers[i].base, (unsigned)size,
				      (unsigned short)i, io_uring_buf_ring_mask(count),
				      (int)i);
	io_uring_buf_ring_advance(*ret_ring, (int)count);
	reg.ring_addr = (uintptr_t)*ret_ring;
	reg.bgid = pool == &u->base.read_pool ? GROUP_READ : GROUP_RECV;
	return io_uring_register_buf_ring(&u->ring, &reg, 0);
}

static int open_ring(struct uring *u, unsigned entries)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
		.cq_entries = entries * 8,
	};
	int ret;

	ret = io_uring_queue_init_params(entries, &u->ring, &p);
	if (ret < 0)
		u->ring.ring_fd = -1; /* it may have been cleared: 0 is not ours */
	return ret;
}

/* An operation that this kernel lacks makes the whole back end unfit. */
static int check_operations(struct uring *u)
{
	static const int needed[] = {
		URING_OP_READ_MULTISHOT,   URING_OP_WAITID,    URING_OP_FUTEX_WAKE,
		URING_OP_FIXED_FD_INSTALL, IORING_OP_MSG_RING,
	};
	struct io_uring_probe *probe = io_uring_get_probe_ring(&u->ring);
	int ret = 0;

	if (!probe)
		return -ENOSYS;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!io_uring_opcode_supported(probe, needed[i]))
			ret = -ENOSYS;
	io_uring_free_probe(probe);
	return ret;
}

static int set_up(struct uring *u, const struct reactor_options *options)
{
	unsigned one_each[2] = { 1, 1 };
	int ret;

	ret = check_operations(u);
	if (ret < 0)
		return ret;
	ret = io_uring_register_ring_fd(&u->ring);
	if (ret < 0)
		return ret;
	/* Nothing here is meant to run there: what does must not make threads. */
	(void)io_uring_register_iowq_max_workers(&u->ring, one_each);
	ret = io_uring_register_files_sparse(&u->ring, options->slots);
	if (ret < 0)
		return ret;
	ret = open_pool(u, &u->base.read_pool, &u->read_ring, options->read_buffers,
			READ_BUFFER_BYTES);
	if (ret < 0 || !options->recv_buffers)
		return ret;
	return open_pool(u, &u->base.recv_pool, &u->recv_ring, options->recv_buffers,
			 RECV_BUFFER_BYTES);
}

static void uring_close(struct reactor *r)
{
	struct uring *u = uring_of(r);

	/* The kernel lets go of what is registered some time after the ring's end:
	 * what is still in a slot is closed here and now. */
	for (unsigned i = 0; i < r->n_slots; i++)
		if (r->slot_filled && r->slot_filled[i])
			r->backend->slot_close(r, (int)i);
	if (u->ring.ring_fd >= 0) {
		(void)io_uring_submit(&u->ring);
		io_uring_queue_exit(&u->ring);
	}
	sys_close(u->event_fd);
	sys_unmap(u->read_ring, r->read_pool.count * sizeof(struct io_uring_buf));
	sys_unmap(u->recv_ring, r->recv_pool.count * sizeof(struct io_uring_buf));
	mem_free(u->fill_fds);
	reactor_common_done(r);
	mem_free(u);
}

static const struct backend uring_backend = {
	.name = "io_uring",
	.arm = uring_arm,
	.cancel = uring_cancel,
	.slot_fill = uring_slot_fill,
	.slot_close = uring_slot_close,
	.buffer_give_back = uring_buffer_give_back,
	.wake = uring_wake,
	.enter = uring_enter,
	.reap = uring_reap,
	.arm_wakeup = uring_arm_wakeup,
	.fd = uring_fd,
	.mailbox_open = uring_mailbox_open,
	.mailbox_close = uring_mailbox_close,
	.mailbox_post = uring_mailbox_post,
	.mailbox_can_move = uring_mailbox_can_move,
	.mailbox_move = uring_mailbox_move,
	.mailbox_leave = uring_mailbox_leave,
	.mailbox_post_files = uring_mailbox_post_files,
	.mailbox_look = uring_mailbox_look,
	.is_handed_over = uring_is_handed_over,
	.close = uring_close,
};

static int open_with(const struct reactor_options *options, unsigned entries,
		     struct reactor **ret_reactor)
{
	struct uring *u = mem_zalloc(sizeof(*u));
	int ret;

	if (!u)
		return -ENOMEM;
	u->base.backend = &uring_backend;
	u->ring.ring_fd = u->event_fd = -1;
	u->mailbox_rings = options->mailbox_rings;
	u->write_flags = URING_RWF_NOSIGNAL;
	u->recv_template.msg_controllen = RECV_CONTROL_BYTES;
	ret = open_ring(u, entries);
	if (ret < 0)
		goto fail;
	u->fill_fds = mem_alloc(u->ring.sq.ring_entries * sizeof(*u->fill_fds));
	ret = u->fill_fds ? reactor_common_init(&u->base, options->slots) : -ENOMEM;
	if (ret < 0)
		goto fail;
	ret = set_up(u, options);
	if (ret < 0)
		goto fail;
	*ret_reactor = &u->base;
	return 0;
fail:
	uring_close(&u->base);
	return ret;
}

/*
 * The ring's memory counts as locked memory of the user on some kernels (6.16 and
 * 6.18 among them).  A smaller ring does the same work with more system calls.
 */
int uring_open(const struct reactor_options *options, struct reactor **ret_reactor)
{
	unsigned entries = options->entries;
	int ret;

	do {
		ret = open_with(options, entries, ret_reactor);
		entries /= 2;
	} while (ret == -ENOMEM && entries >= URING_ENTRIES_MIN);
	return ret;
}
