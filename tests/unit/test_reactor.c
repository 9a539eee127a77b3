/*
 * reactor/: each kind of operation, on real files.
 */
#include "reactor/reactor.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reactor/backend.h"
#include "support/clean.h"
#include "support/loop.h"
#include "sys/fd.h"
#include "sys/sock.h"

TestSuite(reactor, .timeout = 60);

static bool is_cloexec(int fd)
{
	return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

static bool got(const struct watched *w, const char *text)
{
	return buf_size(&w->got) == strlen(text) &&
	       memcmp(buf_bytes(&w->got), text, strlen(text)) == 0;
}

/* ---- poll ---------------------------------------------------------------- */

CLEAN_TEST(reactor, a_poll_reports_once)
{
	struct loop loop;
	struct watched w;
	int slot, fd;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	fd = loop_pipe_in(&loop, &slot);
	reactor_poll(loop.reactor, &w.op, slot, POLLIN);
	loop_turn(&loop);
	cr_assert(eq(uint, w.calls, 0), "it reports what is not there");

	cr_assert(eq(int, (int)write(fd, "x", 1), 1));
	loop_until(&loop, w.calls);
	cr_assert(w.res & POLLIN);
	cr_assert(not(op_armed(&w.op)));
	cr_assert(eq(int, (int)write(fd, "x", 1), 1));
	loop_turn(&loop);
	cr_assert(eq(uint, w.calls, 1));
	close(fd);
	loop_close(&loop);
}

CLEAN_TEST(reactor, a_poll_of_changes_reports_each)
{
	struct loop loop;
	struct watched w;
	int slot, fd;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	fd = loop_socket(&loop, &slot);
	reactor_poll_changes(loop.reactor, &w.op, slot, POLLIN);
	cr_assert(eq(int, (int)write(fd, "x", 1), 1));
	loop_until(&loop, w.calls == 1);
	cr_assert(w.res & POLLIN);
	cr_assert(op_armed(&w.op));

	shutdown(fd, SHUT_WR);
	/* The end is reported although it was not asked for. */
	loop_until(&loop, w.res & POLLRDHUP);
	cr_assert(op_armed(&w.op));
	close(fd);
	reactor_cancel(loop.reactor, &w.op);
	loop_until(&loop, w.last);
	loop_close(&loop);
}

/* ---- read and write ------------------------------------------------------ */

CLEAN_TEST(reactor, a_read_takes_up_to_its_limit)
{
	struct loop loop;
	struct watched w;
	int slot, fd;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	fd = loop_pipe_in(&loop, &slot);
	cr_assert(eq(int, (int)write(fd, "abcdef", 6), 6));
	close(fd);

	reactor_read(loop.reactor, &w.op, slot, 4);
	loop_until(&loop, w.calls == 1);
	cr_assert(eq(int, w.res, 4));
	reactor_read(loop.reactor, &w.op, slot, SIZE_MAX);
	loop_until(&loop, w.calls == 2);
	cr_assert(eq(int, w.res, 2));
	cr_assert(got(&w, "abcdef"));
	reactor_read(loop.reactor, &w.op, slot, 1);
	loop_until(&loop, w.calls == 3);
	cr_assert(eq(int, w.res, 0), "the end");
	cr_assert(eq(uint, reactor_read_buffers_free(loop.reactor), 4));
	watched_done(&w);
	loop_close(&loop);
}

CLEAN_TEST(reactor, a_multishot_read_goes_on_until_the_end)
{
	struct loop loop;
	struct watched w;
	int slot, fd;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	fd = loop_pipe_in(&loop, &slot);
	reactor_read_multishot(loop.reactor, &w.op, slot);
	for (unsigned i = 0; i < 20; i++) {
		cr_assert(eq(int, (int)write(fd, "ab", 2), 2));
		loop_until(&loop, buf_size(&w.got) == 2 * (i + 1));
		cr_assert(op_armed(&w.op));
	}
	close(fd);
	loop_until(&loop, w.last);
	cr_assert(eq(int, w.res, 0));
	cr_assert(eq(uint, reactor_read_buffers_free(loop.reactor), 4));
	watched_done(&w);
	loop_close(&loop);
}

CLEAN_TEST(reactor, a_write_says_how_much_was_taken)
{
	struct loop loop;
	struct watched w;
	char text[8] = "";
	int slot, fd;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	fd = loop_pipe_out(&loop, &slot);
	reactor_write(loop.reactor, &w.op, slot, "hello", 5);
	loop_until(&loop, w.calls);
	cr_assert(eq(int, w.res, 5));
	cr_assert(eq(int, (int)read(fd, text, sizeof(text)), 5));
	cr_assert(eq(str, text, "hello"));
	close(fd);
	loop_close(&loop);
}

static void let_sigpipe_kill(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* An embedder did not ask for a signal. */
CLEAN_TEST(reactor, a_write_that_nobody_reads_is_no_signal)
{
	struct loop loop;
	struct watched w;
	int slot;

	let_sigpipe_kill();
	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	close(loop_pipe_out(&loop, &slot));
	reactor_write(loop.reactor, &w.op, slot, "hello", 5);
	loop_until(&loop, w.calls);
	cr_assert(eq(int, w.res, -EPIPE));
	loop_close(&loop);
}

/* ---- sockets ------------------------------------------------------------- */

static void on_accept(struct watched *w, const struct completion *done)
{
	(void)w;
	if (done->res < 0)
		return;
	cr_assert(is_cloexec(done->res));
	cr_assert(eq(int, (int)write(done->res, "hi", 2), 2));
	close(done->res);
}

CLEAN_TEST(reactor, connections_are_accepted_one_after_the_other)
{
	static const char name[] = "@uringspawn-test-accept";
	char own_name[64], text[4] = "";
	struct loop loop;
	struct watched w;
	int slot, fd;

	snprintf(own_name, sizeof(own_name), "%s-%d", name, (int)getpid());
	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	w.also = on_accept;
	slot = loop_slot(&loop, sys_socket_listen(own_name, 8));
	reactor_accept(loop.reactor, &w.op, slot);
	for (unsigned i = 1; i <= 3; i++) {
		fd = sys_socket_connect(own_name);
		cr_assert(ge(int, fd, 0));
		loop_until(&loop, w.calls == i);
		cr_assert(eq(int, (int)read(fd, text, sizeof(text)), 2));
		close(fd);
	}
	reactor_cancel(loop.reactor, &w.op);
	loop_until(&loop, w.last);
	loop_close(&loop);
}

static int claimed[8], n_claimed;

static void on_claim(struct watched *w, const struct completion *done)
{
	(void)w;
	if (done->buffer)
		n_claimed = buffer_fds(done->buffer, claimed, 2);
}

static void send_with(int fd, unsigned n, int file)
{
	int fds[200];

	for (unsigned i = 0; i < n; i++)
		fds[i] = file;
	cr_assert(eq(
		int,
		(int)sys_socket_send(fd, &(struct iovec){ "text", 4 }, 1, fds, n, true),
		4));
}

CLEAN_TEST(reactor, what_is_received_comes_with_its_descriptors)
{
	struct loop loop;
	struct watched w;
	int slot, fd, ends[2];
	char c;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	w.also = on_claim;
	fd = loop_socket(&loop, &slot);
	reactor_recv(loop.reactor, &w.op, slot);
	send_with(fd, 0, -1);
	loop_until(&loop, w.calls == 1);
	cr_assert(eq(int, n_claimed, 0));

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	send_with(fd, 1, ends[1]);
	loop_until(&loop, w.calls == 2);
	cr_assert(eq(int, w.res, 4));
	cr_assert(got(&w, "texttext"));
	cr_assert(eq(int, n_claimed, 1));
	cr_assert(is_cloexec(claimed[0]));
	cr_assert(eq(int, (int)write(claimed[0], "x", 1), 1));
	cr_assert(eq(int, (int)read(ends[0], &c, 1), 1),
		  "it is not the one that was sent");

	close(claimed[0]);
	close(ends[0]);
	close(ends[1]);
	close(fd);
	loop_until(&loop, w.last);
	cr_assert(eq(int, w.res, 0));
	watched_done(&w);
	loop_close(&loop);
}

static struct ucred sender;
static bool has_sender;

static void on_sender(struct watched *w, const struct completion *done)
{
	if (done->buffer)
		has_sender = buffer_sender(done->buffer, &sender);
	on_claim(w, done);
}

CLEAN_TEST(reactor, what_is_received_says_who_sent_it)
{
	const int on = 1;
	struct loop loop;
	struct watched w;
	int slot, ends[2];

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	w.also = on_sender;
	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0));
	slot = loop_slot(&loop, sys_dup(ends[0]));
	reactor_recv(loop.reactor, &w.op, slot);
	send_with(ends[1], 0, -1);
	loop_until(&loop, w.calls == 1);
	cr_assert(not(has_sender), "nobody asked who it is");

	setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	send_with(ends[1], RECV_FDS, ends[1]);
	loop_until(&loop, w.calls == 2);
	cr_assert(has_sender);
	cr_assert(eq(int, sender.pid, getpid()));
	cr_assert(eq(uint, sender.uid, getuid()));
	cr_assert(eq(uint, sender.gid, getgid()));
	cr_assert(eq(int, n_claimed, 2), "as many as fit beside it came with it");

	close(claimed[0]);
	close(claimed[1]);
	close(ends[0]);
	close(ends[1]);
	loop_until(&loop, w.last);
	watched_done(&w);
	loop_close(&loop);
}

