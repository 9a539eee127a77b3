/*
 * One message of a Unix stream socket, with descriptors.  Nothing of JavaScript is here.
 */
#include "message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union control {
	struct cmsghdr header; /* for the alignment */
	char bytes[CMSG_SPACE(MESSAGE_FDS_MAX * sizeof(int))];
};

static void put_fds(struct msghdr *message, union control *control, const int *fds,
		    size_t count)
{
	struct cmsghdr *header;

	memset(control, 0, sizeof(*control));
	message->msg_control = control->bytes;
	message->msg_controllen = CMSG_SPACE(count * sizeof(int));
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
}

ssize_t message_send(int fd, const uint8_t *bytes, size_t size, const int *fds,
		     size_t count)
{
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union control control;
	ssize_t sent;

	if (count > 0)
		put_fds(&message, &control, fds, count);
	do
		sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

static void take_fds(struct msghdr *message, struct message_fds *ret_fds)
{
	struct cmsghdr *header;

	ret_fds->count = 0;
	for (header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(ret_fds->fds + ret_fds->count, CMSG_DATA(header),
		       count * sizeof(int));
		ret_fds->count += count;
	}
}

ssize_t message_receive(int fd, uint8_t *bytes, size_t size, struct message_fds *ret_fds)
{
	struct iovec part = { .iov_base = bytes, .iov_len = size };
	union control control;
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	ssize_t came;

	ret_fds->count = 0;
	do
		came = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (came < 0 && errno == EINTR);
	if (came < 0)
		return -errno;
	take_fds(&message, ret_fds);
	if (message.msg_flags & MSG_CTRUNC) {
		message_close(ret_fds);
		return -EPROTO;
	}
	return came;
}

void message_close(struct message_fds *fds)
{
	while (fds->count > 0)
		(void)close(fds->fds[--fds->count]);
}
