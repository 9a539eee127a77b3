/*
 * One message of a Unix stream socket, with descriptors.
 */
#ifndef ADDON_MESSAGE_H
#define ADDON_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The kernel's limit (SCM_MAX_FD): so no descriptor that was sent is ever cut off. */
#define MESSAGE_FDS_MAX 253

/** Descriptors that came with a message; they are close-on-exec. */
struct message_fds {
	int fds[MESSAGE_FDS_MAX];
	size_t count;
};

/**
 * Send, without waiting.  Borrows the descriptors: they are on their way when this returns
 * more than 0.  Returns how many bytes were taken, or -errno.
 */
ssize_t message_send(int fd, const uint8_t *bytes, size_t size, const int *fds,
		     size_t count);

/**
 * Receive, without waiting.  Gives the descriptors.  Returns how many bytes came, 0 at the
 * end, or -errno: EPROTO when some descriptors were lost on the way.
 */
ssize_t message_receive(int fd, uint8_t *bytes, size_t size, struct message_fds *ret_fds);

/** Close those that nobody takes. */
void message_close(struct message_fds *fds);

#endif
