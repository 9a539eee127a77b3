/*
 * Frames to a daemon and back, with a limit on every wait.
 */
#include "support/peer.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/err.h"
#include "support/wait.h"
#include "sys/sock.h"

void peer_wrap(struct peer *peer, int fd)
{
	*peer = (struct peer){ .fd = fd };
	buf_init(&peer->in, 64u << 20);
}

void peer_connect(struct peer *peer, const char *socket)
{
	int fd = sys_socket_connect(socket);

	cr_assert(ge(int, fd, 0), "cannot connect: %s", err_name(-fd));
	peer_wrap(peer, fd);
}

void peer_close(struct peer *peer)
{
	close(peer->fd);
	buf_done(&peer->in);
}

void peer_send(struct peer *peer, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t n;

		cr_assert(wait_fd(peer->fd, POLLOUT, WAIT_MS),
			  "the daemon does not read");
		n = send(peer->fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n < 0)
			return; /* it closed; what it said before is still to be read */
		at += n;
		size -= (size_t)n;
	}
}

void peer_send_frame(struct peer *peer, const struct frame *frame, const void *payload)
{
	uint8_t header[USP_WIRE_HEADER_BYTES];

	frame_encode_header(frame, header);
	peer_send(peer, header, sizeof(header));
	peer_send(peer, payload, frame->payload_bytes);
}

void peer_send_hello(struct peer *peer, const struct hello *hello)
{
	struct frame frame = { .type = USP_WIRE_HELLO };
	struct buf payload;

	buf_init(&payload, 4096);
	cr_assert(eq(int, hello_encode(hello, &payload), 0));
	frame.payload_bytes = (uint32_t)buf_size(&payload);
	peer_send_frame(peer, &frame, buf_bytes(&payload));
	buf_done(&payload);
}

void peer_greet(struct peer *peer)
{
	const struct hello hello = {
		.version_min = USP_WIRE_VERSION_MIN,
		.version_max = USP_WIRE_VERSION_MAX,
		.frame_bytes = USP_WIRE_FRAME_BYTES_MAX,
		.name = { "test", 4 },
	};

	peer_send_hello(peer, &hello);
	peer_expect(peer, USP_WIRE_HELLO);
}

void peer_open(struct peer *peer, const char *socket)
{
	peer_connect(peer, socket);
	peer_greet(peer);
}

void peer_spawn(struct peer *peer, uint32_t job, const struct request *request, bool run)
{
	struct frame frame = {
		.type = run ? USP_WIRE_RUN : USP_WIRE_SPAWN,
		.job = job,
	};
	const char *field = "";
	struct buf payload;

	buf_init(&payload, USP_WIRE_FRAME_BYTES_MAX);
	cr_assert(eq(int, request_encode(request, &payload, &field), 0), "%s", field);
	frame.payload_bytes = (uint32_t)buf_size(&payload);
	peer_send_frame(peer, &frame, buf_bytes(&payload));
	buf_done(&payload);
}

/* More bytes from the daemon; false when it closed. */
static bool receive(struct peer *peer)
{
	uint8_t *place;
	ssize_t n;

	cr_assert(eq(int, buf_reserve(&peer->in, 65536, &place), 0));
	cr_assert(wait_fd(peer->fd, POLLIN, WAIT_MS), "the daemon says nothing");
	n = recv(peer->fd, place, 65536, MSG_DONTWAIT);
	if (n <= 0)
		return false;
	buf_grew(&peer->in, (size_t)n);
	return true;
}

bool peer_next(struct peer *peer, struct frame *ret_frame)
{
	buf_consume(&peer->in, peer->taken);
	peer->taken = 0;
	for (;;) {
		int64_t n = frame_decode(buf_bytes(&peer->in), buf_size(&peer->in),
					 USP_WIRE_FRAME_BYTES_MAX, ret_frame);

		cr_assert(ge(i64, n, 0));
		if (n > 0) {
			peer->taken = (size_t)n;
			return true;
		}
		if (!receive(peer)) {
			cr_assert(eq(sz, buf_size(&peer->in), 0), "a frame is cut");
			return false;
		}
	}
}

struct frame peer_expect(struct peer *peer, enum usp_wire_type type)
{
	struct frame frame;

	cr_assert(peer_next(peer, &frame), "the daemon closed");
	cr_assert(eq(int, frame.type, (int)type), "%.*s",
		  frame.type == USP_WIRE_ERROR ? (int)frame.payload_bytes : 0,
		  (const char *)frame.payload);
	return frame;
}

struct usp_event peer_event(struct peer *peer, uint32_t *ret_job)
{
	struct usp_event event;
	struct frame frame;

	cr_assert(peer_next(peer, &frame), "the daemon closed");
	cr_assert(ne(int, frame.type, USP_WIRE_ERROR), "%.*s", (int)frame.payload_bytes,
		  (const char *)frame.payload);
	cr_assert(eq(int, reply_decode(&frame, &peer->room, &event), 0),
		  "frame type 0x%02x", frame.type);
	*ret_job = frame.job;
	return event;
}

struct usp_event peer_skip_to(struct peer *peer, uint32_t job, enum usp_event_kind kind)
{
	struct usp_event event;
	uint32_t told;

	do
		event = peer_event(peer, &told);
	while (told != job || event.kind != kind);
	return event;
}

void peer_expect_error(struct peer *peer, int error, const char *part)
{
	char sentence[512] = "";
	struct frame frame;

	do
		cr_assert(peer_next(peer, &frame), "the daemon closed without ERROR");
	while (frame.type != USP_WIRE_ERROR);
	cr_assert(lt(u32, frame.payload_bytes, sizeof(sentence)));
	memcpy(sentence, frame.payload, frame.payload_bytes);
	cr_expect(eq(u32, frame.job, 0));
	cr_expect(eq(int, (int)frame.arg, error), "%s", sentence);
	cr_expect(ne(ptr, strstr(sentence, part), NULL), "%s", sentence);
	cr_assert(not(peer_next(peer, &frame)), "ERROR is not the last frame");
}

void peer_expect_failed(struct peer *peer, uint32_t job, enum usp_stage stage, int error,
			const char *path)
{
	struct usp_event event;
	uint32_t told;

	event = peer_event(peer, &told);
	cr_assert(eq(u32, told, job));
	cr_assert(eq(int, event.kind, (int)USP_EVENT_FAILED));
	cr_expect(eq(int, event.failed.stage, (int)stage), "stage %s, %s, '%s'",
		  usp_stage_name(event.failed.stage), err_name(event.failed.error),
		  event.failed.path);
	cr_expect(eq(int, event.failed.error, error), "%s", err_name(event.failed.error));
	cr_expect(eq(str, (char *)event.failed.path, (char *)path));
	event = peer_event(peer, &told);
	cr_assert(eq(u32, told, job));
	cr_assert(eq(int, event.kind, (int)USP_EVENT_END));
	cr_expect(eq(int, event.end.reason, (int)USP_REASON_FAILED));
}

void peer_expect_service(struct peer *peer, uint32_t job)
{
	peer_spawn(peer, job, &PEER_ARGV(BUILD_DIR "/tests/programs/true"), false);
	cr_assert(eq(int, peer_skip_to(peer, job, USP_EVENT_EXIT).exit.code, 0));
	cr_assert(eq(int, peer_skip_to(peer, job, USP_EVENT_END).end.reason,
		     (int)USP_REASON_EXITED));
}

void daemon_expect_service(const char *socket)
{
	struct peer peer;

	peer_open(&peer, socket);
	peer_expect_service(&peer, 1);
	peer_close(&peer);
}
