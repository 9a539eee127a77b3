/*
 * Starting and stopping: what stands in the way is said, and nothing is left.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uringspawn/wire.h>

#include "support/daemon.h"
#include "support/peer.h"
#include "support/tmpdir.h"
#include "support/wait.h"
#include "sys/sock.h"

TestSuite(daemon_stop, .fini = tmpdir_done, .timeout = 120);

#define PROGRAM(name) BUILD_DIR "/tests/programs/" name

static struct running_daemon daemon_run;

/* ---- starting ------------------------------------------------------------ */

Test(daemon_stop, bad_options_end_with_two_and_their_name)
{
	const char *const args[] = { "--jobs-max", "none", NULL };
	char text[512];

	cr_expect(eq(int, daemon_try(args, text, sizeof(text)), 2));
	cr_expect(ne(ptr, strstr(text, "--jobs-max"), NULL), "%s", text);
}

Test(daemon_stop, a_place_without_a_directory_is_said)
{
	const char *const args[] = { "--socket", "/no/such/directory/socket", NULL };
	char text[512];

	cr_expect(eq(int, daemon_try(args, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, "/no/such/directory/socket: No such file"), NULL),
		  "%s", text);
}

Test(daemon_stop, a_live_socket_is_not_taken_over)
{
	char text[512];

	daemon_start(&daemon_run, NULL);
	const char *const args[] = { "--socket", daemon_run.socket, NULL };

	cr_expect(eq(int, daemon_try(args, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, "EADDRINUSE"), NULL), "%s", text);
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}

Test(daemon_stop, a_socket_that_nobody_listens_on_is_taken_over)
{
	struct running_daemon killed;

	daemon_start(&killed, NULL);
	daemon_signal(&killed, SIGKILL);
	cr_assert(wait_fd(killed.pidfd, POLLIN, WAIT_MS));
	cr_assert(eq(int, access(killed.socket, F_OK), 0),
		  "there is nothing to take over");

	daemon_start(&daemon_run, NULL);
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
	close(killed.pidfd);
	close(killed.err_fd);
}

/* ---- stopping ------------------------------------------------------------ */

Test(daemon_stop, an_idle_daemon_stops)
{
	struct peer silent, greeted;

	daemon_start(&daemon_run, NULL);
	peer_connect(&silent, daemon_run.socket);
	peer_open(&greeted, daemon_run.socket);
	daemon_signal(&daemon_run, SIGTERM);

	peer_expect_error(&greeted, ESHUTDOWN, "stops");
	peer_expect_error(&silent, ESHUTDOWN, "stops");
	daemon_stopped(&daemon_run);
	peer_close(&silent);
	peer_close(&greeted);
}

Test(daemon_stop, sigint_stops_as_well)
{
	daemon_start(&daemon_run, NULL);
	daemon_signal(&daemon_run, SIGINT);
	daemon_stopped(&daemon_run);
}

Test(daemon_stop, jobs_end_by_their_plans_and_their_ends_are_told)
{
	const struct request sleeper = PEER_ARGV(PROGRAM("sleep_forever"));
	struct usp_event event;
	struct peer peer;
	int pidfd;

	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	peer_spawn(&peer, 1, &sleeper, true);
	event = peer_skip_to(&peer, 1, USP_EVENT_STARTED);
	pidfd = (int)syscall(SYS_pidfd_open, event.started.pid, 0);
	daemon_signal(&daemon_run, SIGTERM);

	cr_expect(eq(int, peer_skip_to(&peer, 1, USP_EVENT_EXIT).exit.signal, SIGTERM));
	cr_expect(eq(int, peer_skip_to(&peer, 1, USP_EVENT_END).end.reason,
		     (int)USP_REASON_KILLED));
	peer_expect_error(&peer, ESHUTDOWN, "stops");
	daemon_stopped(&daemon_run);
	cr_expect(wait_fd(pidfd, POLLIN, 0), "the child outlives the daemon");
	close(pidfd);
	peer_close(&peer);
}

/* A job that lasts until it is sent a line, or a signal. */
static void start_waiting(struct peer *peer, const char *const *args)
{
	static const char argv[] = "/bin/sh\0-c\0read x; echo $x";
	const struct request waits = {
		.argv = { argv, sizeof(argv) },
		.options.stdio = { { .kind = USP_STDIO_PIPE } },
	};

	daemon_start(&daemon_run, args);
	peer_open(peer, daemon_run.socket);
	peer_spawn(peer, 1, &waits, false);
	peer_skip_to(peer, 1, USP_EVENT_STARTED);
}

