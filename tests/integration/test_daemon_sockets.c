/*
 * Where the daemon listens: named, inherited and passed sockets, who is told that it
 * is ready, and who gets a socket that several want.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uringspawn/wire.h>

#include "base/clock.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/tmpdir.h"
#include "support/wait.h"
#include "sys/sock.h"

TestSuite(daemon_sockets, .fini = tmpdir_done, .timeout = 120);

static struct running_daemon daemon_run;

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	cr_assert(eq(int, stat(path, &st), 0), "%s", path);
	return st.st_mode & 07777;
}

/* ---- names --------------------------------------------------------------- */

Test(daemon_sockets, the_standard_one_is_its_user_s_alone)
{
	char runtime[200], socket[200];

	snprintf(runtime, sizeof(runtime), "XDG_RUNTIME_DIR=%s/run", tmpdir());
	const char *const env[] = { "URINGSPAWN_SOCKET=", runtime, NULL };
	const struct daemon_options options = { .env = env };

	daemon_start_with(&daemon_run, &options);
	snprintf(socket, sizeof(socket), "%s/run/uringspawn.sock", tmpdir());
	cr_expect(eq(uint, mode_of(tmpdir_path("run")), 0700));
	cr_expect(eq(uint, mode_of(socket), 0600));
	daemon_expect_service(socket);
	daemon_stop(&daemon_run);
	cr_expect(not(exists(socket)));
}

Test(daemon_sockets, several_are_served_at_once)
{
	char abstract[64];
	const char *other = tmpdir_path("other");

	snprintf(abstract, sizeof(abstract), "@uringspawn-test-%d", (int)getpid());
	const char *const args[] = { "--socket", abstract, "--socket", other, NULL };

	daemon_start(&daemon_run, args);
	daemon_expect_service(daemon_run.socket);
	daemon_expect_service(abstract);
	daemon_expect_service(other);
	daemon_stop(&daemon_run);
	cr_expect(not(exists(other)));
	cr_expect(eq(int, sys_socket_connect(abstract), -ECONNREFUSED));
}

Test(daemon_sockets, one_that_cannot_be_had_leaves_none)
{
	const char *good = tmpdir_path("good");
	const char *const args[] = { "--socket", good, "--socket", "/no/such/place",
				     NULL };
	char text[512];

	cr_expect(eq(int, daemon_try(args, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, "/no/such/place: No such file"), NULL), "%s",
		  text);
	cr_expect(not(exists(good)));
}

/* ---- descriptors --------------------------------------------------------- */

Test(daemon_sockets, an_inherited_one_is_served_and_stays)
{
	const char *name = tmpdir_path("inherited");
	int fd = sys_socket_listen(name, 16);
	const struct daemon_options options = {
		.args = (const char *[]){ "--listen-fd", "3", NULL },
		.fds = &fd,
		.n_fds = 1,
	};

	daemon_start_with(&daemon_run, &options);
	close(fd);
	daemon_expect_service(name);
	daemon_stop(&daemon_run);
	cr_expect(exists(name), "it is not the daemon's to remove");
}

Test(daemon_sockets, what_does_not_listen_is_named)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct daemon_options options = {
		.args = (const char *[]){ "--listen-fd", "3", NULL },
		.fds = &fd,
		.n_fds = 1,
	};
	char text[512];

	cr_expect(eq(int, daemon_try_with(&options, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, "descriptor 3 is not a Unix stream socket"), NULL),
		  "%s", text);

	options.args = NULL;
	options.activated = true;
	options.fd_names = "front";
	cr_expect(eq(int, daemon_try_with(&options, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, "descriptor 3, front is not"), NULL), "%s", text);

	options.args = (const char *[]){ "--listen-fd", "77", NULL };
	options.activated = false;
	cr_expect(eq(int, daemon_try_with(&options, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, "descriptor 77: Bad file"), NULL), "%s", text);
	close(fd);
}

