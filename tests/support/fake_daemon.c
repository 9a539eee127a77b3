#include "support/fake_daemon.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "support/clean.h"
#include "support/wait.h"
#include "sys/sock.h"

const struct hello fake_hello = {
	.version_min = 1,
	.version_max = 1,
	.frame_bytes = 64 << 10,
	.jobs = 100,
	.window_bytes = 1000,
	.stdin_window_bytes = 100 << 10,
	.name = { "fake", 4 },
};

struct greeter {
	int listener, fd;
	const void *bytes;
	size_t size;
	bool close; /* as soon as it has spoken */
};

static void *greet(void *arg)
{
	struct greeter *g = arg;
	struct iovec iov = { .iov_base = (void *)g->bytes, .iov_len = g->size };

	g->fd = accept4(g->listener, NULL, NULL, SOCK_CLOEXEC);
	if (g->size)
		(void)sys_socket_send(g->fd, &iov, 1, NULL, 0, true);
	if (g->close)
		close(g->fd);
	return NULL;
}

static void set_name(char *name, size_t size)
{
	snprintf(name, size, "@uringspawn-test-%d", (int)getpid());
}

/* Serve one connection while @client opens one: the first, or one more. */
static int open_with(struct greeter *g, const char *name, struct usp_client **client)
{
	pthread_t thread;
	int ret;

	g->listener = sys_socket_listen(name, 1);
	cr_assert(ge(int, g->listener, 0));
	cr_assert(eq(int, pthread_create(&thread, NULL, greet, g), 0));
	ret = *client ? usp_client_reopen(*client, 0) : usp_client_open(name, client);
	pthread_join(thread, NULL);
	close(g->listener);
	return ret;
}

static int greet_with(struct fake *fake, const struct hello *hello)
{
	struct buf greeting;
	struct frame frame = { .type = USP_WIRE_HELLO };
	struct greeter g = { 0 };
	uint8_t header[USP_WIRE_HEADER_BYTES] = { 0 };
	int ret;

	buf_init(&greeting, 4096);
	cr_assert(eq(int, buf_append(&greeting, header, sizeof(header)), 0));
	cr_assert(eq(int, hello_encode(hello, &greeting), 0));
	frame.payload_bytes = (uint32_t)(buf_size(&greeting) - sizeof(header));
	frame_encode_header(&frame, buf_bytes(&greeting));
	g.bytes = buf_bytes(&greeting);
	g.size = buf_size(&greeting);
	ret = open_with(&g, fake->socket, &fake->client);
	fake->fd = g.fd;
	buf_done(&greeting);
	if (ret == 0)
		cr_assert(eq(u8, fake_hear(fake, NULL).type, USP_WIRE_HELLO));
	return ret;
}

void fake_open(struct fake *fake, const struct hello *hello)
{
	*fake = (struct fake){ 0 };
	set_name(fake->socket, sizeof(fake->socket));
	cr_assert(eq(int, greet_with(fake, hello), 0));
}

int fake_reopen(struct fake *fake, const struct hello *hello)
{
	fake_hangup(fake);
	return greet_with(fake, hello);
}

int fake_open_raw(const void *bytes, size_t size)
{
	struct greeter g = { .bytes = bytes, .size = size, .close = true };
	struct usp_client *client = NULL;
	char name[64];
	int ret;

	set_name(name, sizeof(name));
	ret = open_with(&g, name, &client);

	usp_client_free(client);
	return ret;
}

void fake_hangup(struct fake *fake)
{
	if (fake->fd >= 0)
		close(fake->fd);
	fake->fd = -1;
}

void fake_close(struct fake *fake)
{
	fake->client = usp_client_free(fake->client);
	fake_hangup(fake);
}

void fake_say_raw(struct fake *fake, const void *bytes, size_t size)
{
	struct iovec iov = { .iov_base = (void *)bytes, .iov_len = size };

	cr_assert(
		eq(long, sys_socket_send(fake->fd, &iov, 1, NULL, 0, false), (long)size));
}

