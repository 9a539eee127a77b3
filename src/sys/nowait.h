/*
 * Bytes, messages and connections that are there now: each call returns at once, with
 * -EAGAIN where it would have to wait, and without a flag set on the open file, which
 * somebody else may share.
 */
#ifndef SYS_NOWAIT_H
#define SYS_NOWAIT_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Those of @events that hold now, and POLLERR, POLLHUP where they do; 0: none. */
int sys_poll_now(int fd, int events);

/*
 * Returns the bytes read, 0 at the end, or -EAGAIN; -EOPNOTSUPP: this file, or all on
 * this kernel, cannot be asked that way, but by sys_poll_now() and sys_read_ready().
 */
ssize_t sys_read_now(int fd, void *buf, size_t size);

/* @rw_flags: 0 or URING_RWF_NOSIGNAL.  Returns the bytes written, or as above. */
ssize_t sys_write_now(int fd, const void *data, size_t size, int rw_flags);

/* The same for a file that sys_poll_now() found ready.  A write takes part of @data:
 * what a pipe has room for for sure. */
ssize_t sys_read_ready(int fd, void *buf, size_t size);
ssize_t sys_write_ready(int fd, const void *data, size_t size);

/* A close-on-exec descriptor. */
int sys_accept_now(int fd);

/* Descriptors that come are close-on-exec. */
ssize_t sys_recv_now(int fd, struct msghdr *message);

/* Never raises SIGPIPE. */
ssize_t sys_send_now(int fd, const struct msghdr *message);

#endif
