/*
 * Many clients: silent ones, foreign ones, and those that go away.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uringspawn/wire.h>

#include "support/daemon.h"
#include "support/golden.h"
#include "support/peer.h"
#include "support/tmpdir.h"
#include "support/wait.h"
#include "sys/sock.h"

TestSuite(daemon_clients, .fini = tmpdir_done, .timeout = 120);

#define PROGRAM(name) BUILD_DIR "/tests/programs/" name

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true /* memory is not what it is elsewhere */
#else
#define SANITIZED false
#endif

static struct running_daemon daemon_run;

/* ---- silent ones --------------------------------------------------------- */

static bool can_open(rlim_t files)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_max >= files;
}

Test(daemon_clients, ten_thousand_that_say_nothing_keep_nobody_out)
{
	enum { SILENT = 10000 };
	int *fds = malloc(SILENT * sizeof(*fds));
	struct peer first = { 0 };

	if (!can_open(SILENT + 100))
		cr_skip("fewer than 10,100 descriptors may be open");
	daemon_start(&daemon_run, NULL);
	peer_connect(&first, daemon_run.socket);
	for (int i = 0; i < SILENT; i++) {
		fds[i] = sys_socket_connect(daemon_run.socket);
		cr_assert(ge(int, fds[i], 0), "connection %d: %d", i, fds[i]);
	}

	daemon_expect_service(daemon_run.socket);
	peer_expect_error(&first, EBUSY, "no HELLO");
	for (int i = 0; i < SILENT; i++)
		close(fds[i]);
	daemon_expect_service(daemon_run.socket);
	free(fds);
	peer_close(&first);
	daemon_stop(&daemon_run);
}

Test(daemon_clients, an_idle_one_costs_little)
{
	enum { IDLE = 2000 };
	static struct peer peers[IDLE];
	long before, after;

	if (SANITIZED)
		cr_skip("memory is not measured under a sanitizer");
	if (!can_open(IDLE + 100))
		cr_skip("fewer than 2,100 descriptors may be open");
	daemon_start(&daemon_run, NULL);
	daemon_expect_service(daemon_run.socket);
	before = daemon_rss_kib(&daemon_run);
	for (int i = 0; i < IDLE; i++)
		peer_open(&peers[i], daemon_run.socket);
	after = daemon_rss_kib(&daemon_run);

	cr_expect(le(long, before, 8192), "an idle daemon has %ld KiB", before);
	cr_expect(le(long, after - before, 2 * IDLE), "%ld KiB for %d clients",
		  after - before, IDLE);
	for (int i = 0; i < IDLE; i++)
		peer_close(&peers[i]);
	daemon_stop(&daemon_run);
}

Test(daemon_clients, one_without_hello_is_closed_after_ten_seconds)
{
	struct peer silent, greeted;

	daemon_start(&daemon_run, NULL);
	peer_open(&greeted, daemon_run.socket);
	peer_connect(&silent, daemon_run.socket);
	peer_expect_error(&silent, ETIMEDOUT, "no HELLO within 10 seconds");

	peer_expect_service(&greeted, 1);
	peer_close(&silent);
	peer_close(&greeted);
	daemon_stop(&daemon_run);
}

Test(daemon_clients, the_limit_holds_for_those_that_greeted)
{
	const char *const args[] = { "--clients-max", "3", NULL };
	struct peer peers[3], silent, late;

	daemon_start(&daemon_run, args);
	peer_open(&peers[0], daemon_run.socket);
	peer_open(&peers[1], daemon_run.socket);
	peer_connect(&silent, daemon_run.socket);
	peer_open(&peers[2], daemon_run.socket); /* in the place of the silent one */
	peer_expect_error(&silent, EBUSY, "no HELLO");
	peer_connect(&late, daemon_run.socket);
	peer_expect_error(&late, EBUSY, "3 clients");
	for (uint32_t i = 0; i < 3; i++)
		peer_expect_service(&peers[i], 1);
	peer_close(&peers[0]);

	peer_expect_service(&peers[1], 2);
	daemon_expect_service(daemon_run.socket);
	peer_close(&peers[1]);
	peer_close(&peers[2]);
	peer_close(&silent);
	peer_close(&late);
	daemon_stop(&daemon_run);
}

/* ---- foreign ones -------------------------------------------------------- */

