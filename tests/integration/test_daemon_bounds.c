/*
 * What a client can make the daemon hold: output it does not read, frames it does
 * not end, stdin that nobody takes.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <uringspawn/wire.h>

#include "support/daemon.h"
#include "support/peer.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(daemon_bounds, .fini = tmpdir_done, .timeout = 120);

#define PROGRAM(name) BUILD_DIR "/tests/programs/" name

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true /* memory is not what it is elsewhere */
#else
#define SANITIZED false
#endif

static struct running_daemon daemon_run;

enum { FLOODS = 8, FLOOD_BYTES = 20000000 };

static void start_floods(struct peer *peer)
{
	static const char argv[] = "/usr/bin/head\0-c\00020000000\0/dev/zero";
	struct request request = {
		.argv = { argv, sizeof(argv) },
		.options.window_bytes = 16u << 20,
	};

	for (uint32_t job = 1; job <= FLOODS; job++)
		peer_spawn(peer, job, &request, false);
}

/* Read everything, with credit for all of it. */
static void read_floods(struct peer *peer)
{
	uint64_t got[FLOODS + 1] = { 0 };
	struct frame window = { .type = USP_WIRE_WINDOW, .flags = 1, .arg = 16u << 20 };

	for (window.job = 1; window.job <= FLOODS; window.job++)
		peer_send_frame(peer, &window, "");
	for (int ended = 0; ended < FLOODS;) {
		uint32_t job;
		struct usp_event event = peer_event(peer, &job);

		if (event.kind == USP_EVENT_OUTPUT)
			got[job] += event.output.size;
		ended += event.kind == USP_EVENT_END;
	}
	for (int i = 1; i <= FLOODS; i++)
		cr_expect(eq(u64, got[i], FLOOD_BYTES));
}

/* The daemon has queued what it may: its memory does not grow from one look to the next.
 */
static long settled_rss_kib(const char *socket)
{
	long before, rss = daemon_rss_kib(&daemon_run);

	do {
		before = rss;
		for (int i = 0; i < 20; i++)
			daemon_expect_service(socket);
		rss = daemon_rss_kib(&daemon_run);
	} while (rss > before);
	return rss;
}

Test(daemon_bounds, a_slow_reader_is_bounded_and_loses_nothing)
{
	const char *const args[] = { "--backlog-max", "512K", NULL };
	struct peer slow;
	long rss;

	daemon_start(&daemon_run, args);
	peer_open(&slow, daemon_run.socket);
	start_floods(&slow);
	rss = settled_rss_kib(daemon_run.socket);

	/* Its backlog, and every buffer that all reads of a daemon share (4 MiB). */
	if (!SANITIZED)
		cr_expect(le(long, rss, 12288), "%ld KiB for one slow reader", rss);
	read_floods(&slow);
	peer_expect_service(&slow, 100);
	peer_close(&slow);
	daemon_stop(&daemon_run);
}

static int unread(const struct peer *peer)
{
	int bytes = 0;

	ioctl(peer->fd, FIONREAD, &bytes);
	return bytes;
}

static long send_space_allowed(void)
{
	FILE *file = fopen("/proc/sys/net/core/wmem_max", "re");
	long bytes = 0;

	if (file && fscanf(file, "%ld", &bytes) != 1)
		bytes = 0;
	if (file)
		fclose(file);
	return bytes;
}

Test(daemon_bounds, what_several_write_at_once_is_on_its_way_at_once)
{
	enum { USUAL = 208 << 10, MORE = 300 << 10 };
	struct peer slow;

	if (send_space_allowed() < USUAL)
		cr_skip("net.core.wmem_max is less than usual");
	daemon_start(&daemon_run, NULL);
	peer_open(&slow, daemon_run.socket);
	start_floods(&slow);
	cr_expect(eq(int, wait_until(unread(&slow) >= MORE, WAIT_MS), true), "%d bytes",
		  unread(&slow));
	read_floods(&slow);
	peer_close(&slow);
	daemon_stop(&daemon_run);
}

Test(daemon_bounds, many_slow_readers_are_bounded_together)
{
	enum { SLOW = 20 };
	const char *const args[] = { "--bytes-max", "1M", NULL };
	static struct peer slow[SLOW];
	long rss;

	daemon_start(&daemon_run, args);
	for (int i = 0; i < SLOW; i++) {
		peer_open(&slow[i], daemon_run.socket);
		start_floods(&slow[i]);
	}
	rss = settled_rss_kib(daemon_run.socket);

	if (!SANITIZED)
		cr_expect(le(long, rss, 16384), "%ld KiB for %d slow readers", rss, SLOW);
	for (int i = 0; i < SLOW - 1; i++)
		peer_close(&slow[i]);
	read_floods(&slow[SLOW - 1]);
	peer_close(&slow[SLOW - 1]);
	daemon_stop(&daemon_run);
}

/* Say that a frame of 8 MiB comes, and send @size bytes of it. */
static void begin_frame(struct peer *peer, size_t size)
{
	static const uint8_t zeros[500000];
	const struct frame frame = {
		.type = USP_WIRE_SPAWN,
		.job = 1,
		.payload_bytes = USP_WIRE_FRAME_BYTES_MAX,
	};
	uint8_t header[USP_WIRE_HEADER_BYTES];

	frame_encode_header(&frame, header);
	peer_send(peer, header, sizeof(header));
	peer_send(peer, zeros, size);
}