/* Two sockets, as systemd passes them, blocking or not. */
static void start_activated(const char *one, const char *two, const char *const *env)
{
	int fds[] = { sys_socket_listen(one, 16), sys_socket_listen(two, 16) };
	const struct daemon_options options = {
		.fds = fds,
		.n_fds = 2,
		.activated = true,
		.fd_names = "a:b",
		.env = env,
	};

	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	daemon_start_with(&daemon_run, &options);
	close(fds[0]);
	close(fds[1]);
}

Test(daemon_sockets, those_of_a_service_manager_are_served)
{
	const char *one = tmpdir_path("one"), *two = tmpdir_path("two");

	start_activated(one, two, NULL);
	cr_expect(ne(ptr, strstr(daemon_run.said, one), NULL), "%s", daemon_run.said);
	daemon_expect_service(one);
	daemon_expect_service(two);
	daemon_stop(&daemon_run);
	cr_expect(exists(one) && exists(two));
}

/* What a job prints, until its end. */
static void output_of(const char *socket, const struct request *request, char *ret_text,
		      size_t size)
{
	struct usp_event event;
	struct peer peer;
	uint32_t job;
	size_t n = 0;

	peer_open(&peer, socket);
	peer_spawn(&peer, 1, request, false);
	do {
		event = peer_event(&peer, &job);
		if (event.kind != USP_EVENT_OUTPUT)
			continue;
		cr_assert(lt(sz, n + event.output.size, size));
		memcpy(ret_text + n, event.output.data, event.output.size);
		n += event.output.size;
	} while (event.kind != USP_EVENT_END);
	ret_text[n] = '\0';
	peer_close(&peer);
}

Test(daemon_sockets, nothing_of_it_reaches_a_child)
{
	const char *one = tmpdir_path("one");
	char notify[64], text[4096];

	snprintf(notify, sizeof(notify), "NOTIFY_SOCKET=@uringspawn-test-%d",
		 (int)getpid());
	const char *const env[] = { notify, NULL };

	start_activated(one, tmpdir_path("two"), env);
	output_of(one, &PEER_ARGV("/usr/bin/env"), text, sizeof(text));
	cr_expect(eq(str, text, ""), "the daemon's environment: %s", text);
	output_of(one, &PEER_ARGV(BUILD_DIR "/tests/programs/print_fds"), text,
		  sizeof(text));
	cr_expect(eq(str, text, "0\n1\n2\n"), "%s", text);
	daemon_stop(&daemon_run);
}

Test(daemon_sockets, variables_for_another_process_mean_nothing)
{
	const char *const env[] = { "LISTEN_PID=1", "LISTEN_FDS=2", NULL };
	const struct daemon_options options = {
		.socket = tmpdir_path("socket"),
		.env = env,
	};

	daemon_start_with(&daemon_run, &options);
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}

/* ---- the service manager ------------------------------------------------- */

/* A manager's socket; returns it, with the variable that names it. */
static int manager(const char *name, char *ret_variable, size_t size)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr;
	socklen_t length;

	cr_assert(eq(int, socket_address(name, &addr, &length), 0));
	cr_assert(eq(int, bind(fd, (struct sockaddr *)&addr, length), 0));
	snprintf(ret_variable, size, "NOTIFY_SOCKET=%s", name);
	return fd;
}

