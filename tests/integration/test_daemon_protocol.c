/*
 * Clients that break the protocol: each is told what was wrong, and the next one is
 * served.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uringspawn/wire.h>

#include "support/backend.h"
#include "support/daemon.h"
#include "support/golden.h"
#include "support/peer.h"
#include "support/tmpdir.h"
#include "support/wait.h"
#include "sys/sock.h"

TestSuite(daemon_protocol, .fini = tmpdir_done, .timeout = 120);

#define TRUE_PROGRAM BUILD_DIR "/tests/programs/true"

static struct running_daemon daemon_run;

static void begin(struct peer *peer)
{
	daemon_start(&daemon_run, NULL);
	peer_open(peer, daemon_run.socket);
}

static void finish(struct peer *peer)
{
	peer_close(peer);
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}

static void begin_silent(struct peer *peer)
{
	daemon_start(&daemon_run, NULL);
	peer_connect(peer, daemon_run.socket);
}

Test(daemon_protocol, hello_is_answered_with_the_limits_in_force)
{
	struct golden hello = golden_read("hello-client.bin");
	const char *const args[] = { "--client-jobs-max", "7", "--frame-max", "1M",
				     NULL };
	struct frame frame;
	struct hello told;
	struct peer peer;

	daemon_start(&daemon_run, args);
	peer_connect(&peer, daemon_run.socket);
	peer_send(&peer, hello.bytes, hello.size);
	frame = peer_expect(&peer, USP_WIRE_HELLO);

	cr_assert(eq(int, hello_decode(frame.payload, frame.payload_bytes, &told), 0));
	cr_expect(eq(int, hello_version(&told), 1));
	cr_expect(eq(u32, told.jobs, 7));
	cr_expect(eq(u32, told.frame_bytes, 1u << 20));
	cr_expect(eq(u32, told.window_bytes, USP_WIRE_WINDOW_BYTES));
	cr_expect(eq(u32, told.stdin_window_bytes, USP_WIRE_STDIN_WINDOW_BYTES));
	cr_expect(eq(int, strncmp(told.name.bytes, "uringspawnd ", 12), 0));
	finish(&peer);
}

Test(daemon_protocol, the_golden_session_is_served_byte_by_byte)
{
	struct golden session = golden_read("session-client.bin");
	struct peer peer;

	begin_silent(&peer);
	for (size_t i = 0; i < session.size; i++)
		peer_send(&peer, session.bytes + i, 1);
	peer_expect(&peer, USP_WIRE_HELLO);

	cr_expect(eq(int, peer_skip_to(&peer, 1, USP_EVENT_EXIT).exit.code, 0));
	cr_expect(eq(u64, peer_skip_to(&peer, 1, USP_EVENT_END).end.bytes[1], 3));
	finish(&peer);
}

Test(daemon_protocol, wrong_magic_is_refused)
{
	struct golden hello = golden_read("hello-client.bin");
	struct peer peer;

	begin_silent(&peer);
	hello.bytes[USP_WIRE_HEADER_BYTES] ^= 1;
	peer_send(&peer, hello.bytes, hello.size);

	peer_expect_error(&peer, EPROTO, "magic");
	finish(&peer);
}

Test(daemon_protocol, a_version_without_overlap_is_refused)
{
	const struct hello hello = { .version_min = 7, .version_max = 9 };
	struct peer peer;

	begin_silent(&peer);
	peer_send_hello(&peer, &hello);

	peer_expect_error(&peer, EPROTO, "the client speaks 7 to 9, the daemon 1 to 1");
	finish(&peer);
}

Test(daemon_protocol, a_short_hello_is_refused)
{
	const struct frame frame = { .type = USP_WIRE_HELLO, .payload_bytes = 5 };
	struct peer peer;

	begin_silent(&peer);
	peer_send_frame(&peer, &frame, "USPN\1");

	peer_expect_error(&peer, EPROTO, "too short");
	finish(&peer);
}

Test(daemon_protocol, the_first_frame_must_be_hello)
{
	struct golden run = golden_read("run.bin");
	struct peer peer;

	begin_silent(&peer);
	peer_send(&peer, run.bytes, run.size);

	peer_expect_error(&peer, EPROTO, "the first frame is not a HELLO");
	finish(&peer);
}

Test(daemon_protocol, a_second_hello_is_refused)
{
	struct golden hello = golden_read("hello-client.bin");
	struct peer peer;

	begin(&peer);
	peer_send(&peer, hello.bytes, hello.size);

	peer_expect_error(&peer, EPROTO, "second HELLO");
	finish(&peer);
}

Test(daemon_protocol, an_unknown_frame_is_named)
{
	const struct frame frame = { .type = 0x44, .job = 1 };
	struct peer peer;

	begin(&peer);
	peer_send_frame(&peer, &frame, "");

	peer_expect_error(&peer, ENOTSUP, "0x44");
	finish(&peer);
}

Test(daemon_protocol, a_frame_of_the_daemon_is_refused_from_a_client)
{
	struct golden started = golden_read("started.bin");
	struct peer peer;

	begin(&peer);
	peer_send(&peer, started.bytes, started.size);

	peer_expect_error(&peer, ENOTSUP, "0x81");
	finish(&peer);
}

Test(daemon_protocol, a_frame_too_long_is_refused_by_its_header)
{
	uint8_t header[USP_WIRE_HEADER_BYTES];
	const struct frame frame = {
		.type = USP_WIRE_SPAWN,
		.job = 1,
		.payload_bytes = USP_WIRE_FRAME_BYTES_MAX + 1,
	};
	struct peer peer;

	begin(&peer);
	frame_encode_header(&frame, header);
	peer_send(&peer, header, sizeof(header));

	peer_expect_error(&peer, EMSGSIZE, "8388609");
	finish(&peer);
}

/* What a wrong program sends: a reproducible stream of noise. */
Test(daemon_protocol, random_bytes_are_answered_with_an_error)
{
	uint32_t x = 12345;

	daemon_start(&daemon_run, NULL);
	for (int round = 0; round < 50; round++) {
		uint8_t bytes[2000];
		struct frame frame;
		struct peer peer;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			x = x * 1664525u + 1013904223u;
			bytes[i] = (uint8_t)(x >> 24);
		}
		if (round % 2)
			peer_open(&peer, daemon_run.socket);
		else
			peer_connect(&peer, daemon_run.socket);
		peer_send(&peer, bytes, sizeof(bytes));
		shutdown(peer.fd, SHUT_WR);
		cr_assert(peer_next(&peer, &frame));
		cr_expect(eq(int, frame.type, (int)USP_WIRE_ERROR));
		cr_expect(not(peer_next(&peer, &frame)));
		peer_close(&peer);
	}
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}

