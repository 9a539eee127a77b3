/*
 * Bytes that wait for a socket.  What the socket takes at once is never copied.
 */
#include "outgoing.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* An empty queue keeps no more room than that. */
#define ROOM_KEPT 16384

static int make_room(struct outgoing *out, size_t size)
{
	size_t room = out->room ? out->room : 4096;
	char *data;

	if (out->begin + out->size + size <= out->room)
		return 0;
	if (out->size)
		memmove(out->data, out->data + out->begin, out->size);
	out->begin = 0;
	while (room < out->size + size)
		room *= 2;
	if (room == out->room)
		return 0;
	data = realloc(out->data, room);
	if (!data)
		return -ENOMEM;
	out->data = data;
	out->room = room;
	return 0;
}

/* Forget what has left. */
static void skip(struct outgoing *out, size_t sent)
{
	out->begin += sent;
	out->size -= sent;
	if (out->size)
		return;
	out->begin = 0;
	if (out->room > ROOM_KEPT)
		outgoing_done(out);
}

int outgoing_add(struct outgoing *out, const struct iovec *pieces, int n)
{
	for (int i = 0; i < n; i++) {
		int ret = make_room(out, pieces[i].iov_len);

		if (ret < 0)
			return ret;
		memcpy(out->data + out->begin + out->size, pieces[i].iov_base,
		       pieces[i].iov_len);
		out->size += pieces[i].iov_len;
	}
	return 0;
}

static int add_rest(struct outgoing *out, const struct iovec *pieces, int n, size_t sent)
{
	int ret = 0;

	for (int i = 0; i < n && ret == 0; i++) {
		size_t gone = sent < pieces[i].iov_len ? sent : pieces[i].iov_len;
		struct iovec rest = { (char *)pieces[i].iov_base + gone,
				      pieces[i].iov_len - gone };

		sent -= gone;
		if (rest.iov_len)
			ret = outgoing_add(out, &rest, 1);
	}
	return ret;
}

int outgoing_send(struct outgoing *out, int fd, const struct iovec *pieces, int n)
{
	struct iovec all[1 + OUTGOING_PIECES_MAX];
	struct msghdr message = { .msg_iov = all, .msg_iovlen = (size_t)n + 1 };
	size_t sent, queued;
	ssize_t ret;

	assert(n <= OUTGOING_PIECES_MAX);
	all[0] = (struct iovec){ out->data ? out->data + out->begin : NULL, out->size };
	for (int i = 0; i < n; i++)
		all[1 + i] = pieces[i];
	ret = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (ret < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	sent = ret < 0 ? 0 : (size_t)ret;
	queued = sent < out->size ? sent : out->size;
	skip(out, queued);
	return add_rest(out, pieces, n, sent - queued);
}

void outgoing_done(struct outgoing *out)
{
	free(out->data);
	*out = (struct outgoing){ 0 };
}