Test(daemon_bounds, frames_that_do_not_end_are_bounded_together)
{
	const char *const args[] = { "--bytes-max", "1M", NULL };
	struct peer large[2] = { 0 }, small = { 0 }, one_more = { 0 };

	daemon_start(&daemon_run, args);
	for (int i = 0; i < 2; i++) {
		peer_open(&large[i], daemon_run.socket);
		begin_frame(&large[i], 500000);
	}
	daemon_expect_service(daemon_run.socket);
	peer_open(&one_more, daemon_run.socket);
	begin_frame(&one_more, 100000);
	peer_expect_error(&one_more, ENOMEM, "no memory for a large frame");
	peer_close(&one_more);

	peer_open(&small, daemon_run.socket);
	begin_frame(&small, 50000);
	daemon_expect_service(daemon_run.socket);
	cr_expect(not(wait_fd(small.fd, POLLIN, 0)), "a small beginning is kept");

	peer_close(&large[0]);
	daemon_expect_service(daemon_run.socket);
	peer_open(&one_more, daemon_run.socket);
	begin_frame(&one_more, 100000);
	daemon_expect_service(daemon_run.socket);
	cr_expect(not(wait_fd(one_more.fd, POLLIN, 0)), "what has gone counts no more");
	peer_close(&one_more);
	peer_close(&small);
	peer_close(&large[1]);
	daemon_stop(&daemon_run);
}

/* Each job is given a window of stdin that it does not read: four of them are 1 MiB. */
Test(daemon_bounds, stdin_that_nobody_reads_is_bounded_together)
{
	static const char argv[] = PROGRAM("sleep_forever");
	static uint8_t bytes[USP_WIRE_STDIN_WINDOW_BYTES];
	const char *const args[] = { "--bytes-max", "1M", NULL };
	const struct request sleeper = {
		.argv = { argv, sizeof(argv) },
		.options.stdio = { { USP_STDIO_PIPE } },
	};
	struct frame frame = { .type = USP_WIRE_STDIN, .payload_bytes = sizeof(bytes) };
	struct peer peer;

	daemon_start(&daemon_run, args);
	peer_open(&peer, daemon_run.socket);
	for (frame.job = 1; frame.job <= 20; frame.job++) {
		peer_spawn(&peer, frame.job, &sleeper, false);
		peer_send_frame(&peer, &frame, bytes);
	}
	peer_expect_error(&peer, ENOMEM, "no memory for its STDIN");
	daemon_expect_service(daemon_run.socket);
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

/* The same, and each of them is given up before there is too much of it. */
Test(daemon_bounds, stdin_that_was_given_up_counts_no_more)
{
	enum { JOBS = 20 };
	static const char argv[] = PROGRAM("sleep_forever");
	static uint8_t bytes[USP_WIRE_STDIN_WINDOW_BYTES];
	const char *const args[] = { "--bytes-max", "1M", NULL };
	const struct request sleeper = {
		.argv = { argv, sizeof(argv) },
		.options.stdio = { { USP_STDIO_PIPE } },
	};
	struct frame feed = { .type = USP_WIRE_STDIN, .payload_bytes = sizeof(bytes) };
	struct frame drop = { .type = USP_WIRE_CLOSE };
	struct peer peer;

	daemon_start(&daemon_run, args);
	peer_open(&peer, daemon_run.socket);
	for (uint32_t job = 1; job <= JOBS; job++) {
		peer_spawn(&peer, job, &sleeper, false);
		feed.job = drop.job = job;
		peer_send_frame(&peer, &feed, bytes);
		peer_send_frame(&peer, &drop, NULL);
	}
	peer_expect_service(&peer, JOBS + 1);
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

/* What is held back while others wait for their places is told though nothing else
 * happens. */
Test(daemon_bounds, in_a_crowd_what_was_held_back_leaves_by_itself)
{
	static const char *const options[] = { "--launchers", "1", "--jobs-max", "1",
					       NULL };
	static const char argv[] = "/bin/sh\0-c\0echo hi; exec sleep 1000";
	const struct request request = PEER_ARGV(argv);
	const struct frame kill = { .type = USP_WIRE_SIGNAL,
				    .flags = USP_WIRE_SIGNAL_PLAN,
				    .job = 1 };
	enum { JOBS = 10 };
	struct peer peer;

	daemon_start(&daemon_run, options);
	peer_open(&peer, daemon_run.socket);
	for (uint32_t job = 1; job <= JOBS; job++)
		peer_spawn(&peer, job, &request, true);
	peer_skip_to(&peer, 1, USP_EVENT_STARTED);
	peer_skip_to(&peer, 1, USP_EVENT_OUTPUT);
	peer_send_frame(&peer, &kill, "");
	peer_skip_to(&peer, 1, USP_EVENT_END);
	peer_skip_to(&peer, 2, USP_EVENT_OUTPUT);
	peer_close(&peer);
	daemon_stop(&daemon_run);
}
