/*
 * reactor/: operations that are cancelled, and reads that find no buffer.
 */
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
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/backend.h"
#include "support/clean.h"
#include "support/loop.h"
#include "sys/sock.h"

TestSuite(reactor_cancel, .timeout = 60);

/* ---- each kind of operation, waiting ------------------------------------- */

static char much[1 << 20];
static struct iovec much_iov = { much, sizeof(much) };
static struct msghdr much_message = { .msg_iov = &much_iov, .msg_iovlen = 1 };
static siginfo_t info;
static pid_t child;

static int arm_poll(struct loop *l, struct op *op)
{
	int slot, fd = loop_pipe_in(l, &slot);

	reactor_poll(l->reactor, op, slot, POLLIN);
	return fd;
}

static int arm_changes(struct loop *l, struct op *op)
{
	int slot, fd = loop_pipe_in(l, &slot);

	reactor_poll_changes(l->reactor, op, slot, POLLIN);
	return fd;
}

static int arm_read(struct loop *l, struct op *op)
{
	int slot, fd = loop_pipe_in(l, &slot);

	reactor_read(l->reactor, op, slot, 10);
	return fd;
}

static int arm_multishot(struct loop *l, struct op *op)
{
	int slot, fd = loop_pipe_in(l, &slot);

	reactor_read_multishot(l->reactor, op, slot);
	return fd;
}

/* A pipe that is full already. */
static int arm_write(struct loop *l, struct op *op)
{
	int ends[2];

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0));
	while (write(ends[1], much, 4096) > 0)
		continue;
	fcntl(ends[1], F_SETFL, 0);
	reactor_write(l->reactor, op, loop_slot(l, ends[1]), much, sizeof(much));
	return ends[0];
}

static int arm_accept(struct loop *l, struct op *op)
{
	char name[64];

	snprintf(name, sizeof(name), "@uringspawn-test-cancel-%d", (int)getpid());
	reactor_accept(l->reactor, op, loop_slot(l, sys_socket_listen(name, 1)));
	return -1;
}

static int arm_recv(struct loop *l, struct op *op)
{
	int slot, fd = loop_socket(l, &slot);

	reactor_recv(l->reactor, op, slot);
	return fd;
}

static int arm_send(struct loop *l, struct op *op)
{
	int ends[2];

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0));
	while (send(ends[0], much, 4096, MSG_DONTWAIT) > 0)
		continue;
	reactor_send(l->reactor, op, loop_slot(l, ends[0]), &much_message);
	return ends[1];
}

static int arm_wait_exit(struct loop *l, struct op *op)
{
	int pidfd;

	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody */
		pause();
		_exit(0);
	}
	pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	reactor_wait_exit(l->reactor, op, loop_slot(l, pidfd), child, &info, NULL);
	return -1;
}

static const struct row {
	const char *name;
	int (*arm)(struct loop *loop, struct op *op); /* returns what is to be closed */
} rows[] = {
	{ "poll", arm_poll },	   { "changes", arm_changes },
	{ "read", arm_read },	   { "multishot", arm_multishot },
	{ "write", arm_write },	   { "accept", arm_accept },
	{ "recv", arm_recv },	   { "send", arm_send },
	{ "exit", arm_wait_exit },
};

ParameterizedTestParameters(reactor_cancel, each_completes_once)
{
	static size_t number[2 * ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(number); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(number));
}

/* The second half of the numbers: cancelled in the turn that armed it. */
ParameterizedTest(size_t *number, reactor_cancel, each_completes_once, .timeout = 30)
{
	const struct row *row = &rows[*number % ARRAY_SIZE(rows)];
	bool at_once = *number >= ARRAY_SIZE(rows);
	int before = open_fds(), fd;
	struct loop loop;
	struct watched w;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	fd = row->arm(&loop, &w.op);
	if (!at_once)
		loop_turn(&loop);
	cr_assert(eq(uint, w.calls, 0), "%s did not wait", row->name);

	reactor_cancel(loop.reactor, &w.op);
	reactor_cancel(loop.reactor, &w.op);
	cr_assert(eq(uint, w.calls, 0), "%s: called from inside the call", row->name);
	loop_until(&loop, w.last);
	for (int i = 0; i < 3; i++)
		loop_turn(&loop);
	cr_assert(eq(uint, w.last, 1), "%s", row->name);
	cr_assert(eq(uint, w.calls, 1), "%s", row->name);
	cr_assert(eq(int, w.res, -ECANCELED), "%s", row->name);
	cr_assert(eq(uint, loop.owner.inflight, 0), "%s", row->name);

	reactor_cancel(loop.reactor, &w.op); /* an idle one: nothing happens */
	loop_turn(&loop);
	cr_assert(eq(uint, w.calls, 1), "%s", row->name);
	if (fd >= 0)
		close(fd);
	if (child) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	loop_close(&loop);
	cr_assert(eq(int, open_fds(), before), "%s", row->name);
}