/* The count of open files is the check, at the end of each test. */
CLEAN_TEST(reactor, descriptors_that_nobody_takes_are_closed)
{
	struct loop loop;
	struct watched w;
	int slot, fd, before;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	fd = loop_socket(&loop, &slot);
	reactor_recv(loop.reactor, &w.op, slot);
	loop_turn(&loop);
	before = open_fds();
	send_with(fd, 5, fd);
	loop_until(&loop, w.calls == 1);
	cr_assert(eq(int, open_fds(), before));

	w.also = on_claim; /* it takes two at most */
	send_with(fd, 5, fd);
	loop_until(&loop, w.calls == 2);
	cr_assert(eq(int, n_claimed, 2));
	cr_assert(eq(int, open_fds(), before + 2));
	close(claimed[0]);
	close(claimed[1]);
	close(fd);
	loop_until(&loop, w.last);
	watched_done(&w);
	loop_close(&loop);
}

CLEAN_TEST(reactor, more_descriptors_than_there_is_room_for_are_an_error)
{
	struct loop loop;
	struct watched w;
	int slot, fd, before;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	w.also = on_claim;
	fd = loop_socket(&loop, &slot);
	reactor_recv(loop.reactor, &w.op, slot);
	loop_turn(&loop);
	before = open_fds();
	send_with(fd, 140, fd);
	loop_until(&loop, w.calls == 1);
	cr_assert(eq(int, n_claimed, -EMSGSIZE));
	cr_assert(eq(int, open_fds(), before));
	close(fd);
	loop_until(&loop, w.last);
	watched_done(&w);
	loop_close(&loop);
}