/* An abstract name has no permissions of a file: the daemon itself has to look. */
static int greet_as(uid_t uid, const char *socket)
{
	struct golden hello = golden_read("hello-client.bin");
	pid_t pid = fork();
	int status;

	cr_assert(ge(int, pid, 0));
	if (pid == 0) {
		struct peer peer;
		struct frame frame;

		if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
			_exit(100);
		peer_connect(&peer, socket);
		peer_send(&peer, hello.bytes, hello.size);
		if (!peer_next(&peer, &frame))
			_exit(101);
		_exit(frame.type == USP_WIRE_ERROR ? (int)frame.arg : 0);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, !!WIFEXITED(status), 1));
	return WEXITSTATUS(status);
}

Test(daemon_clients, another_user_is_refused)
{
	char name[64];

	if (geteuid() != 0)
		cr_skip("only root can be another user");
	snprintf(name, sizeof(name), "@uringspawn-test-%d", (int)getpid());
	daemon_start_on(&daemon_run, name, NULL);

	cr_expect(eq(int, greet_as(65534, name), EACCES));
	cr_expect(eq(int, greet_as(0, name), 0));
	daemon_expect_service(name);
	daemon_stop(&daemon_run);
}

Test(daemon_clients, the_socket_file_is_the_user_s_alone)
{
	struct stat st;

	daemon_start(&daemon_run, NULL);
	cr_assert(eq(int, stat(daemon_run.socket, &st), 0));

	cr_expect(eq(uint, st.st_mode & 07777, 0600));
	daemon_stop(&daemon_run);
}

/* ---- those that go away -------------------------------------------------- */

static struct usp_event start(struct peer *peer, uint32_t job,
			      const struct request *request)
{
	peer_spawn(peer, job, request, false);
	return peer_skip_to(peer, job, USP_EVENT_STARTED);
}

static void expect_gone(int pidfd)
{
	cr_assert(wait_fd(pidfd, POLLIN, WAIT_MS), "the child lives on");
	cr_expect(eq(int, wait_until(daemon_children(&daemon_run) == 0, WAIT_MS), true),
		  "a zombie is left");
	close(pidfd);
}

Test(daemon_clients, the_jobs_of_one_that_closes_are_killed)
{
	const struct request sleeper = PEER_ARGV(PROGRAM("sleep_forever"));
	struct peer peer;
	int pidfd;

	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	pidfd = (int)syscall(SYS_pidfd_open, start(&peer, 1, &sleeper).started.pid, 0);
	cr_assert(ge(int, pidfd, 0));
	peer_close(&peer);

	expect_gone(pidfd);
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}

Test(daemon_clients, the_kill_plan_of_one_that_closes_ends_in_sigkill)
{
	struct request stubborn = PEER_ARGV(PROGRAM("ignore_term"));
	struct peer peer;
	int pidfd;

	stubborn.options.kill.grace_ns = 50 * NS_PER_MS;
	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	pidfd = (int)syscall(SYS_pidfd_open, start(&peer, 1, &stubborn).started.pid, 0);
	peer_skip_to(&peer, 1, USP_EVENT_OUTPUT); /* it ignores SIGTERM from here on */
	peer_close(&peer);

	expect_gone(pidfd);
	daemon_stop(&daemon_run);
}

/* A child that writes all the time, whose reader is gone with its credit unspent. */
Test(daemon_clients, the_output_of_one_that_closes_is_dropped)
{
	static const char argv[] = "/bin/cat\0/dev/zero";
	const struct request request = { .argv = { argv, sizeof(argv) } };
	struct peer peer;
	int pidfd;

	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	pidfd = (int)syscall(SYS_pidfd_open, start(&peer, 1, &request).started.pid, 0);
	peer_skip_to(&peer, 1, USP_EVENT_OUTPUT);
	peer_close(&peer);

	expect_gone(pidfd);
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}

