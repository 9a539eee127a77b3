#include "client/inbox.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include "base/clock.h"
#include "client/client.h"
#include "client/pool.h"
#include "client/remote.h"
#include "client/stats.h"
#include "sys/fd.h"
#include "sys/sock.h"
#include "wire/frame.h"
#include "wire/reply.h"
#include "wire/request.h"

/* So that a fast daemon does not keep a program from its other work. */
enum { RECEIVES_PER_TURN = 8 };

/* Descriptors that may wait for the frames that count them. */
enum { FDS_WAITING_MAX = 512 };

/* Takes them, also when it fails. */
static int keep_fds(struct usp_client *client, const int *fds, unsigned n)
{
	if (buf_append(&client->fds, fds, n * sizeof(*fds)) == 0)
		return 0;
	for (unsigned i = 0; i < n; i++)
		sys_close(fds[i]);
	client_fail(client, -ENOMEM, "no memory for descriptors");
	return -ENOMEM;
}

static ssize_t receive(struct usp_client *client)
{
	int fds[SOCKET_FDS_MAX];
	uint8_t *place;
	unsigned n_fds;
	ssize_t n;

	if (buf_reserve(&client->in, CLIENT_RECEIVE_BYTES, &place)) {
		client_fail(client, -ENOMEM, "no memory to receive");
		return -ENOMEM;
	}
	n = sys_socket_recv(client->fd, place, CLIENT_RECEIVE_BYTES, fds, SOCKET_FDS_MAX,
			    &n_fds, false);
	if (n == -EAGAIN)
		return n;
	if (n == -EMSGSIZE) {
		client_fail(client, -EMFILE,
			    "no room for the descriptors that the daemon at %s gives",
			    client->socket);
		return -EMFILE;
	}
	if (n <= 0) {
		client_fail(client, -EPIPE, "the daemon at %s closed the connection",
			    client->socket);
		return -EPIPE;
	}
	buf_grew(&client->in, (size_t)n);
	if (n_fds && keep_fds(client, fds, n_fds))
		return -ENOMEM;
	return n;
}

/* Give the descriptors that @frame counts.  Returns 0, or -EPROTO: they did not come. */
static int take_fds(struct usp_client *client, const struct frame *frame, int *ret_fds)
{
	size_t size = frame->fds * sizeof(*ret_fds);

	if (frame->fds == 0)
		return 0;
	if (frame->fds > USP_WIRE_FDS_MAX || size > buf_size(&client->fds))
		return -EPROTO;
	memcpy(ret_fds, buf_bytes(&client->fds), size);
	buf_consume(&client->fds, size);
	return 0;
}

/* Returns the bytes of the first frame, 0 when it is not whole, or -EPROTO. */
static int64_t next_frame(struct usp_client *client, struct frame *ret_frame)
{
	int64_t n = frame_decode(buf_bytes(&client->in), buf_size(&client->in),
				 CLIENT_FRAME_BYTES_MAX, ret_frame);

	if (n >= 0)
		return n;
	client_fail(client, -EPROTO, "the daemon sent a frame longer than %u bytes",
		    CLIENT_FRAME_BYTES_MAX);
	return -EPROTO;
}

static int malformed(struct usp_client *client, const struct frame *frame)
{
	client_fail(client, -EPROTO,
		    "the daemon sent a frame that is not the protocol "
		    "(type 0x%02x, job %u)",
		    frame->type, frame->job);
	return -EPROTO;
}

/* A frame of the connection itself. */
static int take_own(struct usp_client *client, const struct frame *frame)
{
	if (frame->type == USP_WIRE_HELLO)
		return malformed(client, frame);
	if (frame->type == USP_WIRE_STATS)
		return stats_tell(client, (const char *)frame->payload,
				  frame->payload_bytes)
			       ? malformed(client, frame)
			       : 0;
	if (frame->type == USP_WIRE_JOB_KILLED)
		return stats_tell_killed(client, frame->job, -(int)frame->arg)
			       ? malformed(client, frame)
			       : 0;
	if (frame->type != USP_WIRE_ERROR)
		return 0;
	client_fail(client, -EPIPE, "the daemon says: %.*s", (int)frame->payload_bytes,
		    (const char *)frame->payload);
	return -EPIPE;
}

/* Returns 1: it was told, and its descriptors with it; 0: it is to be ignored; or
 * -EPROTO. */