/* The stop has begun: its socket is gone. */
static void expect_stopping(void)
{
	cr_expect(
		eq(int, wait_until(access(daemon_run.socket, F_OK) < 0, WAIT_MS), true));
}

static void expect_exit_code(int code)
{
	char text[4096];

	cr_expect(eq(int, daemon_ended(&daemon_run, text, sizeof(text)), code), "%s",
		  text);
}

Test(daemon_stop, jobs_may_end_by_themselves)
{
	const char *const args[] = { "--stop-after", "1h", NULL };
	const struct frame line = { .type = USP_WIRE_STDIN,
				    .job = 1,
				    .payload_bytes = 3 };
	struct peer peer;

	start_waiting(&peer, args);
	daemon_signal(&daemon_run, SIGTERM);
	expect_stopping();
	peer_spawn(&peer, 2, &PEER_ARGV("/bin/true"), false);
	peer_expect_failed(&peer, 2, USP_STAGE_ADMISSION, ESHUTDOWN, "the daemon stops");
	peer_send_frame(&peer, &line, "ok\n");

	cr_expect(eq(int, peer_skip_to(&peer, 1, USP_EVENT_END).end.reason,
		     (int)USP_REASON_EXITED));
	peer_expect_error(&peer, ESHUTDOWN, "stops");
	expect_exit_code(0);
	peer_close(&peer);
}

Test(daemon_stop, those_that_do_not_are_ended_and_counted)
{
	const char *const args[] = { "--stop-after", "50ms", NULL };
	struct peer peer;

	start_waiting(&peer, args);
	daemon_signal(&daemon_run, SIGTERM);

	cr_expect(eq(int, peer_skip_to(&peer, 1, USP_EVENT_END).end.reason,
		     (int)USP_REASON_KILLED));
	expect_exit_code(3);
	peer_close(&peer);
}

Test(daemon_stop, a_second_signal_hurries)
{
	const char *const args[] = { "--stop-after", "1h", NULL };
	struct peer peer;

	start_waiting(&peer, args);
	daemon_signal(&daemon_run, SIGTERM);
	expect_stopping();
	daemon_signal(&daemon_run, SIGINT);

	cr_expect(eq(int, peer_skip_to(&peer, 1, USP_EVENT_EXIT).exit.signal, SIGTERM));
	expect_exit_code(3);
	peer_close(&peer);
}

/* Nobody waits for the jobs of a client that is gone: they are not cut off. */
Test(daemon_stop, jobs_of_a_client_that_is_gone_do_not_count)
{
	const char *const args[] = { "--stop-after", "1h", NULL };
	struct request stubborn = PEER_ARGV(PROGRAM("ignore_term"));
	struct peer peer;

	stubborn.options.kill.grace_ns = 300 * NS_PER_MS;
	daemon_start(&daemon_run, args);
	peer_open(&peer, daemon_run.socket);
	peer_spawn(&peer, 1, &stubborn, false);
	peer_skip_to(&peer, 1, USP_EVENT_OUTPUT);
	peer_close(&peer);
	daemon_signal(&daemon_run, SIGTERM);
	expect_exit_code(0);
}

/* ---- SIGHUP -------------------------------------------------------------- */

Test(daemon_stop, without_a_file_sighup_does_nothing)
{
	daemon_start(&daemon_run, NULL);
	daemon_signal(&daemon_run, SIGHUP);
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}

static void write_config(const char *text)
{
	FILE *file = fopen(tmpdir_path("config"), "we");

	cr_assert(file != NULL);
	cr_assert(le(int, 0, fputs(text, file)));
	fclose(file);
}

/* What it says about the file, once it was told to read it. */
static const char *said_after_sighup(const char *last)
{
	static char text[512];

	daemon_signal(&daemon_run, SIGHUP);
	daemon_expect_said(&daemon_run, last, text, sizeof(text));
	return text;
}