Test(daemon_protocol, half_a_frame_and_the_end_is_an_error)
{
	struct golden run = golden_read("run.bin");
	struct peer peer;

	begin(&peer);
	peer_send(&peer, run.bytes, run.size - 1);
	shutdown(peer.fd, SHUT_WR);

	peer_expect_error(&peer, EPROTO, "inside a frame");
	finish(&peer);
}

Test(daemon_protocol, half_a_frame_and_a_closed_socket_harm_nobody)
{
	struct golden run = golden_read("run.bin");
	struct peer peer;

	begin(&peer);
	peer_send(&peer, run.bytes, run.size - 1);
	finish(&peer);
}

Test(daemon_protocol, job_zero_is_refused)
{
	struct peer peer;

	begin(&peer);
	peer_spawn(&peer, 0, &PEER_ARGV(TRUE_PROGRAM), false);

	peer_expect_error(&peer, EPROTO, "job 0");
	finish(&peer);
}

Test(daemon_protocol, an_id_in_use_is_refused_and_its_job_ends)
{
	const struct request sleeper =
		PEER_ARGV(BUILD_DIR "/tests/programs/sleep_forever");
	struct peer peer;

	begin(&peer);
	peer_spawn(&peer, 5, &sleeper, false);
	peer_skip_to(&peer, 5, USP_EVENT_STARTED);
	peer_spawn(&peer, 5, &sleeper, false);

	peer_expect_error(&peer, EEXIST, "job 5");
	cr_expect(eq(int, wait_until(daemon_children(&daemon_run) == 0, WAIT_MS), true));
	finish(&peer);
}

