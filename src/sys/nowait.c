/*
 * Bytes, messages and connections that are there now.
 */
#include "sys/nowait.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <sys/uio.h>
#include <unistd.h>

int sys_poll_now(int fd, int events)
{
	struct pollfd pollfd = { .fd = fd, .events = (short)events };
	int n;

	do
		n = poll(&pollfd, 1, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : pollfd.revents;
}

/* Offset -1: where the file stands, as read() does. */
ssize_t sys_read_now(int fd, void *buf, size_t size)
{
	const struct iovec iov = { .iov_base = buf, .iov_len = size };
	ssize_t n = preadv2(fd, &iov, 1, -1, RWF_NOWAIT);

	return n < 0 ? -errno : n;
}

ssize_t sys_write_now(int fd, const void *data, size_t size, int rw_flags)
{
	const struct iovec iov = { .iov_base = (void *)data, .iov_len = size };
	ssize_t n = pwritev2(fd, &iov, 1, -1, RWF_NOWAIT | rw_flags);

	return n < 0 ? -errno : n;
}

ssize_t sys_read_ready(int fd, void *buf, size_t size)
{
	ssize_t n = read(fd, buf, size);

	return n < 0 ? -errno : n;
}

ssize_t sys_write_ready(int fd, const void *data, size_t size)
{
	ssize_t n = write(fd, data, size < PIPE_BUF ? size : PIPE_BUF);

	return n < 0 ? -errno : n;
}

/* There is no flag for it: a listener that another process may share, and empty, has
 * to be looked at first. */
int sys_accept_now(int fd)
{
	int ret = sys_poll_now(fd, POLLIN);

	if (ret <= 0)
		return ret < 0 ? ret : -EAGAIN;
	ret = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	return ret < 0 ? -errno : ret;
}

ssize_t sys_recv_now(int fd, struct msghdr *message)
{
	ssize_t n = recvmsg(fd, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	return n < 0 ? -errno : n;
}

ssize_t sys_send_now(int fd, const struct msghdr *message)
{
	ssize_t n = sendmsg(fd, message, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 ? -errno : n;
}
