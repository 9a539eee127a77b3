/*
 * The epoll back end: each kind of operation as a system call that does not wait.
 */
#include "reactor/epoll.h"

#include <assert.h>
#include <errno.h>
#include "sys/fd.h"
#include "sys/nowait.h"
#include "sys/pidfd.h"
#include "sys/signals.h"

/* Always reported, asked for or not. */
#define ALWAYS (EPOLLERR | EPOLLHUP | EPOLLRDHUP)

uint32_t epoll_needs(const struct op *op)
{
	switch (op->kind) {
	case OP_POLL:
		return op->events | ALWAYS;
	case OP_WRITE:
	case OP_SEND:
		return EPOLLOUT | ALWAYS;
	default:
		return EPOLLIN | ALWAYS;
	}
}

/* ---- buffers ------------------------------------------------------------- */

static struct spares *spares_of(struct epoll *e, const struct pool *pool)
{
	return pool == &e->base.read_pool ? &e->reads : &e->recvs;
}

static struct buffer *take_buffer(struct epoll *e, struct pool *pool)
{
	return spares_of(e, pool)->buffers[--pool->free];
}

void epoll_buffer_give_back(struct reactor *r, struct buffer *buffer)
{
	struct pool *pool = buffer->pool;

	spares_of(epoll_of(r), pool)->buffers[pool->free - 1] = buffer;
}

/* A buffer that nothing came into. */
static void put_back(struct epoll *e, struct buffer *buffer)
{
	buffer->pool->free++;
	epoll_buffer_give_back(&e->base, buffer);
}

/* ---- bytes --------------------------------------------------------------- */

static ssize_t read_into(struct file *file, void *bytes, size_t size)
{
	int events;

	if (!file->blocks) {
		ssize_t n = sys_read_now(file->fd, bytes, size);

		if (n != -EOPNOTSUPP)
			return n;
		file->blocks = true;
	}
	events = sys_poll_now(file->fd, EPOLLIN);
	if (events <= 0)
		return events < 0 ? events : -EAGAIN;
	return sys_read_ready(file->fd, bytes, size);
}

static int try_read(struct epoll *e, const struct op *op, struct buffer **ret_buffer)
{
	bool limited = !op->multishot && op->limit < READ_BUFFER_BYTES;
	struct buffer *buffer = take_buffer(e, &e->base.read_pool);
	ssize_t n = read_into(epoll_file(e, op), buffer->base,
			      limited ? op->limit : READ_BUFFER_BYTES);

	if (n <= 0) {
		put_back(e, buffer);
		return (int)n;
	}
	buffer->payload = buffer->base;
	*ret_buffer = buffer;
	return (int)n;
}

/*
 * Writing to a pipe that nobody reads raises SIGPIPE in this thread, unless the
 * kernel can be told not to (Linux 6.18); where it cannot, the thread blocks it.
 */
static void forgo_no_signal(struct epoll *e)
{
	if (e->write_flags)
		sys_block_sigpipe();
	e->write_flags = 0;
}

/* Either flag of the first call may be what the kernel, or the file, does not know. */
static int try_write(struct epoll *e, const struct op *op)
{
	struct file *file = epoll_file(e, op);
	int events;

	while (!file->blocks) {
		ssize_t n = sys_write_now(file->fd, op->data, op->size, e->write_flags);

		if (n != -EOPNOTSUPP && (n != -EINVAL || !e->write_flags))
			return (int)n;
		file->blocks = !e->write_flags;
		forgo_no_signal(e);
	}
	events = sys_poll_now(file->fd, EPOLLOUT);
	if (events <= 0)
		return events < 0 ? events : -EAGAIN;
	forgo_no_signal(e);
	return (int)sys_write_ready(file->fd, op->data, op->size);
}

/* ---- messages ------------------------------------------------------------ */

/* Control messages first, then the bytes, as io_uring lays it out. */
static int try_recv(struct epoll *e, const struct op *op, struct buffer **ret_buffer)
{
	const size_t control_bytes = RECV_CONTROL_BYTES;
	struct buffer *buffer = take_buffer(e, &e->base.recv_pool);
	struct iovec iov = { .iov_base = buffer->base + control_bytes,
			     .iov_len = RECV_BUFFER_BYTES - control_bytes };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = buffer->base,
				  .msg_controllen = control_bytes };
	ssize_t n = sys_recv_now(epoll_file(e, op)->fd, &message);

	if (n <= 0) {
		put_back(e, buffer);
		return (int)n;
	}
	buffer->control = buffer->base;
	buffer->control_bytes = message.msg_controllen;
	buffer->truncated = message.msg_flags & MSG_CTRUNC;
	buffer->payload = iov.iov_base;
	*ret_buffer = buffer;
	return (int)n;
}

/* ---- all ----------------------------------------------------------------- */

static int try_poll(const struct file *file, const struct op *op)
{
	int events = sys_poll_now(file->fd, (int)epoll_needs(op));

	return events == 0 ? -EAGAIN : events;
}

int epoll_try(struct epoll *e, const struct op *op, struct buffer **ret_buffer)
{
	struct file *file = epoll_file(e, op);

	switch (op->kind) {
	case OP_POLL:
		return try_poll(file, op);
	case OP_READ:
		return try_read(e, op, ret_buffer);
	case OP_WRITE:
		return try_write(e, op);
	case OP_ACCEPT:
		return sys_accept_now(file->fd);
	case OP_RECV:
		return try_recv(e, op, ret_buffer);
	case OP_SEND:
		return (int)sys_send_now(file->fd, op->message);
	case OP_WAIT_EXIT:
		return sys_reap_now(P_PIDFD, (id_t)file->fd, op->info, op->usage);
	case OP_INSTALL:
		return sys_dup(file->fd);
	case OP_POSTED:
		break;
	}
	assert(false && "not an operation of a file");
	return -EINVAL;
}