Test(daemon_protocol, an_id_is_free_again_after_its_end)
{
	struct peer peer;

	begin(&peer);
	for (int i = 0; i < 3; i++)
		peer_expect_service(&peer, 5);
	finish(&peer);
}

static struct request with_stdin(const char *argv, size_t size)
{
	return (struct request){
		.argv = { argv, size },
		.options.stdio = { { USP_STDIO_PIPE } },
	};
}

Test(daemon_protocol, stdin_beyond_its_window_is_refused)
{
	static uint8_t bytes[USP_WIRE_STDIN_WINDOW_BYTES + 65536 + 1];
	static const char argv[] = BUILD_DIR "/tests/programs/sleep_forever";
	const struct request request = with_stdin(argv, sizeof(argv));
	struct frame frame = { .type = USP_WIRE_STDIN, .job = 3 };
	struct peer peer;

	begin(&peer);
	peer_spawn(&peer, 3, &request, false);
	peer_skip_to(&peer, 3, USP_EVENT_STARTED);

	/* One window fits; the pipe takes no more of it than its own size. */
	frame.payload_bytes = USP_WIRE_STDIN_WINDOW_BYTES;
	peer_send_frame(&peer, &frame, bytes);
	frame.payload_bytes = sizeof(bytes);
	peer_send_frame(&peer, &frame, bytes);

	peer_expect_error(&peer, EPROTO, "job 3");
	finish(&peer);
}

Test(daemon_protocol, frames_for_jobs_that_are_not_there_are_ignored)
{
	static const uint8_t types[] = { USP_WIRE_STDIN, USP_WIRE_STDIN_EOF,
					 USP_WIRE_WINDOW, USP_WIRE_SIGNAL };
	struct peer peer;

	begin(&peer);
	for (size_t i = 0; i < sizeof(types); i++) {
		const struct frame frame = {
			.type = types[i],
			.job = 99,
			.flags = 1,
			.arg = 15,
			.payload_bytes = types[i] == USP_WIRE_STDIN,
		};

		peer_send_frame(&peer, &frame, "x");
	}

	peer_expect_service(&peer, 1);
	finish(&peer);
}

Test(daemon_protocol, a_stream_that_does_not_exist_is_refused)
{
	const struct frame frame = {
		.type = USP_WIRE_WINDOW, .job = 1, .flags = 256, .arg = 1
	};
	struct peer peer;

	begin(&peer);
	peer_send_frame(&peer, &frame, "");

	peer_expect_error(&peer, EPROTO, "stream 256");
	finish(&peer);
}

Test(daemon_protocol, a_signal_target_that_does_not_exist_is_refused)
{
	const struct frame frame = {
		.type = USP_WIRE_SIGNAL, .job = 1, .flags = 4, .arg = 15
	};
	struct peer peer;

	begin(&peer);
	peer_send_frame(&peer, &frame, "");

	peer_expect_error(&peer, EPROTO, "target 4");
	finish(&peer);
}

Test(daemon_protocol, a_signal_that_does_not_exist_is_refused)
{
	const struct request sleeper =
		PEER_ARGV(BUILD_DIR "/tests/programs/sleep_forever");
	const struct frame frame = { .type = USP_WIRE_SIGNAL, .job = 1, .arg = 65 };
	struct peer peer;

	begin(&peer);
	peer_spawn(&peer, 1, &sleeper, false);
	peer_skip_to(&peer, 1, USP_EVENT_STARTED);
	peer_send_frame(&peer, &frame, "");

	peer_expect_error(&peer, EPROTO, "signal 65");
	finish(&peer);
}

/* ---- descriptors --------------------------------------------------------- */

Test(daemon_protocol, descriptors_that_did_not_come_are_an_error)
{
	const struct frame frame = { .type = USP_WIRE_SPAWN, .job = 1, .fds = 1 };
	struct peer peer;

	begin(&peer);
	peer_send_frame(&peer, &frame, "");

	peer_expect_error(&peer, EPROTO, "1 descriptors");
	finish(&peer);
}

