/*
 * sys/sock.c: names, listeners that replace dead ones and spare living ones, who
 * the peer is, and descriptors that all arrive or none.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/annotate.h"
#include "base/clock.h"
#include "support/clean.h"
#include "support/tmpdir.h"
#include "sys/sock.h"

static void *keep_clear(char *text, size_t n, char c)
{
	memset(text, c, n);
	text[n] = '\0';
	return text;
}

Test(sock, a_name_is_a_path_or_abstract_and_fits)
{
	struct sockaddr_un addr;
	socklen_t size;
	char text[200];

	cr_assert(eq(int, socket_address("", &addr, &size), -EINVAL));
	cr_assert(eq(int, socket_address("@", &addr, &size), -EINVAL));
	cr_assert(eq(int, socket_address(keep_clear(text, 108, 'p'), &addr, &size),
		     -ENAMETOOLONG));
	cr_assert(eq(int, socket_address(keep_clear(text, 107, 'p'), &addr, &size), 0));
	cr_assert(eq(sz, size, offsetof(struct sockaddr_un, sun_path) + 108));
	cr_assert(eq(int, socket_address(keep_clear(text, 109, '@'), &addr, &size),
		     -ENAMETOOLONG));
	cr_assert(eq(int, socket_address(keep_clear(text, 108, '@'), &addr, &size), 0));
	cr_assert(eq(chr, addr.sun_path[0], '\0'));
	cr_assert(eq(sz, size, sizeof(addr)));
}

Test(sock, the_default_is_the_first_variable_that_is_set)
{
	char path[64], small[10];

	setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
	setenv("URINGSPAWN_SOCKET", "@mine", 1);
	cr_assert(eq(int, socket_default(path, sizeof(path)), 0));
	cr_assert(eq(str, path, "@mine"));

	setenv("URINGSPAWN_SOCKET", "", 1);
	cr_assert(eq(int, socket_default(path, sizeof(path)), 0));
	cr_assert(eq(str, path, "/run/user/1/uringspawn.sock"));
	cr_assert(eq(int, socket_default(small, sizeof(small)), -ENAMETOOLONG));

	unsetenv("URINGSPAWN_SOCKET");
	unsetenv("XDG_RUNTIME_DIR");
	cr_assert(eq(int, socket_default(path, sizeof(path)), 0));
	cr_assert(eq(str, path, "/run/uringspawn/uringspawn.sock"));
}

CLEAN_TEST(sock, a_listener_is_private_and_knows_its_peer)
{
	const char *name = tmpdir_path("s");
	int listener = sys_socket_listen(name, 4);
	int there = sys_socket_connect(name), here;
	struct stat st;
	uid_t uid;
	gid_t gid;
	pid_t pid;

	cr_assert(ge(int, listener, 0));
	cr_assert(ge(int, there, 0));
	cr_assert(eq(int, stat(name, &st), 0));
	cr_assert(eq(uint, st.st_mode & 07777, 0600));

	here = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	cr_assert(eq(int, sys_socket_peer(here, &uid, &gid, &pid), 0));
	cr_assert(eq(uint, uid, getuid()));
	cr_assert(eq(uint, gid, getgid()));
	cr_assert(eq(int, pid, getpid()));
	cr_assert(eq(int, sys_socket_peer(here, NULL, NULL, NULL), 0));
	cr_assert(
		eq(int, sys_socket_peer(STDERR_FILENO + 100, NULL, NULL, NULL), -EBADF));

	cr_assert(fcntl(listener, F_GETFD) & FD_CLOEXEC);
	cr_assert(fcntl(there, F_GETFD) & FD_CLOEXEC);
	close(here);
	close(there);
	close(listener);
	tmpdir_done();
}

CLEAN_TEST(sock, nobody_there_is_told_apart_from_nobody_listening)
{
	const char *name = tmpdir_path("s");
	int listener;

	cr_assert(eq(int, sys_socket_connect(name), -ENOENT));
	listener = sys_socket_listen(name, 4);
	close(listener);
	cr_assert(eq(int, sys_socket_connect(name), -ECONNREFUSED));
	cr_assert(eq(int, sys_socket_connect("@uringspawn-test-nobody"), -ECONNREFUSED));
	tmpdir_done();
}

CLEAN_TEST(sock, a_stale_socket_is_taken_over_and_a_live_one_is_not)
{
	const char *name = tmpdir_path("s");
	int first = sys_socket_listen(name, 4), second, client;

	cr_assert(eq(int, sys_socket_listen(name, 4), -EADDRINUSE));
	client = sys_socket_connect(name);
	cr_assert(ge(int, client, 0), "the live one was harmed");
	close(client);
	close(first);

	second = sys_socket_listen(name, 4);
	cr_assert(ge(int, second, 0));
	client = sys_socket_connect(name);
	cr_assert(ge(int, client, 0));
	close(client);
	close(second);
	tmpdir_done();
}

enum { MANY = 12 };

/* One byte for each of many. */
static void let_all(int pipe[2])
{
	cr_assert(eq(int, (int)write(pipe[1], "123456789012", MANY), MANY));
}