CLEAN_TEST(reactor_cancel, what_is_ready_may_be_told_instead)
{
	struct loop loop;
	struct watched w;
	int slot, fd;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	fd = loop_pipe_in(&loop, &slot);
	cr_assert(eq(int, (int)write(fd, "abc", 3), 3));
	reactor_read(loop.reactor, &w.op, slot, 10);
	reactor_cancel(loop.reactor, &w.op);
	loop_until(&loop, w.last);
	cr_assert(eq(uint, w.calls, 1));
	cr_assert(w.res == 3 || w.res == -ECANCELED);
	cr_assert(eq(int, (int)buf_size(&w.got), w.res == 3 ? 3 : 0));
	watched_done(&w);
	close(fd);
	loop_close(&loop);
}

/* ---- buffers ------------------------------------------------------------- */

#define PIPES 4

/* Keeps the first buffer that it gets. */
static struct buffer *kept;

static void on_keep(struct watched *w, const struct completion *done)
{
	(void)w;
	if (kept || !done->buffer)
		return;
	buffer_keep(done->buffer);
	kept = done->buffer;
}

static const struct reactor_options one_buffer = {
	.entries = 64,
	.slots = 32,
	.read_buffers = 1,
	.recv_buffers = 1,
};

CLEAN_TEST(reactor_cancel, a_kept_buffer_stays_as_it_is_until_it_is_given_back)
{
	struct loop loop;
	struct watched w;
	int slot, fd;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	w.also = on_keep;
	fd = loop_pipe_in(&loop, &slot);
	reactor_read_multishot(loop.reactor, &w.op, slot);
	for (unsigned i = 1; i <= 10; i++) {
		cr_assert(eq(int, (int)write(fd, i == 1 ? "kept" : "next", 4), 4));
		loop_until(&loop, buf_size(&w.got) == 4 * i);
	}
	cr_assert(eq(uint, reactor_read_buffers_free(loop.reactor), 3));
	cr_assert(eq(int, memcmp(buffer_bytes(kept), "kept", 4), 0));
	buffer_give_back(loop.reactor, kept);
	cr_assert(eq(uint, reactor_read_buffers_free(loop.reactor), 4));
	close(fd);
	loop_until(&loop, w.last);
	watched_done(&w);
	loop_close(&loop);
}

CLEAN_TEST(reactor_cancel, a_read_without_a_buffer_waits_for_one)
{
	struct loop loop;
	struct watched first, second;
	int slots[2], fds[2];

	loop_open(&loop, &one_buffer);
	watched_init(&first, &loop);
	watched_init(&second, &loop);
	for (int i = 0; i < 2; i++) {
		fds[i] = loop_pipe_in(&loop, &slots[i]);
		cr_assert(eq(int, (int)write(fds[i], "data", 4), 4));
	}
	first.also = on_keep;
	reactor_read(loop.reactor, &first.op, slots[0], 100);
	loop_until(&loop, kept);
	reactor_read(loop.reactor, &second.op, slots[1], 100);
	for (int i = 0; i < 5; i++)
		loop_turn(&loop);
	cr_assert(eq(uint, second.calls, 0), "there was no buffer for it");
	cr_assert(eq(u64, reactor_stats(loop.reactor)->reads_parked, 1));
	cr_assert(op_armed(&second.op));

	buffer_give_back(loop.reactor, kept);
	loop_until(&loop, second.last);
	cr_assert(eq(int, second.res, 4));
	watched_done(&first);
	watched_done(&second);
	close(fds[0]);
	close(fds[1]);
	loop_close(&loop);
}

CLEAN_TEST(reactor_cancel, a_read_that_waits_for_a_buffer_can_be_cancelled)
{
	struct loop loop;
	struct watched first, second;
	int slots[2], fds[2];

	loop_open(&loop, &one_buffer);
	watched_init(&first, &loop);
	watched_init(&second, &loop);
	for (int i = 0; i < 2; i++) {
		fds[i] = loop_pipe_in(&loop, &slots[i]);
		cr_assert(eq(int, (int)write(fds[i], "data", 4), 4));
	}
	first.also = on_keep;
	reactor_read(loop.reactor, &first.op, slots[0], 100);
	loop_until(&loop, kept);
	reactor_read_multishot(loop.reactor, &second.op, slots[1]);
	loop_until(&loop, reactor_stats(loop.reactor)->reads_parked);

	reactor_cancel(loop.reactor, &second.op);
	cr_assert(eq(uint, second.calls, 0), "called from inside the call");
	loop_until(&loop, second.last);
	cr_assert(eq(int, second.res, -ECANCELED));
	buffer_give_back(loop.reactor, kept);
	loop_turn(&loop);
	cr_assert(eq(uint, second.calls, 1), "it was woken all the same");
	watched_done(&first);
	watched_done(&second);
	close(fds[0]);
	close(fds[1]);
	loop_close(&loop);
}

