/*
 * GONE release: a job whose client is gone is as a child whose parent is gone.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uringspawn/wire.h>

#include "base/clock.h"
#include "support/alive.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/private.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(daemon_released, .fini = tmpdir_done, .timeout = 90);

static struct running_daemon daemon_run;
static struct private_daemon of_program;

/* A script that gets a file's name, that it is to write to, as $0. */
struct scripted {
	struct request request;
	char argv[1024];
	char file[128];
};

static void prepare(struct scripted *s, const char *script, const char *name)
{
	const char *parts[] = { "/bin/sh", "-c", script, s->file };
	size_t n = 0;

	memset(s, 0, sizeof(*s));
	strcpy(s->file, tmpdir_path(name));
	for (size_t i = 0; i < 4; i++) {
		size_t size = strlen(parts[i]) + 1;

		cr_assert(lt(sz, n + size, sizeof(s->argv)));
		memcpy(s->argv + n, parts[i], size);
		n += size;
	}
	s->request.argv.bytes = s->argv;
	s->request.argv.size = n;
	s->request.env.bytes = "PATH=/bin:/usr/bin";
	s->request.env.size = sizeof("PATH=/bin:/usr/bin");
	s->request.options.gone = USP_GONE_RELEASE;
}

static bool is_written(const char *file, const char *text)
{
	char buf[256] = "";
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	(void)!read(fd, buf, sizeof(buf) - 1);
	close(fd);
	return strcmp(buf, text) == 0;
}

static void expect_written(const char *file, const char *text)
{
	bool written = wait_until(is_written(file, text), WAIT_MS);

	cr_assert(written, "%s is not written", file);
}

/* Start it, and leave once it runs.  Returns its pid. */
static pid_t start_and_leave(const char *socket, const struct request *request)
{
	struct peer peer;
	pid_t pid;

	peer_open(&peer, socket);
	peer_spawn(&peer, 1, request, false);
	pid = peer_skip_to(&peer, 1, USP_EVENT_STARTED).started.pid;
	peer_close(&peer);
	return pid;
}

static void expect_gone(pid_t pid)
{
	bool gone = wait_until(is_gone(pid), WAIT_MS);

	cr_assert(gone, "%d is still there", (int)pid);
}

/* ---- its streams --------------------------------------------------------- */

/* With a reader for its output it would go on for ever. */
static const char writer[] = "trap '' PIPE; while echo x; do :; done; "
			     "echo broken > $0.new; mv $0.new $0";
static const char reader[] = "cat; echo ended > $0.new; mv $0.new $0";

static void leave_both(const char *socket, struct scripted *writing,
		       struct scripted *reading)
{
	prepare(writing, writer, "writer");
	prepare(reading, reader, "reader");
	reading->request.options.stdio[0].kind = USP_STDIO_PIPE;
	start_and_leave(socket, &writing->request);
	start_and_leave(socket, &reading->request);
	expect_written(writing->file, "broken\n");
	expect_written(reading->file, "ended\n");
}

Test(daemon_released, its_pipes_are_broken_and_it_runs_on)
{
	struct scripted writing, reading;
	bool reaped;

	daemon_start(&daemon_run, NULL);
	leave_both(daemon_run.socket, &writing, &reading);
	reaped = wait_until(daemon_children(&daemon_run) == 0, WAIT_MS);
	cr_expect(reaped, "it is not reaped");
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}

/* One that takes no more output, since its consumer gave no credit. */
Test(daemon_released, one_that_waits_in_its_pipe_finds_it_broken)
{
	struct scripted writing;
	struct peer peer;

	prepare(&writing, writer, "writer");
	writing.request.options.window_bytes = 4096;
	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	peer_spawn(&peer, 1, &writing.request, false);
	peer_skip_to(&peer, 1, USP_EVENT_OUTPUT);
	peer_close(&peer);
	expect_written(writing.file, "broken\n");
	daemon_stop(&daemon_run);
}

Test(daemon_released, a_pair_of_sockets_is_shut_down)
{
	struct scripted talking;

	prepare(&talking,
		"trap '' PIPE; cat <&0; while echo x >&0; do :; done; "
		"echo over > $0.new; mv $0.new $0",
		"talker");
	talking.request.options.stdio[0].kind = USP_STDIO_DUPLEX;
	daemon_start(&daemon_run, NULL);
	start_and_leave(daemon_run.socket, &talking.request);
	expect_written(talking.file, "over\n");
	daemon_stop(&daemon_run);
}

/* ---- its limits of time -------------------------------------------------- */

/* It would be killed long before it writes. */
Test(daemon_released, no_timeout_ends_it)
{
	struct scripted slow;

	prepare(&slow, "sleep 2; echo slow > $0.new; mv $0.new $0", "slow");
	slow.request.options.timeout_ns = 1 * NS_PER_S;
	slow.request.options.idle_timeout_ns = 1 * NS_PER_S;
	daemon_start(&daemon_run, NULL);
	start_and_leave(daemon_run.socket, &slow.request);
	expect_written(slow.file, "slow\n");
	daemon_stop(&daemon_run);
}

/* ---- those that have not started yet ------------------------------------- */

/* Nothing is waited for: a program may end in the turn in which it asked. */
Test(daemon_released, what_was_asked_for_in_the_last_moment_is_started)
{
	enum { JOBS = 8 };
	static struct scripted last[JOBS];
	const char *socket = tmpdir_path("socket");
	struct peer peer;
	char name[16];

	private_start(&of_program, socket, NULL);
	peer_open(&peer, socket);
	for (uint32_t i = 0; i < JOBS; i++) {
		snprintf(name, sizeof(name), "last-%u", i);
		prepare(&last[i], "echo late > $0", name);
		peer_spawn(&peer, i + 1, &last[i].request, false);
	}
	peer_close(&peer);
	for (int i = 0; i < JOBS; i++)
		expect_written(last[i].file, "late\n");
	private_expect_ended(&of_program);
}