Test(daemon_clients, one_that_only_stops_sending_hears_of_its_jobs)
{
	static const char argv[] = "/bin/sh\0-c\0read x < /dev/fd/0; echo over";
	const struct request waits = {
		.argv = { argv, sizeof(argv) },
		.options.stdio = { { USP_STDIO_PIPE } },
	};
	const struct frame end = { .type = USP_WIRE_STDIN_EOF, .job = 1 };
	struct frame frame;
	struct peer peer;

	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	start(&peer, 1, &waits);
	peer_send_frame(&peer, &end, "");
	shutdown(peer.fd, SHUT_WR);

	cr_expect(eq(u64, peer_skip_to(&peer, 1, USP_EVENT_END).end.bytes[1], 5));
	cr_expect(not(peer_next(&peer, &frame)), "it is not closed after the last END");
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

Test(daemon_clients, one_that_stops_sending_and_then_closes_is_gone)
{
	const struct request sleeper = PEER_ARGV(PROGRAM("sleep_forever"));
	struct peer peer;
	int pidfd;

	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	pidfd = (int)syscall(SYS_pidfd_open, start(&peer, 1, &sleeper).started.pid, 0);
	shutdown(peer.fd, SHUT_WR);
	daemon_expect_service(daemon_run.socket);
	cr_expect(not(wait_fd(pidfd, POLLIN, 0)), "half-closed is not gone");
	peer_close(&peer);

	expect_gone(pidfd);
	daemon_stop(&daemon_run);
}

/* A job that was asked to be kept finds the end of its stdin, and runs on. */
Test(daemon_clients, a_job_that_is_kept_outlives_its_client)
{
	static const char argv[] =
		"/bin/sh\0-c\0cat; head -c 500000 /dev/zero; >$0; cat <$1";
	const char *done = tmpdir_path("done"), *fifo = tmpdir_path("fifo");
	char words[512];
	struct request kept = { .options = { .stdio = { { .kind = USP_STDIO_PIPE } },
					     .gone = USP_GONE_KEEP } };
	struct peer peer;
	int pidfd, fd;

	cr_assert(eq(int, mkfifo(fifo, 0600), 0));
	kept.argv.size = sizeof(argv);
	memcpy(words, argv, sizeof(argv));
	kept.argv.size += (size_t)sprintf(words + kept.argv.size, "%s", done) + 1;
	kept.argv.size += (size_t)sprintf(words + kept.argv.size, "%s", fifo) + 1;
	kept.argv.bytes = words;
	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	pidfd = (int)syscall(SYS_pidfd_open, start(&peer, 1, &kept).started.pid, 0);
	peer_close(&peer);

	cr_expect(eq(int, wait_until(access(done, F_OK) == 0, WAIT_MS), true),
		  "it does not go on");
	daemon_expect_service(daemon_run.socket);
	cr_expect(not(wait_fd(pidfd, POLLIN, 0)), "it was ended");
	fd = open(fifo, O_WRONLY | O_CLOEXEC);
	close(fd);
	expect_gone(pidfd);
	daemon_stop(&daemon_run);
}

/* At a stop it is a job like others: it was cut off. */
Test(daemon_clients, a_job_that_is_kept_is_ended_by_a_stop)
{
	struct request kept = PEER_ARGV(PROGRAM("sleep_forever"));
	struct peer peer;
	char text[1024];
	int pidfd;

	kept.options.gone = USP_GONE_KEEP;
	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	pidfd = (int)syscall(SYS_pidfd_open, start(&peer, 1, &kept).started.pid, 0);
	peer_close(&peer);
	daemon_expect_service(daemon_run.socket);
	daemon_signal(&daemon_run, SIGTERM);
	cr_expect(eq(int, daemon_ended(&daemon_run, text, sizeof(text)), 3), "%s", text);
	cr_expect(wait_fd(pidfd, POLLIN, 0), "it outlives the daemon");
	close(pidfd);
}

/* ---- all of it, again and again ------------------------------------------ */

Test(daemon_clients, what_comes_and_goes_leaves_nothing_behind)
{
	const struct request sleeper = PEER_ARGV(PROGRAM("sleep_forever"));
	long before, after;
	int fds;

	daemon_start(&daemon_run, NULL);
	fds = daemon_open_fds(&daemon_run);
	for (int i = 0; i < 100; i++)
		daemon_expect_service(daemon_run.socket);
	before = daemon_rss_kib(&daemon_run);
	for (int i = 0; i < 300; i++) {
		struct peer peer;

		peer_open(&peer, daemon_run.socket);
		if (i % 3 == 0)
			start(&peer, 1, &sleeper);
		if (i % 3 == 1)
			peer_spawn(&peer, 1, &sleeper, true);
		if (i % 3 == 2)
			peer_send(&peer, "\1\0\0\0\4\0\0\0\3\0\0\0\0\0\0", 15);
		peer_close(&peer);
	}
	cr_expect(eq(int, wait_until(daemon_children(&daemon_run) == 0, WAIT_MS), true));
	daemon_expect_service(daemon_run.socket);
	after = daemon_rss_kib(&daemon_run);

	/* The last connection may be on its way out, and with epoll it counts; what a
	 * daemon that has just started holds for a moment may have been counted before. */
	cr_expect(eq(int, wait_until(daemon_open_fds(&daemon_run) <= fds, WAIT_MS), true),
		  "%d descriptors, %d before", daemon_open_fds(&daemon_run), fds);
	if (!SANITIZED)
		cr_expect(le(long, after - before, 1024), "%ld KiB more", after - before);
	daemon_stop(&daemon_run);
}