static const char *told(int fd)
{
	static char text[256];
	ssize_t n;

	cr_assert(wait_fd(fd, POLLIN, WAIT_MS), "the manager is told nothing");
	n = recv(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* The life of a daemon as its manager sees it. */
static void expect_life(const char *name)
{
	char variable[200], text[512];
	int fd = manager(name, variable, sizeof(variable));
	uint64_t at_us, before_us = clock_now_ns() / NS_PER_US;
	const char *const env[] = { variable, NULL };
	const char *const args[] = { "--config", tmpdir_path("config"), NULL };
	const struct daemon_options options = {
		.socket = tmpdir_path("socket"),
		.args = args,
		.env = env,
	};

	close(open(args[1], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	daemon_start_with(&daemon_run, &options);
	cr_expect(eq(str, (char *)told(fd), "READY=1"));

	daemon_signal(&daemon_run, SIGHUP);
	cr_assert(eq(int,
		     sscanf(told(fd), "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &at_us),
		     1));
	cr_expect(le(u64, before_us, at_us));
	cr_expect(le(u64, at_us, clock_now_ns() / NS_PER_US));
	cr_expect(eq(str, (char *)told(fd), "READY=1"));

	daemon_signal(&daemon_run, SIGTERM);
	cr_expect(eq(str, (char *)told(fd), "STOPPING=1"));
	cr_expect(eq(int, daemon_ended(&daemon_run, text, sizeof(text)), 0));
	close(fd);
}

Test(daemon_sockets, a_manager_at_a_path_is_told)
{
	expect_life(tmpdir_path("manager"));
}

Test(daemon_sockets, a_manager_at_an_abstract_name_is_told)
{
	char name[64];

	snprintf(name, sizeof(name), "@uringspawn-test-manager-%d", (int)getpid());
	expect_life(name);
}

Test(daemon_sockets, a_manager_that_is_not_there_stops_nobody)
{
	const char *const env[] = { "NOTIFY_SOCKET=/no/such/manager", NULL };
	const struct daemon_options options = {
		.socket = tmpdir_path("socket"),
		.env = env,
	};

	daemon_start_with(&daemon_run, &options);
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}

/* ---- several daemons ----------------------------------------------------- */

/* A stale socket, and many daemons that want it at one moment. */
Test(daemon_sockets, of_many_that_start_at_once_one_serves)
{
	enum { MANY = 6 };
	struct running_daemon daemons[MANY];
	const char *name = tmpdir_path("socket");
	const char *const args[] = { "--socket", name, NULL };
	int ready = 0;

	close(sys_socket_listen(name, 4));
	for (int i = 0; i < MANY; i++)
		daemon_launch(&daemons[i], &(struct daemon_options){ .args = args });
	for (int i = 0; i < MANY; i++) {
		char text[512];

		if (daemon_becomes_ready(&daemons[i])) {
			daemon_run = daemons[i];
			ready++;
			continue;
		}
		cr_expect(ne(ptr, strstr(daemons[i].said, "EADDRINUSE"), NULL), "%s",
			  daemons[i].said);
		cr_expect(eq(int, daemon_ended(&daemons[i], text, sizeof(text)), 1));
	}
	cr_assert(eq(int, ready, 1));
	daemon_expect_service(name);
	daemon_stop(&daemon_run);
}

/* ---- many connections ---------------------------------------------------- */

Test(daemon_sockets, a_thousand_that_connect_at_once_are_served)
{
	enum { MANY = 1000 };
	static struct peer peers[MANY];

	daemon_start(&daemon_run, NULL);
	daemon_signal(&daemon_run, SIGSTOP); /* so that all of them wait in the backlog */
	for (int i = 0; i < MANY; i++)
		peer_connect(&peers[i], daemon_run.socket);
	daemon_signal(&daemon_run, SIGCONT);
	for (int i = 0; i < MANY; i++)
		peer_greet(&peers[i]);
	for (int i = 0; i < MANY; i++)
		peer_close(&peers[i]);
	for (int i = 0; i < MANY; i++)
		daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}

/* One that is gone before it was accepted, and one that resets what it was sent. */
Test(daemon_sockets, connections_that_vanish_disturb_nobody)
{
	daemon_start(&daemon_run, NULL);
	for (int round = 0; round < 20; round++) {
		daemon_signal(&daemon_run, SIGSTOP);
		for (int i = 0; i < 50; i++) {
			struct peer peer;

			peer_connect(&peer, daemon_run.socket);
			if (i % 2)
				peer_send(&peer, "nonsense that is no HELLO at all", 32);
			peer_close(&peer);
		}
		daemon_signal(&daemon_run, SIGCONT);
		daemon_expect_service(daemon_run.socket);
	}
	daemon_stop(&daemon_run);
}