/* The first has the only place until it finds the end of its input. */
static void queue_and_leave(const char *socket, struct scripted *first,
			    struct scripted *second)
{
	struct peer peer;

	prepare(first, "cat; echo first > $0", "first");
	first->request.options.stdio[0].kind = USP_STDIO_PIPE;
	prepare(second, "echo second > $0", "second");
	peer_open(&peer, socket);
	peer_spawn(&peer, 1, &first->request, false);
	peer_skip_to(&peer, 1, USP_EVENT_STARTED);
	peer_spawn(&peer, 2, &second->request, false);
	peer_close(&peer);
}

Test(daemon_released, one_that_waits_for_a_place_gets_it_before_the_daemon_ends)
{
	const char *const args[] = { "--jobs-max", "1", NULL };
	const char *socket = tmpdir_path("socket");
	struct scripted first, second;

	private_start(&of_program, socket, args);
	queue_and_leave(socket, &first, &second);
	expect_written(first.file, "first\n");
	expect_written(second.file, "second\n");
	private_expect_ended(&of_program);
}

/* ---- the end of the daemon ----------------------------------------------- */

static const char waiter[] = "while ! test -e $0.go; do sleep 0.02; done; echo on > $0";

static void let_go(const struct scripted *s)
{
	char name[160];
	int fd;

	snprintf(name, sizeof(name), "%s.go", s->file);
	fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	cr_assert(ge(int, fd, 0));
	close(fd);
}

Test(daemon_released, a_private_daemon_does_not_wait_for_it)
{
	const char *socket = tmpdir_path("socket");
	struct scripted waiting;
	pid_t pid;

	prepare(&waiting, waiter, "waiter");
	private_start(&of_program, socket, NULL);
	pid = start_and_leave(socket, &waiting.request);
	private_expect_ended(&of_program);
	cr_expect(is_alive(pid), "it went with its daemon");
	let_go(&waiting);
	expect_written(waiting.file, "on\n");
	expect_gone(pid);
}

/* What its client wants killed is killed, and waited for. */
Test(daemon_released, a_private_daemon_kills_what_is_not_released)
{
	const struct request sleeper =
		PEER_ARGV(BUILD_DIR "/tests/programs/sleep_forever");
	const char *socket = tmpdir_path("socket");
	struct scripted waiting;
	pid_t killed, left;
	struct peer peer;

	prepare(&waiting, waiter, "waiter");
	private_start(&of_program, socket, NULL);
	peer_open(&peer, socket);
	peer_spawn(&peer, 1, &sleeper, false);
	killed = peer_skip_to(&peer, 1, USP_EVENT_STARTED).started.pid;
	peer_spawn(&peer, 2, &waiting.request, false);
	left = peer_skip_to(&peer, 2, USP_EVENT_STARTED).started.pid;
	peer_close(&peer);
	private_expect_ended(&of_program);
	cr_expect(is_gone(killed));
	cr_expect(is_alive(left));
	let_go(&waiting);
	expect_gone(left);
}

Test(daemon_released, a_daemon_that_is_stopped_leaves_it_and_cuts_nothing_off)
{
	struct scripted waiting;
	char text[4096];
	pid_t pid;

	prepare(&waiting, waiter, "waiter");
	daemon_start(&daemon_run, NULL);
	pid = start_and_leave(daemon_run.socket, &waiting.request);
	daemon_expect_service(daemon_run.socket);
	daemon_signal(&daemon_run, SIGTERM);
	cr_expect(eq(int, daemon_ended(&daemon_run, text, sizeof(text)), 0), "%s", text);
	cr_expect(is_alive(pid), "it went with its daemon");
	let_go(&waiting);
	expect_gone(pid);
}

/* With one that is not left to itself, the exit code says so. */
Test(daemon_released, what_is_cut_off_beside_it_is_told)
{
	const struct request sleeper =
		PEER_ARGV(BUILD_DIR "/tests/programs/sleep_forever");
	struct scripted waiting;
	struct peer peer;
	char text[4096];
	pid_t pid;

	prepare(&waiting, waiter, "waiter");
	daemon_start(&daemon_run, NULL);
	pid = start_and_leave(daemon_run.socket, &waiting.request);
	peer_open(&peer, daemon_run.socket);
	peer_spawn(&peer, 1, &sleeper, false);
	peer_skip_to(&peer, 1, USP_EVENT_STARTED);
	daemon_signal(&daemon_run, SIGTERM);
	cr_expect(eq(int, peer_skip_to(&peer, 1, USP_EVENT_EXIT).exit.signal, SIGTERM));
	peer_close(&peer);
	cr_expect(eq(int, daemon_ended(&daemon_run, text, sizeof(text)), 3), "%s", text);
	cr_expect(is_alive(pid));
	let_go(&waiting);
	expect_gone(pid);
}

Test(daemon_released, a_job_with_a_cgroup_is_not_to_be_released)
{
	struct scripted grouped;
	struct peer peer;

	prepare(&grouped, "exit 0", "grouped");
	grouped.request.options.flags = USP_FLAG_CGROUP;
	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	peer_spawn(&peer, 1, &grouped.request, false);
	peer_expect_failed(&peer, 1, USP_STAGE_VALIDATE, EINVAL, "gone");
	peer_close(&peer);
	daemon_stop(&daemon_run);
}
