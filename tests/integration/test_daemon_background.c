/*
 * --background: a command that returns once the daemon serves, and a daemon that holds
 * nothing of who started it.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/command.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/private.h"
#include "support/tmpdir.h"
#include "support/wait.h"
#include "sys/sock.h"

TestSuite(daemon_background, .fini = tmpdir_done, .timeout = 120);

#define UNDER_TEST BUILD_DIR "/uringspawnd"

static struct command_result result;
static struct private_daemon found;

/* The command with @args, its output read to its end.  Returns its exit code. */
static int run(const char *const *args)
{
	const struct command command = { .argv = args };

	return command_run(&command, &result);
}

static void expect_link(const char *name, const char *target)
{
	char path[64], link[256] = "";

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)found.pid, name);
	cr_assert(lt(int, 0, (int)readlink(path, link, sizeof(link) - 1)), "%s", path);
	cr_expect(eq(str, link, (char *)target), "%s", path);
}

static void stop(void)
{
	cr_assert(eq(int, kill(found.pid, SIGTERM), 0));
	private_expect_ended(&found);
}

Test(daemon_background, it_returns_once_it_serves_and_gives_up_its_streams)
{
	const char *socket = tmpdir_path("socket");

	/* That the output ends says that nobody holds the pipes any more. */
	cr_assert(eq(int, run(ARGS(UNDER_TEST, "--background", "--socket", socket)), 0),
		  "%s", result.err);
	cr_expect(ne(ptr, strstr(result.err, "ready on "), NULL), "%s", result.err);
	daemon_expect_service(socket);
	private_find(&found, socket);

	expect_link("fd/0", "/dev/null");
	expect_link("fd/1", "/dev/null");
	expect_link("fd/2", "/dev/null");
	expect_link("cwd", "/");
	cr_expect(eq(int, getsid(found.pid), found.pid), "it is not in our session");
	stop();
}

Test(daemon_background, a_log_that_is_a_file_goes_on)
{
	const char *socket = tmpdir_path("socket"), *log = tmpdir_path("log");
	int fd = open(log, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	char text[1024] = "";
	struct command command = {
		.argv = ARGS(UNDER_TEST, "--background", "--socket", socket),
		.stdio = { [2] = fd },
	};

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, command_run(&command, &result), 0));
	private_find(&found, socket);
	expect_link("fd/2", log);
	stop();
	close(fd);

	fd = open(log, O_RDONLY | O_CLOEXEC);
	cr_assert(lt(int, 0, (int)read(fd, text, sizeof(text) - 1)));
	cr_expect(ne(ptr, strstr(text, "stopping"), NULL), "%s", text);
	close(fd);
}

Test(daemon_background, started_without_streams_it_serves_as_well)
{
	const char *socket = tmpdir_path("socket");
	const struct command command = {
		.argv = ARGS(UNDER_TEST, "--background", "--socket", socket),
		.stdio = { COMMAND_CLOSED, COMMAND_CLOSED, COMMAND_CLOSED },
	};

	cr_assert(eq(int, command_run(&command, &result), 0));
	daemon_expect_service(socket);
	private_find(&found, socket);
	expect_link("fd/2", "/dev/null");
	stop();
}

Test(daemon_background, one_that_cannot_start_says_why_and_its_code_comes_back)
{
	const char *socket = tmpdir_path("socket");
	const struct command ignoring = {
		.argv = ARGS(UNDER_TEST, "--background", "--socket", "/no/such/place"),
		.ignored = UINT64_C(1) << (SIGCHLD - 1),
	};

	cr_expect(eq(int, run(ARGS(UNDER_TEST, "--background", "--jobs-max", "x")), 2));
	cr_expect(ne(ptr, strstr(result.err, "--jobs-max"), NULL), "%s", result.err);

	cr_expect(eq(int, command_run(&ignoring, &result), 1));
	cr_expect(ne(ptr, strstr(result.err, "/no/such/place: No such file"), NULL), "%s",
		  result.err);

	cr_expect(eq(int, run(ARGS(UNDER_TEST, "--background", "--socket", socket)), 0));
	cr_expect(eq(int, run(ARGS(UNDER_TEST, "--background", "--socket", socket)), 1));
	cr_expect(ne(ptr, strstr(result.err, "EADDRINUSE"), NULL), "%s", result.err);
	daemon_expect_service(socket);
	private_find(&found, socket);
	stop();
}

/* ---- descriptors --------------------------------------------------------- */

/* The daemon's pid, as a child of it knows it. */
static void find_by_job(const char *socket)
{
	const struct request request = PEER_ARGV("/bin/sh\0-c\0echo $PPID");
	struct usp_event event;
	struct peer peer;

	peer_open(&peer, socket);
	peer_spawn(&peer, 1, &request, false);
	event = peer_skip_to(&peer, 1, USP_EVENT_OUTPUT);
	found.pid = (pid_t)strtol(event.output.data, NULL, 10);
	found.pidfd = (int)syscall(SYS_pidfd_open, found.pid, 0);
	cr_assert(ge(int, found.pidfd, 0));
	peer_close(&peer);
}

/* Nobody holds the other end of @fd. */
static void expect_end(int fd)
{
	char byte;

	cr_assert(wait_fd(fd, POLLIN, WAIT_MS), "somebody holds the pipe");
	cr_expect(eq(int, (int)read(fd, &byte, 1), 0));
	close(fd);
}

Test(daemon_background, what_it_inherited_is_closed)
{
	const char *socket = tmpdir_path("socket");
	int low[2], high[2];

	cr_assert(eq(int, pipe2(low, 0), 0));
	cr_assert(eq(int, pipe2(high, 0), 0));
	cr_assert(eq(int, dup2(high[1], 700), 700));
	cr_assert(eq(int, run(ARGS(UNDER_TEST, "--background", "--socket", socket)), 0));
	close(low[1]);
	close(high[1]);
	close(700);

	private_find(&found, socket);
	expect_end(low[0]);
	expect_end(high[0]);
	stop();
}

Test(daemon_background, a_socket_that_was_passed_is_kept_and_nothing_beside)
{
	const char *socket = tmpdir_path("socket");
	int fd = sys_socket_listen(socket, 16), fds[2];
	const char *const args[] = { "--background", "--listen-fd", "5", NULL };
	struct daemon_options options = { .args = args,
					  .fds = (int[4]){ 0 },
					  .n_fds = 4 };
	char text[1024];

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, pipe2(fds, O_CLOEXEC), 0));
	options.fds = (int[4]){ fds[1], fds[1], fd, fds[1] };
	cr_assert(eq(int, daemon_try_with(&options, text, sizeof(text)), 0), "%s", text);
	close(fds[1]);
	close(fd);

	find_by_job(socket);
	expect_end(fds[0]);
	kill(found.pid, SIGTERM);
	cr_assert(wait_fd(found.pidfd, POLLIN, WAIT_MS));
	cr_expect(eq(int, access(socket, F_OK), 0), "it is not the daemon's to remove");
}

Test(daemon_background, what_a_service_manager_passes_is_taken)
{
	const char *socket = tmpdir_path("socket");
	int fd = sys_socket_listen(socket, 16);
	const char *const args[] = { "--background", NULL };
	const struct daemon_options options = {
		.args = args, .fds = &fd, .n_fds = 1, .activated = true
	};
	char text[1024];

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, daemon_try_with(&options, text, sizeof(text)), 0), "%s", text);
	close(fd);
	find_by_job(socket);
	kill(found.pid, SIGTERM);
	cr_assert(wait_fd(found.pidfd, POLLIN, WAIT_MS));
}