/* One of many: tries when all may, and listens until all have said what became of it. */
static void listen_at_once(const char *name, int start[2], int said[2], int end[2])
{
	char go;
	int fd;

	(void)!read(start[0], &go, 1);
	fd = sys_socket_listen(name, 4);
	(void)!write(said[1], fd >= 0 ? "y" : "n", 1);
	(void)!read(end[0], &go, 1);
	_exit(fd >= 0 || fd == -EADDRINUSE ? 0 : 1);
}

static void expect_one_to_listen(const char *name)
{
	int start[2], said[2], end[2], status, listening = 0;
	char word;

	cr_assert(not(pipe2(start, 0) || pipe2(said, 0) || pipe2(end, 0)));
	for (int i = 0; i < MANY; i++)
		if (fork() == 0)
			listen_at_once(name, start, said, end);
	let_all(start);
	for (int i = 0; i < MANY; i++) {
		cr_assert(eq(int, (int)read(said[0], &word, 1), 1));
		listening += word == 'y';
	}
	let_all(end);
	for (int i = 0; i < MANY; i++) {
		wait(&status);
		cr_expect(eq(int, status, 0));
	}
	cr_assert(eq(int, listening, 1));
	for (int i = 0; i < 2; i++) {
		close(start[i]);
		close(said[i]);
		close(end[i]);
	}
}

CLEAN_TEST(sock, of_many_that_take_over_at_once_one_succeeds, .timeout = 60)
{
	const char *name = tmpdir_path("s");

	close(sys_socket_listen(name, 4)); /* stale from now on */
	for (int round = 0; round < 20; round++)
		expect_one_to_listen(name);
	tmpdir_done();
}

CLEAN_TEST(sock, a_directory_that_somebody_keeps_is_said, .timeout = 30)
{
	const char *name = tmpdir_path("s");
	int dir = open(tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	cr_assert(eq(int, flock(dir, LOCK_EX), 0));
	cr_expect(eq(int, sys_socket_listen(name, 4), -EBUSY));
	cr_expect(eq(int, access(name, F_OK), -1));
	close(dir);
	tmpdir_done();
}

CLEAN_TEST(sock, a_socket_tells_its_name_and_whether_it_listens)
{
	static const char abstract[] = "@uringspawn-test-name";
	const char *name = tmpdir_path("s");
	char got[SOCKET_NAME_BYTES];
	int listener = sys_socket_listen(name, 4), other, pair[2];

	cr_expect(sys_socket_listens(listener));
	cr_assert(eq(int, sys_socket_name(listener, got), 0));
	cr_expect(eq(str, got, (char *)name));

	other = sys_socket_listen(abstract, 4);
	cr_assert(eq(int, sys_socket_name(other, got), 0));
	cr_expect(eq(str, got, (char *)abstract));

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0));
	cr_expect(not(sys_socket_listens(pair[0])));
	cr_expect(not(sys_socket_listens(-1)));
	cr_assert(eq(int, sys_socket_name(pair[0], got), 0));
	cr_expect(eq(str, got, ""));
	close(pair[0]);
	close(pair[1]);
	close(other);
	close(listener);
	tmpdir_done();
}

