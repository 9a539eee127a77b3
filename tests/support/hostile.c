/*
 * A client that does its worst.
 */
#include "support/hostile.h"

#include <stdio.h>
#include <string.h>
#include <uringspawn/wire.h>
#include "base/buf.h"
#include "sys/fd.h"
#include "sys/sock.h"
#include "wire/frame.h"
#include "wire/request.h"

#define HALF_BYTES (256u << 10)

static void say(int fd, const void *bytes, size_t size)
{
	struct iovec iov = { (void *)bytes, size };

	(void)sys_socket_send(fd, &iov, 1, NULL, 0, false);
}

static void say_frame(int fd, struct frame frame, const struct buf *payload)
{
	uint8_t header[USP_WIRE_HEADER_BYTES];

	frame.payload_bytes = (uint32_t)buf_size(payload);
	frame_encode_header(&frame, header);
	say(fd, header, sizeof(header));
	say(fd, buf_bytes(payload), buf_size(payload));
}

/* A connection that has greeted; -1: the daemon takes none. */
static int greet(const struct hostile *h)
{
	const struct hello hello = {
		.version_min = USP_WIRE_VERSION_MIN,
		.version_max = USP_WIRE_VERSION_MAX,
		.frame_bytes = 1u << 20,
		.jobs = 1,
		.window_bytes = USP_WIRE_WINDOW_BYTES,
		.stdin_window_bytes = USP_WIRE_STDIN_WINDOW_BYTES,
	};
	int fd = sys_socket_connect(h->socket);
	struct buf payload;

	if (fd < 0)
		return -1;
	buf_init(&payload, 4096);
	if (hello_encode(&hello, &payload) == 0)
		say_frame(fd, (struct frame){ .type = USP_WIRE_HELLO }, &payload);
	buf_done(&payload);
	return fd;
}

static void ask(int fd, uint32_t job, const char *argv, size_t size)
{
	const struct request request = {
		.argv = { argv, size },
		.options.window_bytes = 16u << 20,
	};
	const char *field;
	struct buf payload;

	buf_init(&payload, 1u << 16);
	if (request_encode(&request, &payload, &field) == 0)
		say_frame(fd, (struct frame){ .type = USP_WIRE_SPAWN, .job = job },
			  &payload);
	buf_done(&payload);
}

/* ---- misdeeds ------------------------------------------------------------ */

static void never_read(struct hostile *h)
{
	char argv[512];
	int n = snprintf(argv, sizeof(argv), "%s%c1099511627776%c1%c1", h->flood, 0, 0,
			 0);

	h->mute = greet(h);
	for (uint32_t job = 1; h->mute >= 0 && job <= HOSTILE_JOBS; job++)
		ask(h->mute, job, argv, (size_t)n + 1);
}

static void talk_garbage(struct hostile *h)
{
	uint8_t bytes[4096];
	int fd = h->steps & 8 ? greet(h) : sys_socket_connect(h->socket);

	for (size_t i = 0; i < sizeof(bytes); i++) {
		h->noise = h->noise * 1103515245u + 12345u;
		bytes[i] = (uint8_t)(h->noise >> 16);
	}
	if (fd >= 0)
		say(fd, bytes, sizeof(bytes));
	sys_close(fd < 0 ? -1 : fd);
}

static void ask_and_go(struct hostile *h)
{
	int fd = greet(h);

	if (fd >= 0)
		ask(fd, 1, h->sleeper, strlen(h->sleeper) + 1);
	sys_close(fd);
}

static void come_and_go(struct hostile *h)
{
	int fd = sys_socket_connect(h->socket);

	sys_close(fd < 0 ? -1 : fd);
}

/* The oldest of those that were begun makes room for one more. */
static void begin_a_frame(struct hostile *h)
{
	static const uint8_t zeros[HALF_BYTES];
	const struct frame frame = {
		.type = USP_WIRE_SPAWN,
		.job = 1,
		.payload_bytes = USP_WIRE_FRAME_BYTES_MAX,
	};
	int *half = &h->halves[h->steps / 4 % HOSTILE_HALVES];
	uint8_t header[USP_WIRE_HEADER_BYTES];

	sys_close(*half);
	*half = greet(h);
	if (*half < 0)
		return;
	frame_encode_header(&frame, header);
	say(*half, header, sizeof(header));
	say(*half, zeros, sizeof(zeros));
}

void hostile_open(struct hostile *h, const char *socket, const char *flood,
		  const char *sleeper)
{
	*h = (struct hostile){
		.socket = socket,
		.flood = flood,
		.sleeper = sleeper,
		.noise = 1,
	};
	for (int i = 0; i < HOSTILE_HALVES; i++)
		h->halves[i] = -1;
	never_read(h);
}

void hostile_step(struct hostile *h)
{
	switch (h->steps % 4) {
	case 0:
		talk_garbage(h);
		break;
	case 1:
		ask_and_go(h);
		break;
	case 2:
		come_and_go(h);
		break;
	default:
		begin_a_frame(h);
		break;
	}
	h->steps++;
}

void hostile_close(struct hostile *h)
{
	sys_close(h->mute);
	for (int i = 0; i < HOSTILE_HALVES; i++)
		sys_close(h->halves[i]);
}