Test(daemon_protocol, more_descriptors_than_a_frame_carries_are_an_error)
{
	const struct frame frame = {
		.type = USP_WIRE_SPAWN,
		.job = 1,
		.fds = USP_WIRE_FDS_MAX + 1,
	};
	struct peer peer;

	begin(&peer);
	peer_send_frame(&peer, &frame, "");

	peer_expect_error(&peer, EMSGSIZE, "65 descriptors");
	finish(&peer);
}

static void send_with_fds(struct peer *peer, const struct frame *frame,
			  const struct buf *payload, const int *fds, unsigned n_fds)
{
	uint8_t header[USP_WIRE_HEADER_BYTES];
	const struct iovec iov[] = {
		{ header, sizeof(header) },
		{ payload ? buf_bytes(payload) : header,
		  payload ? buf_size(payload) : 0 },
	};
	size_t size = iov[0].iov_len + iov[1].iov_len;

	frame_encode_header(frame, header);
	cr_assert(eq(sz, (size_t)sys_socket_send(peer->fd, iov, 2, fds, n_fds, true),
		     size));
}

Test(daemon_protocol, a_passed_descriptor_becomes_the_child_s)
{
	static const char argv[] = "/bin/echo\0hi";
	const struct request request = {
		.argv = { argv, sizeof(argv) },
		.options.stdio = { { 0 }, { USP_STDIO_FD }, { USP_STDIO_DUP, 1 } },
	};
	struct frame frame = { .type = USP_WIRE_SPAWN, .job = 1, .fds = 1 };
	struct buf payload;
	struct peer peer;
	const char *field;
	char text[16];
	int fds[2], idle;

	begin(&peer);
	idle = daemon_open_fds(&daemon_run);
	buf_init(&payload, 4096);
	cr_assert(eq(int, request_encode(&request, &payload, &field), 0));
	frame.payload_bytes = (uint32_t)buf_size(&payload);
	cr_assert(eq(int, pipe(fds), 0));
	send_with_fds(&peer, &frame, &payload, &fds[1], 1);
	close(fds[1]);

	cr_expect(eq(u64, peer_skip_to(&peer, 1, USP_EVENT_END).end.bytes[1], 0));
	cr_expect(eq(int, (int)read(fds[0], text, sizeof(text)), 3));
	cr_expect(eq(int, (int)read(fds[0], text, sizeof(text)), 0),
		  "an end was left open");
	cr_expect(eq(int, daemon_open_fds(&daemon_run), idle));
	close(fds[0]);
	buf_done(&payload);
	finish(&peer);
}

/* Sent for a frame that is not a request, for one that does not want them, for none. */
Test(daemon_protocol, descriptors_that_nobody_wants_are_closed)
{
	const struct frame useless = { .type = USP_WIRE_STDIN_EOF, .job = 9, .fds = 2 };
	const struct frame refused = { .type = USP_WIRE_SPAWN, .job = 1, .fds = 2 };
	const struct frame none = { .type = USP_WIRE_STDIN_EOF, .job = 9 };
	const int fds[] = { 0, 1 };
	struct peer peer;
	int idle;

	begin(&peer);
	idle = daemon_open_fds(&daemon_run);
	send_with_fds(&peer, &useless, NULL, fds, 2);
	send_with_fds(&peer, &refused, NULL, fds, 2);
	peer_expect_failed(&peer, 1, USP_STAGE_VALIDATE, EINVAL, "stdio");
	cr_expect(eq(int, daemon_open_fds(&daemon_run), idle));

	send_with_fds(&peer, &none, NULL, fds, 2);
	peer_expect_service(&peer, 2);
	cr_expect(eq(int, daemon_open_fds(&daemon_run), idle + 2),
		  "they wait for a frame");
	peer_close(&peer);
	idle -= on_epoll(); /* its connection was one of them */
	cr_expect(
		eq(int, wait_until(daemon_open_fds(&daemon_run) == idle, WAIT_MS), true));

	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}