/* A child writes numbered bytes to each of the pipes as fast as it can. */
static pid_t feed(const int *fds, size_t size)
{
	pid_t pid = fork();
	unsigned char *bytes = malloc(size);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 251);
	if (pid != 0) {
		free(bytes);
		return pid;
	}
	for (size_t done = 0; done < size; done += 16384)
		for (int i = 0; i < PIPES; i++)
			if (write(fds[i], bytes + done, 16384) != 16384)
				_exit(1);
	_exit(0);
}

/* One buffer for four streams: each is parked again and again, and loses nothing. */
static void read_all_with(const struct reactor_options *options, bool multishot)
{
	enum { SIZE = 64 * 16384 };
	struct watched w[PIPES];
	int slots[PIPES], fds[PIPES];
	struct loop loop;
	pid_t pid;

	loop_open(&loop, options);
	for (int i = 0; i < PIPES; i++) {
		watched_init(&w[i], &loop);
		fds[i] = loop_pipe_in(&loop, &slots[i]);
	}
	pid = feed(fds, SIZE);
	for (int i = 0; i < PIPES; i++)
		close(fds[i]);
	for (int i = 0; i < PIPES; i++)
		if (multishot)
			reactor_read_multishot(loop.reactor, &w[i].op, slots[i]);
	for (int i = 0; multishot && i < PIPES; i++)
		loop_until(&loop, w[i].last);
	for (int i = 0; !multishot && i < PIPES; i++)
		do {
			unsigned before = w[i].last;

			reactor_read(loop.reactor, &w[i].op, slots[i], 4096);
			loop_until(&loop, w[i].last > before);
		} while (w[i].res > 0);
	for (int i = 0; i < PIPES; i++) {
		cr_assert(eq(sz, buf_size(&w[i].got), SIZE));
		for (size_t k = 0; k < SIZE; k++)
			if (buf_bytes(&w[i].got)[k] != (unsigned char)(k * 7 + k / 251))
				cr_fatal("stream %d is wrong at %zu", i, k);
		watched_done(&w[i]);
	}
	cr_assert(
		eq(uint, reactor_read_buffers_free(loop.reactor), options->read_buffers));
	cr_assert(eq(int, waitpid(pid, NULL, 0), pid));
	loop_close(&loop);
}

CLEAN_TEST(reactor_cancel, nothing_is_lost_when_buffers_run_out)
{
	struct reactor_options options = one_buffer;

	read_all_with(&options, true);
	options.read_buffers = 2;
	read_all_with(&options, true);
}

/* The one buffer comes back in the very round in which the next read found none. */
CLEAN_TEST(reactor_cancel, a_stream_alone_goes_on_with_one_buffer)
{
	enum { SIZE = 512 << 10 };
	static char bytes[SIZE];
	struct loop loop;
	struct watched w;
	int slot, fd;

	loop_open(&loop, &one_buffer);
	watched_init(&w, &loop);
	fd = loop_pipe_in(&loop, &slot);
	cr_assert(ge(int, fcntl(fd, F_SETPIPE_SZ, SIZE), SIZE));
	cr_assert(eq(int, (int)write(fd, bytes, SIZE), SIZE));
	reactor_read_multishot(loop.reactor, &w.op, slot);
	loop_until(&loop, buf_size(&w.got) == SIZE);
	close(fd);
	loop_until(&loop, w.last);
	/* With epoll each read is told before the next one is tried. */
	if (!on_epoll())
		cr_assert(lt(u64, 0, reactor_stats(loop.reactor)->reads_parked),
			  "it had to wait");
	watched_done(&w);
	loop_close(&loop);
}

CLEAN_TEST(reactor_cancel, a_receive_without_a_buffer_waits_for_one)
{
	struct loop loop;
	struct watched w;
	int slot, fd;

	loop_open(&loop, &one_buffer);
	watched_init(&w, &loop);
	w.also = on_keep;
	fd = loop_socket(&loop, &slot);
	reactor_recv(loop.reactor, &w.op, slot);
	cr_assert(eq(int, (int)write(fd, "one", 3), 3));
	loop_until(&loop, kept);
	cr_assert(eq(int, (int)write(fd, "two", 3), 3));
	for (int i = 0; i < 5; i++)
		loop_turn(&loop);
	cr_assert(eq(uint, w.calls, 1));

	buffer_give_back(loop.reactor, kept);
	loop_until(&loop, w.calls == 2);
	cr_assert(eq(int, memcmp(buf_bytes(&w.got), "onetwo", 6), 0));
	close(fd);
	loop_until(&loop, w.last);
	watched_done(&w);
	loop_close(&loop);
}