static int take_event(struct usp_client *client, const struct frame *frame,
		      const int *fds)
{
	struct reply_room room;
	struct usp_event event;
	struct remote *remote;
	int ret = reply_decode(frame, &room, &event);

	if (ret)
		return ret == -ENOTSUP ? 0 : -EPROTO;
	if (event.kind == USP_EVENT_STARTED)
		reply_place(fds, frame, &room, &event);
	remote = table_get(&client->jobs, frame->job);
	if (!remote || remote_take(remote, &event))
		return -EPROTO;
	return 1;
}

static int take_frame(struct usp_client *client, const struct frame *frame)
{
	int fds[USP_WIRE_FDS_MAX];
	int ret;

	if (take_fds(client, frame, fds))
		return malformed(client, frame);
	if (frame->type == USP_WIRE_POOL_DONE || frame->type == USP_WIRE_POOL_OUTPUT)
		ret = client_pools_take(client, frame);
	else if (frame->job == 0 || frame->type == USP_WIRE_JOB_KILLED)
		ret = take_own(client, frame);
	else
		ret = take_event(client, frame, fds);
	for (unsigned i = 0; i < frame->fds && ret <= 0; i++)
		sys_close(fds[i]);
	if (ret == -EPROTO && !client->error)
		return malformed(client, frame);
	return ret < 0 ? ret : 0;
}

/* Tell every whole frame, from where it lies. */
static int dispatch(struct usp_client *client)
{
	client->undispatched = false;
	for (;;) {
		struct frame frame;
		int64_t n = next_frame(client, &frame);
		int ret;

		if (n <= 0)
			return (int)n;
		if (client->running && client->stop) {
			client->undispatched = true;
			return 0;
		}
		ret = take_frame(client, &frame);
		if (ret)
			return ret;
		buf_consume(&client->in, (size_t)n);
	}
}

void inbox_init(struct usp_client *client)
{
	buf_init(&client->in,
		 USP_WIRE_HEADER_BYTES + CLIENT_FRAME_BYTES_MAX + CLIENT_RECEIVE_BYTES);
	buf_init(&client->fds, FDS_WAITING_MAX * sizeof(int));
}

void inbox_done(struct usp_client *client)
{
	const int *fds = (const int *)(const void *)buf_bytes(&client->fds);

	for (size_t i = 0; i < buf_size(&client->fds) / sizeof(*fds); i++)
		sys_close(fds[i]);
	buf_done(&client->fds);
	buf_done(&client->in);
}

int inbox_turn(struct usp_client *client, bool all)
{
	int ret = dispatch(client);

	for (int i = 0; (all || i < RECEIVES_PER_TURN) && !ret; i++) {
		ssize_t n;

		if (client->undispatched)
			break;
		n = receive(client);
		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int)n;
		ret = dispatch(client);
		if (!all && n < CLIENT_RECEIVE_BYTES)
			break;
	}
	return ret;
}

static int wait_readable(int fd, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		uint64_t now_ns = clock_now_ns();
		int n;

		if (now_ns >= deadline_ns)
			return -ETIMEDOUT;
		n = poll(&p, 1, (int)((deadline_ns - now_ns) / NS_PER_MS + 1));
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

/* What the first frame says.  A refusal is an ERROR whose errno is the answer. */
static int take_greeting(const struct frame *frame, struct hello *ret_hello)
{
	if (frame->job != 0)
		return -EPROTO;
	if (frame->type == USP_WIRE_ERROR)
		return frame->arg > 0 && frame->arg < 4096 ? -(int)frame->arg : -EPROTO;
	if (frame->type != USP_WIRE_HELLO)
		return -EPROTO;
	if (hello_decode(frame->payload, frame->payload_bytes, ret_hello))
		return -EPROTO;
	return hello_version(ret_hello) < 0 ? -EPROTO : 0;
}

int inbox_greeting(struct usp_client *client, uint64_t deadline_ns,
		   struct hello *ret_hello)
{
	struct hello hello;
	struct frame frame;
	int64_t size;
	int ret;

	while ((size = next_frame(client, &frame)) == 0) {
		ssize_t n;

		ret = wait_readable(client->fd, deadline_ns);
		if (ret)
			return ret;
		n = receive(client);
		/* A daemon greets before it closes, whatever the reason. */
		if (n < 0 && n != -EAGAIN)
			return n == -EPIPE ? -EPROTO : (int)n;
	}
	if (size < 0)
		return (int)size;

	ret = take_greeting(&frame, &hello);
	if (ret)
		return ret;
	/* The bytes stay where they are until the next receive. */
	buf_consume(&client->in, (size_t)size);
	*ret_hello = hello;
	return 0;
}
