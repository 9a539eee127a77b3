/*
 * The new daemon's side: a client that blocks, for it has nothing else to do yet.
 */
#include "daemon/replace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <uringspawn/version.h>
#include <uringspawn/wire.h>
#include "base/buf.h"
#include "base/err.h"
#include "daemon/intake.h"
#include "daemon/peer.h"
#include "sys/fd.h"
#include "wire/frame.h"
#include "wire/request.h"

#define ANSWER_BYTES_MAX 65536
#define PATIENCE_S	 5

static int refuse(const char *name, int error, const char *why)
{
	log_say(LOG_LEVEL_ERROR, "cannot replace the daemon on %s: %s", name, why);
	return error;
}

/* ---- asking -------------------------------------------------------------- */

static int put_frame(struct buf *out, struct frame *frame, const struct buf *payload)
{
	uint8_t header[USP_WIRE_HEADER_BYTES];
	int ret;

	frame->payload_bytes = payload ? (uint32_t)buf_size(payload) : 0;
	frame_encode_header(frame, header);
	ret = buf_append(out, header, sizeof(header));
	if (ret == 0 && payload)
		ret = buf_append(out, buf_bytes(payload), buf_size(payload));
	return ret;
}

static int put_question(struct buf *out)
{
	static const char name[] = "uringspawnd " USP_VERSION;
	const struct hello hello = {
		.version_min = USP_WIRE_VERSION_MIN,
		.version_max = USP_WIRE_VERSION_MAX,
		.frame_bytes = ANSWER_BYTES_MAX,
		.name = { name, sizeof(name) - 1 },
	};
	struct frame greeting = { .type = USP_WIRE_HELLO };
	struct frame ask = { .type = USP_WIRE_REPLACE, .arg = USP_WIRE_REPLACE_ASK };
	struct buf payload;
	int ret;

	buf_init(&payload, 256);
	ret = hello_encode(&hello, &payload);
	if (ret == 0)
		ret = put_frame(out, &greeting, &payload);
	if (ret == 0)
		ret = put_frame(out, &ask, NULL);
	buf_done(&payload);
	return ret;
}

static int send_question(int fd)
{
	struct iovec iov;
	struct buf out;
	ssize_t n;
	int ret;

	buf_init(&out, 1024);
	ret = put_question(&out);
	iov = (struct iovec){ buf_bytes(&out), buf_size(&out) };
	if (ret == 0) {
		n = sys_socket_send(fd, &iov, 1, NULL, 0, true);
		ret = n < 0 ? (int)n : n < (ssize_t)iov.iov_len ? -EPIPE : 0;
	}
	buf_done(&out);
	return ret;
}

/* ---- the answer ---------------------------------------------------------- */

/* Returns 1: that is the answer; 0: more is to come; -errno. */
static int read_frame(struct intake *in, const struct frame *frame, const char *name,
		      struct handed_over *handed)
{
	char sentence[128];

	if (frame->type == USP_WIRE_HELLO)
		return 0;
	if (frame->type == USP_WIRE_ERROR) {
		snprintf(sentence, sizeof(sentence), "it says: %.*s",
			 (int)(frame->payload_bytes < 100 ? frame->payload_bytes : 100),
			 (const char *)frame->payload);
		return refuse(name, -EPROTO, sentence);
	}
	if (frame->type != USP_WIRE_REPLACED || frame->fds > CONFIG_SOCKETS_MAX ||
	    frame->fds == 0 || intake_take_fds(in, frame->fds, handed->fds) < 0)
		return refuse(name, -EPROTO, "its answer makes no sense");
	handed->n = frame->fds;
	handed->owned = frame->arg;
	return 1;
}

static int read_frames(struct intake *in, const uint8_t *bytes, size_t size,
		       const char *name, struct handed_over *handed)
{
	struct frame frame;
	int ret;

	while ((ret = intake_next(in, &bytes, &size, &frame)) == 1) {
		ret = read_frame(in, &frame, name, handed);
		if (ret != 0)
			return ret;
	}
	return ret < 0 ? refuse(name, ret, err_name(-ret)) : 0;
}

