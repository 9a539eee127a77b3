/*
 * What the daemon says, and what it never says.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uringspawn/wire.h>

#include "support/daemon.h"
#include "support/peer.h"
#include "support/tmpdir.h"
#include "support/wait.h"
#include "sys/sock.h"

TestSuite(daemon_log, .fini = tmpdir_done, .timeout = 120);

static struct running_daemon daemon_run;

static const char *const loud[] = { "--log-level", "debug", NULL };

#define SECRET "hunter2"

/* All that it said since it was ready; it is stopped. */
static const char *said(void)
{
	static char text[1 << 16];

	daemon_signal(&daemon_run, SIGTERM);
	daemon_ended(&daemon_run, text, sizeof(text));
	return text;
}

/* A secret wherever a client can put one: in what works, in what does not. */
static void tell_secrets(struct peer *peer)
{
	static const char argv[] = "/bin/sh\0-c\0cat\0" SECRET, env[] = "TOKEN=" SECRET;
	const struct request with_secrets = {
		.argv = { argv, sizeof(argv) },
		.env = { env, sizeof(env) },
		.options.stdio = { { .kind = USP_STDIO_PIPE } },
	};
	struct request nowhere = with_secrets, nothing = with_secrets;
	const struct frame input = { .type = USP_WIRE_STDIN,
				     .job = 1,
				     .payload_bytes = 7 };

	const struct frame end = { .type = USP_WIRE_STDIN_EOF, .job = 1 };

	nowhere.cwd.bytes = "/" SECRET;
	nowhere.cwd.size = 8;
	nothing.path.bytes = "/bin/" SECRET;
	nothing.path.size = 12;
	peer_spawn(peer, 1, &with_secrets, false);
	peer_send_frame(peer, &input, SECRET);
	peer_send_frame(peer, &end, "");
	peer_skip_to(peer, 1, USP_EVENT_END);
	peer_spawn(peer, 2, &nowhere, false);
	peer_skip_to(peer, 2, USP_EVENT_END);
	peer_spawn(peer, 3, &nothing, false);
	peer_skip_to(peer, 3, USP_EVENT_END);
	peer_spawn(peer, 4, &with_secrets, false); /* cut off at the stop */
	peer_skip_to(peer, 4, USP_EVENT_STARTED);
}

Test(daemon_log, no_secret_of_a_client_is_in_it)
{
	const struct frame nonsense = { .type = 0x7f, .payload_bytes = 7 };
	struct peer peer, other;
	const char *text;

	daemon_start(&daemon_run, loud);
	peer_open(&peer, daemon_run.socket);
	tell_secrets(&peer);
	peer_open(&other, daemon_run.socket);
	peer_send_frame(&other, &nonsense, SECRET);
	peer_expect_error(&other, ENOTSUP, "type 0x7f");
	peer_close(&other);
	peer_connect(&other, daemon_run.socket);
	peer_send(&other, SECRET SECRET SECRET, 21);
	peer_expect_error(&other, EPROTO, "HELLO");
	peer_close(&other);
	text = said();
	peer_close(&peer);

	cr_expect(eq(ptr, strstr(text, SECRET), NULL), "%s", text);
	cr_expect(eq(ptr, strstr(text, "TOKEN"), NULL), "%s", text);
	cr_expect(eq(ptr, strstr(text, "/bin"), NULL), "%s", text);
	cr_expect(ne(ptr, strstr(text, "type 0x7f"), NULL), "what went wrong: %s", text);
	cr_expect(ne(ptr, strstr(text, "jobs were cut off"), NULL), "%s", text);
}

Test(daemon_log, what_is_not_asked_for_is_not_said)
{
	struct peer peer;
	const char *text;

	daemon_start(&daemon_run, NULL);
	peer_connect(&peer, daemon_run.socket);
	peer_send(&peer, "no HELLO at all, that is", 24);
	peer_expect_error(&peer, EPROTO, "HELLO");
	peer_close(&peer);
	daemon_expect_service(daemon_run.socket);
	text = said();
	cr_expect(ne(ptr, strstr(text, "stopping, 0 jobs to end\n"), NULL), "%s", text);
	cr_expect(eq(ptr, strstr(text, "client"), NULL), "%s", text);
}

/* What a client can cause again and again fills no disk. */
Test(daemon_log, what_clients_cause_is_limited)
{
	unsigned lines = 0;
	const char *text;

	daemon_start(&daemon_run, (const char *[]){ "--log-level", "info", NULL });
	for (int i = 0; i < 200; i++) {
		struct peer peer;

		peer_connect(&peer, daemon_run.socket);
		peer_send(&peer, "no HELLO at all, that is", 24);
		peer_expect_error(&peer, EPROTO, "HELLO");
		peer_close(&peer);
	}
	text = said();
	for (const char *at = text; (at = strstr(at, "cut off")); at++)
		lines++;
	cr_expect(lt(uint, 0, lines));
	cr_expect(lt(uint, lines, 20), "%s", text);
}

/* Nobody reads its stderr: it serves all the same, and stops. */
Test(daemon_log, a_reader_that_does_not_read_stops_nobody)
{
	daemon_start(&daemon_run, loud);
	for (int i = 0; i < 3000; i++) {
		struct peer peer;

		peer_open(&peer, daemon_run.socket);
		peer_close(&peer);
	}
	daemon_expect_service(daemon_run.socket);
	daemon_signal(&daemon_run, SIGTERM);
	cr_assert(wait_fd(daemon_run.pidfd, POLLIN, WAIT_MS), "it waits for its reader");
	daemon_stopped(&daemon_run);
}