void fake_say_fds(struct fake *fake, uint8_t type, uint32_t job, uint32_t arg,
		  const void *payload, size_t size, const int *fds, unsigned n)
{
	struct frame frame = { .payload_bytes = (uint32_t)size,
			       .type = type,
			       .fds = (uint8_t)n,
			       .job = job,
			       .arg = arg };
	uint8_t header[USP_WIRE_HEADER_BYTES];
	struct iovec iov[2] = {
		{ .iov_base = header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)payload, .iov_len = size },
	};

	frame_encode_header(&frame, header);
	cr_assert(eq(long, sys_socket_send(fake->fd, iov, 2, fds, n, false),
		     (long)(sizeof(header) + size)));
}

void fake_say_bytes(struct fake *fake, uint8_t type, uint32_t job, uint16_t flags,
		    uint32_t arg, const void *payload, size_t size)
{
	struct frame frame = { .payload_bytes = (uint32_t)size,
			       .type = type,
			       .flags = flags,
			       .job = job,
			       .arg = arg };
	uint8_t header[USP_WIRE_HEADER_BYTES];

	frame_encode_header(&frame, header);
	fake_say_raw(fake, header, sizeof(header));
	if (size)
		fake_say_raw(fake, payload, size);
}

void fake_say(struct fake *fake, uint8_t type, uint32_t job, uint16_t flags, uint32_t arg)
{
	fake_say_bytes(fake, type, job, flags, arg, NULL, 0);
}

void fake_say_end(struct fake *fake, uint32_t job, enum usp_reason reason)
{
	uint8_t payload[USP_WIRE_END_BYTES] = { 7 };

	fake_say_bytes(fake, USP_WIRE_END, job, 0, (uint32_t)reason, payload,
		       sizeof(payload));
}

/* Read exactly so many bytes; descriptors are added to @fds. */
static void hear_bytes(struct fake *fake, uint8_t *bytes, size_t size, int *fds,
		       unsigned *n_fds)
{
	while (size) {
		int got[USP_WIRE_FDS_MAX];
		unsigned n_got;
		ssize_t n;

		cr_assert(wait_fd(fake->fd, POLLIN, WAIT_MS), "the client says nothing");
		n = sys_socket_recv(fake->fd, bytes, size, got, USP_WIRE_FDS_MAX, &n_got,
				    false);
		cr_assert(lt(long, 0, n));
		for (unsigned i = 0; i < n_got; i++)
			fds[(*n_fds)++] = got[i];
		bytes += n;
		size -= (size_t)n;
	}
}

struct frame fake_hear(struct fake *fake, int *ret_fds)
{
	static uint8_t bytes[USP_WIRE_HEADER_BYTES + (256 << 10)];
	int fds[USP_WIRE_FDS_MAX];
	unsigned n_fds = 0;
	struct frame frame;

	hear_bytes(fake, bytes, USP_WIRE_HEADER_BYTES, fds, &n_fds);
	cr_assert(eq(long, frame_decode(bytes, USP_WIRE_HEADER_BYTES, 256 << 10, &frame),
		     frame.payload_bytes ? 0 : USP_WIRE_HEADER_BYTES));
	cr_assert(eq(uint, n_fds, frame.fds),
		  "descriptors come with the frame's first byte");
	hear_bytes(fake, bytes + USP_WIRE_HEADER_BYTES, frame.payload_bytes, fds, &n_fds);
	cr_assert(eq(uint, n_fds, frame.fds), "descriptors come with no other byte");
	frame.payload = bytes + USP_WIRE_HEADER_BYTES;
	for (unsigned i = 0; i < n_fds && ret_fds; i++)
		ret_fds[i] = fds[i];
	return frame;
}

int fake_silence(struct fake *fake)
{
	return !wait_fd(fake->fd, POLLIN, 0);
}