Test(daemon_stop, sighup_reads_the_limits_again)
{
	const char *const args[] = { "--config", tmpdir_path("config"), NULL };
	const struct request sleeper = PEER_ARGV(PROGRAM("sleep_forever"));
	const char *text;
	struct peer peer;

	write_config("client-jobs-max 1\n");
	daemon_start(&daemon_run, args);
	peer_open(&peer, daemon_run.socket);
	peer_spawn(&peer, 1, &sleeper, false);
	peer_skip_to(&peer, 1, USP_EVENT_STARTED);
	peer_spawn(&peer, 2, &sleeper, false);
	peer_expect_failed(&peer, 2, USP_STAGE_ADMISSION, EAGAIN, "--client-jobs-max");

	write_config("client-jobs-max 2\nqueue-max 1\n");
	said_after_sighup("limits read from");
	peer_expect_service(&peer, 3);

	write_config("client-jobs-max 3\njobs-max 1\n");
	said_after_sighup("limits read from");
	peer_spawn(&peer, 4, &sleeper, false); /* it waits: one runs, one may */

	write_config("# a comment\nclient-jobs-max 1\njobs-max -1\n");
	text = said_after_sighup("is not a number");
	cr_expect(ne(ptr, strstr(text, "the limits stay as they are"), NULL), "%s", text);
	cr_expect(ne(ptr, strstr(text, "config:3: --jobs-max: '-1'"), NULL), "%s", text);

	write_config("client-jobs-max 3\njobs-max 3\n");
	said_after_sighup("limits read from");
	peer_skip_to(&peer, 4, USP_EVENT_STARTED); /* it waited for that */
	peer_expect_service(&peer, 5);
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

static void start_stubborn(struct peer *peer, uint64_t grace_ns)
{
	struct request stubborn = PEER_ARGV(PROGRAM("ignore_term"));

	stubborn.options.kill.grace_ns = grace_ns;
	daemon_start(&daemon_run, NULL);
	peer_open(peer, daemon_run.socket);
	peer_spawn(peer, 1, &stubborn, false);
	peer_skip_to(peer, 1, USP_EVENT_OUTPUT);
	daemon_signal(&daemon_run, SIGTERM);
}

Test(daemon_stop, a_second_signal_kills_what_is_left)
{
	struct peer peer;
	uint64_t before_ns;

	start_stubborn(&peer, 3600 * NS_PER_S);
	cr_expect(
		eq(int, wait_until(access(daemon_run.socket, F_OK) < 0, WAIT_MS), true));
	before_ns = clock_now_ns();
	daemon_signal(&daemon_run, SIGTERM);

	cr_expect(eq(int, peer_skip_to(&peer, 1, USP_EVENT_EXIT).exit.signal, SIGKILL));
	cr_expect(lt(u64, clock_now_ns() - before_ns, 5 * NS_PER_S),
		  "it was the limit of the stop, not the signal");
	peer_skip_to(&peer, 1, USP_EVENT_END);
	peer_expect_error(&peer, ESHUTDOWN, "stops");
	daemon_stopped(&daemon_run);
	peer_close(&peer);
}

Test(daemon_stop, a_plan_of_an_hour_does_not_hold_up_the_stop)
{
	struct peer peer;

	start_stubborn(&peer, 3600 * NS_PER_S);

	cr_expect(eq(int, peer_skip_to(&peer, 1, USP_EVENT_EXIT).exit.signal, SIGKILL));
	daemon_stopped(&daemon_run);
	peer_close(&peer);
}

Test(daemon_stop, a_stopping_daemon_starts_nothing)
{
	struct peer peer;

	start_stubborn(&peer, NS_PER_S / 2);
	cr_expect(
		eq(int, wait_until(access(daemon_run.socket, F_OK) < 0, WAIT_MS), true));
	cr_expect(eq(int, sys_socket_connect(daemon_run.socket), -ENOENT));
	peer_spawn(&peer, 2, &PEER_ARGV("/bin/true"), false);

	peer_expect_failed(&peer, 2, USP_STAGE_ADMISSION, ESHUTDOWN, "the daemon stops");
	cr_expect(eq(int, peer_skip_to(&peer, 1, USP_EVENT_EXIT).exit.signal, SIGKILL));
	daemon_stopped(&daemon_run);
	peer_close(&peer);
}

/* One that does not read cannot hold up the stop for long. */
Test(daemon_stop, a_client_that_does_not_read_is_left_behind)
{
	static const char argv[] = "/bin/cat\0/dev/zero";
	const struct request request = {
		.argv = { argv, sizeof(argv) },
		.options.window_bytes = 16u << 20,
	};
	struct peer peer;

	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	peer_spawn(&peer, 1, &request, false);
	peer_skip_to(&peer, 1, USP_EVENT_OUTPUT);
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
	peer_close(&peer);
}

/* Somebody else's file in the socket's place is not the daemon's to remove. */
Test(daemon_stop, a_file_of_somebody_else_is_not_removed)
{
	struct stat st;

	daemon_start(&daemon_run, NULL);
	cr_assert(eq(int, unlink(daemon_run.socket), 0));
	cr_assert(eq(int, mkdir(daemon_run.socket, 0700), 0));
	daemon_signal(&daemon_run, SIGTERM);
	cr_assert(wait_fd(daemon_run.pidfd, POLLIN, WAIT_MS));

	cr_expect(eq(int, stat(daemon_run.socket, &st), 0));
	cr_assert(eq(int, rmdir(daemon_run.socket), 0));
	daemon_stopped(&daemon_run);
}