/* Connects with these supplementary groups; the other end is returned. */
static int connect_with_groups(int listener, const char *name, size_t n,
			       const gid_t *groups)
{
	int status;

	if (fork() == 0)
		_exit(setgroups(n, groups) < 0 || sys_socket_connect(name) < 0);
	cr_assert(le(int, 0, wait(&status)));
	cr_assert(eq(int, status, 0));
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

CLEAN_TEST(sock, the_peer_s_groups_are_told)
{
	static const gid_t groups[] = { 7, 70000, 8 };
	const char *name = tmpdir_path("s");
	int listener = sys_socket_listen(name, 4), fd;
	unsigned n = 99;
	gid_t *got;

	if (geteuid() == 0) {
		fd = connect_with_groups(listener, name, 3, groups);
		cr_assert(eq(int, sys_socket_peer_groups(fd, &got, &n), 0));
		cr_assert(eq(uint, n, 3));
		for (int i = 0; i < 3; i++)
			cr_expect(got[0] == groups[i] || got[1] == groups[i] ||
				  got[2] == groups[i]);
		mem_free(got);
		close(fd);
		fd = connect_with_groups(listener, name, 0, NULL);
		cr_assert(eq(int, sys_socket_peer_groups(fd, &got, &n), 0));
		cr_expect(eq(uint, n, 0));
		cr_expect(eq(ptr, got, NULL));
		close(fd);
	}
	cr_expect(eq(int, sys_socket_peer_groups(-1, &got, &n), -EBADF));
	close(listener);
	tmpdir_done();
}

CLEAN_TEST(sock, who_shares_a_listener_does_not_wait_for_what_another_took)
{
	const char *name = tmpdir_path("s");
	int listener = sys_socket_listen(name, 4);

	cr_assert(eq(int, fcntl(listener, F_SETFL, O_NONBLOCK), 0));
	cr_assert(eq(int, sys_socket_share(listener), 0));
	cr_expect(eq(int, fcntl(listener, F_GETFL) & O_NONBLOCK, 0));
	cr_expect(eq(int, accept4(listener, NULL, NULL, SOCK_CLOEXEC), -1));
	cr_expect(eq(int, errno, EAGAIN));
	cr_expect(eq(int, sys_socket_share(-1), -EBADF));
	close(listener);
	tmpdir_done();
}

/* What a connection is asked for holds before it is accepted. */
CLEAN_TEST(sock, a_listener_s_connections_tell_who_sends)
{
	const char *name = tmpdir_path("s");
	int listener = sys_socket_listen(name, 4), there, here, on = 0;
	socklen_t size = sizeof(on);

	cr_assert(eq(int, sys_socket_pass_credentials(listener), 0));
	there = sys_socket_connect(name);
	here = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	cr_assert(eq(int, getsockopt(here, SOL_SOCKET, SO_PASSCRED, &on, &size), 0));
	cr_expect(eq(int, on, 1));
	cr_expect(eq(int, sys_socket_pass_credentials(-1), -EBADF));
	close(here);
	close(there);
	close(listener);
	tmpdir_done();
}

/* A full backlog is somebody who is busy, not nobody. */
CLEAN_TEST(sock, a_live_one_with_a_full_backlog_is_spared)
{
	const char *name = tmpdir_path("s");
	int listener = sys_socket_listen(name, 0);
	int client = sys_socket_connect(name);
	struct stat before, after;

	cr_assert(ge(int, client, 0));
	cr_assert(eq(int, stat(name, &before), 0));
	cr_assert(eq(int, sys_socket_listen(name, 4), -EADDRINUSE));
	cr_assert(eq(int, stat(name, &after), 0));
	cr_assert(eq(ulong, before.st_ino, after.st_ino));
	close(client);
	close(listener);
	tmpdir_done();
}

CLEAN_TEST(sock, a_full_backlog_is_waited_for_within_a_limit)
{
	const char *name = tmpdir_path("s");
	int listener = sys_socket_listen(name, 0);
	int client = sys_socket_connect(name);
	uint64_t start_ns = clock_now_ns();

	cr_assert(eq(int, sys_socket_connect(name), -EAGAIN));
	cr_assert(ge(u64, clock_now_ns() - start_ns, 500 * NS_PER_MS));
	cr_assert(le(u64, clock_now_ns() - start_ns, 15 * NS_PER_S));
	close(client);
	close(listener);
	tmpdir_done();
}

CLEAN_TEST(sock, another_file_is_never_removed)
{
	const char *name = tmpdir_path("file");
	int fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	close(fd);
	cr_assert(eq(int, sys_socket_listen(name, 4), -EADDRINUSE));
	cr_assert(eq(int, access(name, F_OK), 0));
	cr_assert(eq(int, sys_socket_listen("/nonexistent/s", 4), -ENOENT));
	tmpdir_done();
}

/* A number of descriptors in one message; returns what the receiver says. */
static ssize_t pass(unsigned n_sent, unsigned max, unsigned *ret_n)
{
	int fds[SOCKET_FDS_MAX], got[SOCKET_FDS_MAX], pair[2];
	struct iovec iov = { .iov_base = "bytes", .iov_len = 5 };
	char text[16];
	ssize_t n;

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0));
	for (unsigned i = 0; i < n_sent; i++)
		fds[i] = pair[0];
	cr_assert(eq(long, sys_socket_send(pair[0], &iov, 1, fds, n_sent, false), 5));
	n = sys_socket_recv(pair[1], text, sizeof(text), got, max, ret_n, false);
	for (unsigned i = 0; n >= 0 && i < *ret_n; i++) {
		cr_assert(fcntl(got[i], F_GETFD) & FD_CLOEXEC);
		close(got[i]);
	}
	close(pair[0]);
	close(pair[1]);
	return n;
}