static int receive(int fd, struct intake *in, const char *name,
		   struct handed_over *handed)
{
	uint8_t bytes[4096];
	int fds[SOCKET_FDS_MAX];
	unsigned n_fds;
	ssize_t n;
	int ret;

	do {
		n = sys_socket_recv(fd, bytes, sizeof(bytes), fds, SOCKET_FDS_MAX, &n_fds,
				    true);
		if (n == -EAGAIN)
			return refuse(name, -ETIMEDOUT, "it does not answer");
		if (n <= 0)
			return refuse(name, n < 0 ? (int)n : -EPIPE,
				      n < 0 ? err_name((int)-n) : "it hung up");
		ret = intake_add_fds(in, fds, n_fds);
		if (ret < 0)
			return refuse(name, ret, err_name(-ret));
		ret = read_frames(in, bytes, (size_t)n, name, handed);
	} while (ret == 0);
	return ret;
}

/* Only sockets are of use, and nothing else is expected of one's own daemon. */
static int check(const char *name, struct handed_over *handed)
{
	for (unsigned i = 0; i < handed->n; i++)
		if (!sys_socket_listens(handed->fds[i]))
			return refuse(name, -EPROTO,
				      "what it handed over does not listen");
	return 0;
}

static int ask(int fd, const char *name, struct handed_over *handed)
{
	const struct timeval limit = { .tv_sec = PATIENCE_S };
	struct intake in;
	int ret;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))
		return refuse(name, -errno, err_name(errno));
	ret = send_question(fd);
	if (ret < 0)
		return refuse(name, ret, err_name(-ret));
	intake_init(&in, ANSWER_BYTES_MAX);
	ret = receive(fd, &in, name, handed);
	intake_done(&in);
	return ret < 0 ? ret : check(name, handed);
}

/* What a stranger hands over is not for us. */
static int check_owner(int fd, const char *name, const struct peer *self)
{
	struct peer owner = { 0 };
	int ret = peer_read(&owner, fd);

	if (ret < 0)
		return refuse(name, ret, err_name(-ret));
	if (!peer_may_replace(&owner, self))
		ret = refuse(name, -EPERM, "it is another user's");
	peer_done(&owner);
	return ret;
}

int replace_ask(const char *name, const struct peer *self,
		struct handed_over *ret_handed_over)
{
	struct handed_over handed = { .by_somebody = true };
	int fd = sys_socket_connect(name), ret;

	if (fd == -ENOENT || fd == -ECONNREFUSED) {
		log_say(LOG_LEVEL_NOTICE, "no daemon to replace on %s", name);
		return 0;
	}
	if (fd < 0)
		return refuse(name, fd, err_name(-fd));
	ret = check_owner(fd, name, self);
	if (ret == 0)
		ret = ask(fd, name, &handed);
	if (ret < 0) {
		for (unsigned i = 0; i < handed.n; i++)
			sys_close(handed.fds[i]);
		sys_close(fd);
		return ret;
	}
	handed.link_fd = fd;
	*ret_handed_over = handed;
	return 0;
}

void replace_confirm(struct handed_over *handed)
{
	const struct frame frame = { .type = USP_WIRE_REPLACE,
				     .arg = USP_WIRE_REPLACE_READY };
	uint8_t header[USP_WIRE_HEADER_BYTES];
	struct iovec iov = { header, sizeof(header) };

	if (!handed->by_somebody)
		return;
	frame_encode_header(&frame, header);
	if (sys_socket_send(handed->link_fd, &iov, 1, NULL, 0, false) < 0)
		log_say(LOG_LEVEL_WARNING, "the other daemon is gone already");
	sys_close(handed->link_fd);
	*handed = (struct handed_over){ 0 };
}
