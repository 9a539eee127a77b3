/*
 * reactor/epoll*.c: a file that could not be put into the set is tried again, whatever
 * waits for it, and nothing is lost or told twice.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/clean.h"
#include "support/fault.h"
#include "support/loop.h"
#include "support/wait.h"
#include "sys/sock.h"

TestSuite(reactor, .timeout = 60);

static const struct reactor_options options = {
	.backend = REACTOR_EPOLL,
	.slots = 8,
	.read_buffers = 2,
	.recv_buffers = 2,
};

/* ---- each kind of operation, and what makes it ready --------------------- */

static char much[256 << 10];
static siginfo_t info;

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

	reactor_read_multishot(l->reactor, op, slot);
	return fd;
}

static int arm_recv(struct loop *l, struct op *op)
{
	int slot, fd = loop_socket(l, &slot);

	reactor_recv(l->reactor, op, slot);
	return fd;
}

static void write_one(int fd)
{
	cr_assert(eq(int, (int)write(fd, "x", 1), 1));
}

static int arm_write(struct loop *l, struct op *op)
{
	int slot, fd = loop_pipe_out(l, &slot);

	/* The second one finds the pipe full. */
	reactor_write(l->reactor, op, slot, much, sizeof(much));
	loop_until(l, !op_armed(op));
	reactor_write(l->reactor, op, slot, much, sizeof(much));
	return fd;
}

static void read_some(int fd)
{
	cr_assert(lt(int, 0, (int)read(fd, much, sizeof(much))));
}

static int arm_accept(struct loop *l, struct op *op)
{
	char name[64];

	snprintf(name, sizeof(name), "@uringspawn-test-fault-%d", (int)getpid());
	reactor_accept(l->reactor, op, loop_slot(l, sys_socket_listen(name, 1)));
	return sys_socket_connect(name);
}

static int arm_wait_exit(struct loop *l, struct op *op)
{
	int ends[2];
	pid_t child;

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	child = fork();
	if (child == 0) {
		close(ends[1]);
		_exit((int)read(ends[0], much, 1));
	}
	close(ends[0]);
	reactor_wait_exit(l->reactor, op,
			  loop_slot(l, (int)syscall(SYS_pidfd_open, child, 0)), child,
			  &info, NULL);
	return ends[1];
}

static void nothing_more(int fd)
{
	(void)fd;
}

static const struct row {
	const char *name;
	int (*arm)(struct loop *loop, struct op *op); /* returns what is to be closed */
	void (*make_ready)(int fd);
} rows[] = {
	{ "poll", arm_poll, write_one },      { "changes", arm_changes, write_one },
	{ "read", arm_read, write_one },      { "recv", arm_recv, write_one },
	{ "write", arm_write, read_some },    { "accept", arm_accept, nothing_more },
	{ "exit", arm_wait_exit, write_one },
};

static struct criterion_test_params each_row(void)
{
	static size_t number[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(number); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(number));
}

static void on_told(struct watched *w, const struct completion *done)
{
	if (w->op.kind == OP_ACCEPT && done->res >= 0)
		close(done->res);
}

static int arm_without_memory(const struct row *row, struct loop *loop, struct watched *w)
{
	int fd;

	loop_open(loop, &options);
	watched_init(w, loop);
	w->also = on_told;
	fault_at(1, ENOMEM);
	fd = row->arm(loop, &w->op);
	cr_assert(fault_fired(), "%s: it was not put into the set", row->name);
	w->calls = w->last = 0;
	return fd;
}

static void end(struct loop *loop, struct watched *w, int fd)
{
	reactor_cancel(loop->reactor, &w->op);
	loop_until(loop, !op_armed(&w->op));
	watched_done(w);
	close(fd);
	loop_close(loop);
}

/* ---- and then ------------------------------------------------------------ */

ParameterizedTestParameters(reactor, what_could_not_be_watched_is_tried_again)
{
	return each_row();
}

ParameterizedTest(size_t *number, reactor, what_could_not_be_watched_is_tried_again,
		  .timeout = 60)
{
	const struct row *row = &rows[*number];
	struct loop loop;
	struct watched w;
	int fd = arm_without_memory(row, &loop, &w);

	row->make_ready(fd);
	loop_until(&loop, w.calls);
	cr_assert(ge(int, w.res, 0), "%s", row->name);
	for (int i = 0; i < 3; i++)
		loop_turn(&loop);
	/* A poll of changes says once more what holds as it is put into the set. */
	cr_assert(le(uint, w.calls, row->arm == arm_changes ? 2 : 1), "%s", row->name);
	end(&loop, &w, fd);
}

ParameterizedTestParameters(reactor, it_is_tried_again_before_it_is_ready)
{
	return each_row();
}

/* A program that polls the descriptor is woken for it. */
ParameterizedTest(size_t *number, reactor, it_is_tried_again_before_it_is_ready,
		  .timeout = 60)
{
	const struct row *row = &rows[*number];
	struct loop loop;
	struct watched w;
	int fd = arm_without_memory(row, &loop, &w);
	int poll_fd = reactor_fd(loop.reactor);

	cr_assert(ge(int, poll_fd, 0));
	reactor_submit(loop.reactor);
	for (int i = 0; i < 3 && wait_fd(poll_fd, POLLIN, WAIT_MS / 20); i++)
		loop_turn(&loop);
	row->make_ready(fd);
	while (!w.calls) {
		cr_assert(wait_fd(poll_fd, POLLIN, WAIT_MS), "%s", row->name);
		loop_turn(&loop);
	}
	cr_assert(ge(int, w.res, 0), "%s", row->name);
	end(&loop, &w, fd);
}

ParameterizedTestParameters(reactor, it_can_be_cancelled_meanwhile)
{
	return each_row();
}

ParameterizedTest(size_t *number, reactor, it_can_be_cancelled_meanwhile, .timeout = 60)
{
	const struct row *row = &rows[*number];
	struct loop loop;
	struct watched w;
	int fd = arm_without_memory(row, &loop, &w);

	reactor_cancel(loop.reactor, &w.op);
	cr_assert(eq(uint, w.calls, 0), "%s: called from inside the call", row->name);
	loop_until(&loop, w.last);
	cr_assert(eq(int, w.res, -ECANCELED), "%s", row->name);
	if (row->arm == arm_wait_exit) {
		write_one(fd);
		cr_assert(eq(int, waitid(P_ALL, 0, &info, WEXITED), 0));
	}
	end(&loop, &w, fd);
}

/* It is in the set already, for the other direction. */
CLEAN_TEST(reactor, a_change_that_fails_is_tried_again)
{
	struct watched reader, writer;
	struct loop loop;
	int slot, fd;

	loop_open(&loop, &options);
	watched_init(&reader, &loop);
	watched_init(&writer, &loop);
	fd = loop_socket(&loop, &slot);
	reactor_recv(loop.reactor, &reader.op, slot);
	loop_turn(&loop);
	do {
		fault_at(1, ENOSPC);
		reactor_write(loop.reactor, &writer.op, slot, much, sizeof(much));
		if (fault_fired())
			break;
		loop_until(&loop, !op_armed(&writer.op));
	} while (writer.res > 0);
	cr_assert(op_armed(&writer.op), "the socket took all there is");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (op_armed(&writer.op)) {
		(void)!read(fd, much, sizeof(much));
		loop_turn(&loop);
	}
	cr_assert(lt(int, 0, writer.res));
	close(fd);
	loop_until(&loop, reader.last);
	watched_done(&reader);
	loop_close(&loop);
}