CLEAN_TEST(sock, descriptors_arrive_all_or_none)
{
	unsigned n = 99;

	cr_assert(eq(long, pass(0, 4, &n), 5));
	cr_assert(eq(uint, n, 0));
	cr_assert(eq(long, pass(3, 4, &n), 5));
	cr_assert(eq(uint, n, 3));
	cr_assert(eq(long, pass(SOCKET_FDS_MAX, SOCKET_FDS_MAX, &n), 5));
	cr_assert(eq(uint, n, SOCKET_FDS_MAX));

	n = 99;
	cr_assert(eq(long, pass(5, 4, &n), -EMSGSIZE));
	cr_assert(eq(long, pass(2, 0, &n), -EMSGSIZE));
	cr_assert(eq(uint, n, 99), "an output was set on failure");
}

CLEAN_TEST(sock, sending_and_receiving_say_why_they_do_not)
{
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	char text[4];
	int pair[2];
	unsigned n;

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0));
	cr_assert(
		eq(long, sys_socket_recv(pair[0], text, 4, NULL, 0, &n, false), -EAGAIN));
	cr_assert(eq(long,
		     sys_socket_send(pair[0], &iov, 1, NULL, SOCKET_FDS_MAX + 1, false),
		     -EINVAL));
	close(pair[1]);
	cr_assert(eq(long, sys_socket_send(pair[0], &iov, 1, NULL, 0, false), -EPIPE));
	cr_assert(eq(long, sys_socket_recv(pair[0], text, 4, NULL, 0, &n, false), 0));
	close(pair[0]);
}

Test(sock, more_may_be_on_its_way)
{
	int ends[2], before = 0, after = 0;
	socklen_t size = sizeof(int);

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0));
	sys_socket_send_space(ends[0], 32 << 10);
	getsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &before, &size);
	sys_socket_send_space(ends[0], 64 << 10);
	getsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &after, &size);
	cr_expect(eq(int, after, 2 * before));

	sys_socket_send_space(ends[0], INT_MAX); /* more than is allowed: what is */
	getsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &before, &size);
	cr_expect(ge(int, before, after));
	close(ends[0]);
	close(ends[1]);
}