CLEAN_TEST(reactor, a_message_is_sent_with_what_it_holds)
{
	struct iovec parts[] = { { "one ", 4 }, { "two", 3 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	struct loop loop;
	struct watched w;
	char text[16] = "";
	int slot, fd;

	let_sigpipe_kill();
	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	fd = loop_socket(&loop, &slot);
	reactor_send(loop.reactor, &w.op, slot, &message);
	loop_until(&loop, w.calls);
	cr_assert(eq(int, w.res, 7));
	cr_assert(eq(int, (int)read(fd, text, sizeof(text)), 7));
	cr_assert(eq(str, text, "one two"));

	close(fd);
	reactor_send(loop.reactor, &w.op, slot, &message);
	loop_until(&loop, w.calls == 2);
	cr_assert(eq(int, w.res, -EPIPE));
	loop_close(&loop);
}

/* ---- processes and descriptors ------------------------------------------- */

static pid_t child_that(int code, int *ret_pidfd)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody */
		if (code < 0)
			pause();
		_exit(code);
	}
	cr_assert(lt(int, 0, pid));
	*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return pid;
}

CLEAN_TEST(reactor, an_exit_is_told_with_its_status)
{
	siginfo_t info = { 0 };
	struct loop loop;
	struct watched w;
	int pidfd, slot;
	pid_t pid;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	pid = child_that(3, &pidfd);
	slot = loop_slot(&loop, pidfd);
	reactor_wait_exit(loop.reactor, &w.op, slot, pid, &info, NULL);
	loop_until(&loop, w.last);
	cr_assert(eq(int, w.res, 0));
	cr_assert(eq(int, info.si_code, CLD_EXITED));
	cr_assert(eq(int, info.si_status, 3));

	pid = child_that(-1, &pidfd);
	slot = loop_slot(&loop, pidfd);
	reactor_wait_exit(loop.reactor, &w.op, slot, pid, &info, NULL);
	loop_turn(&loop);
	kill(pid, SIGKILL);
	loop_until(&loop, w.last == 2);
	cr_assert(eq(int, info.si_code, CLD_KILLED));
	cr_assert(eq(int, info.si_status, SIGKILL));
	cr_assert(eq(uint, w.calls, 2), "one completion for each");
	cr_assert(eq(int, waitpid(-1, NULL, WNOHANG), -1), "not reaped");
	loop_close(&loop);
}

CLEAN_TEST(reactor, an_exit_that_somebody_else_reaped_is_an_error)
{
	siginfo_t info = { 0 };
	struct loop loop;
	struct watched w;
	int pidfd;
	pid_t pid;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	pid = child_that(3, &pidfd);
	cr_assert(eq(int, waitpid(pid, NULL, 0), pid));
	reactor_wait_exit(loop.reactor, &w.op, loop_slot(&loop, pidfd), pid, &info, NULL);
	loop_until(&loop, w.last);
	cr_assert(eq(int, w.res, -ECHILD));
	cr_assert(eq(uint, w.calls, 1));
	loop_close(&loop);
}

CLEAN_TEST(reactor, a_slots_file_can_be_had_as_a_descriptor)
{
	struct loop loop;
	struct watched w;
	uint64_t count;
	int slot;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	slot = loop_slot(&loop, eventfd(5, EFD_CLOEXEC));
	reactor_install(loop.reactor, &w.op, slot);
	loop_until(&loop, w.last);
	cr_assert(ge(int, w.res, 0));
	cr_assert(is_cloexec(w.res));
	cr_assert(eq(int, (int)read(w.res, &count, sizeof(count)), 8));
	cr_assert(eq(u64, count, 5));
	close(w.res);
	loop_close(&loop);
}

CLEAN_TEST(reactor, an_empty_slot_is_a_bad_descriptor)
{
	struct loop loop;
	struct watched w;
	int slot;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	slot = reactor_slot_take(loop.reactor);
	reactor_poll(loop.reactor, &w.op, slot, POLLIN);
	loop_until(&loop, w.last);
	cr_assert(eq(int, w.res, -EBADF));
	loop_close(&loop);
}
