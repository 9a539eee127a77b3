/*
 * reactor/epoll*.c: what is the epoll back end's own, whichever back end this run of
 * the suite is about.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/clean.h"
#include "support/deny.h"
#include "support/loop.h"
#include "support/wait.h"
#include "sys/fd.h"
#include "sys/uring_abi.h"

TestSuite(reactor_epoll, .timeout = 60);

static const struct reactor_options on_epoll_only = {
	.backend = REACTOR_EPOLL,
	.entries = 64,
	.slots = 32,
	.read_buffers = 4,
	.recv_buffers = 4,
};

static void open_epoll(struct loop *loop)
{
	loop_open(loop, &on_epoll_only);
	cr_assert(eq(str, (char *)reactor_backend_name(loop->reactor), (char *)"epoll"));
}

static bool got(const struct watched *w, const char *text)
{
	return buf_size(&w->got) == strlen(text) &&
	       memcmp(buf_bytes(&w->got), text, strlen(text)) == 0;
}

/* ---- kernels and sandboxes that lack a call ------------------------------ */

static void as_it_is(void)
{
}

static void without_no_signal(void)
{
	deny_flag(SYS_pwritev2, URING_RWF_NOSIGNAL, EOPNOTSUPP);
}

static void without_nowait(void)
{
	deny_flag(SYS_preadv2, RWF_NOWAIT, EOPNOTSUPP);
	deny_flag(SYS_pwritev2, RWF_NOWAIT, EOPNOTSUPP);
}

static void without_either(void)
{
	without_no_signal();
	without_nowait();
}

static void (*const kernels[])(void) = { as_it_is, without_no_signal, without_nowait,
					 without_either };

static struct criterion_test_params each_kernel(void)
{
	static size_t number[ARRAY_SIZE(kernels)];

	for (size_t i = 0; i < ARRAY_SIZE(number); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(number));
}

ParameterizedTestParameters(reactor_epoll, a_blocking_pipe_is_read_without_blocking)
{
	return each_kernel();
}

/* One call too many would hang. */
ParameterizedTest(size_t *number, reactor_epoll, a_blocking_pipe_is_read_without_blocking,
		  .timeout = 60)
{
	struct loop loop;
	struct watched w;
	int slot, fd;

	kernels[*number]();
	open_epoll(&loop);
	watched_init(&w, &loop);
	fd = loop_pipe_in(&loop, &slot);
	reactor_read_multishot(loop.reactor, &w.op, slot);
	for (unsigned i = 1; i <= 5; i++) {
		cr_assert(eq(int, (int)write(fd, "abc", 3), 3));
		loop_until(&loop, buf_size(&w.got) == 3 * i);
		loop_turn(&loop);
		cr_assert(op_armed(&w.op));
	}
	close(fd);
	loop_until(&loop, w.last);
	cr_assert(eq(int, w.res, 0));
	watched_done(&w);
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

ParameterizedTestParameters(reactor_epoll, a_blocking_pipe_is_written_without_blocking)
{
	return each_kernel();
}

/* More than it holds, to a reader that is slow, and then to nobody. */
ParameterizedTest(size_t *number, reactor_epoll,
		  a_blocking_pipe_is_written_without_blocking, .timeout = 60)
{
	enum { SIZE = 300 << 10 };
	static char sent[SIZE], received[SIZE];
	size_t n_sent = 0, n_received = 0;
	struct loop loop;
	struct watched w;
	int slot, fd;

	for (size_t i = 0; i < SIZE; i++)
		sent[i] = (char)(i * 7 + i / 251);
	let_sigpipe_kill();
	kernels[*number]();
	open_epoll(&loop);
	watched_init(&w, &loop);
	fd = loop_pipe_out(&loop, &slot);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (n_received < SIZE) {
		ssize_t n = read(fd, received + n_received, 10000);

		n_received += n > 0 ? (size_t)n : 0;
		if (!op_armed(&w.op) && n_sent < SIZE)
			reactor_write(loop.reactor, &w.op, slot, sent + n_sent,
				      SIZE - n_sent);
		w.res = 0;
		loop_turn(&loop);
		cr_assert(ge(int, w.res, 0));
		n_sent += (size_t)w.res;
	}
	cr_assert(eq(int, memcmp(sent, received, SIZE), 0));

	close(fd);
	reactor_write(loop.reactor, &w.op, slot, "x", 1);
	loop_until(&loop, !op_armed(&w.op));
	cr_assert(eq(int, w.res, -EPIPE));
	loop_close(&loop);
}

static const int timeout_errors[] = { ENOSYS, EPERM };

ParameterizedTestParameters(reactor_epoll, timers_come_without_the_precise_call)
{
	return cr_make_param_array(int, (int *)timeout_errors,
				   ARRAY_SIZE(timeout_errors));
}

static unsigned n_fired;

static void on_fire(struct timer *timer)
{
	(void)timer;
	n_fired++;
}

ParameterizedTest(int *error, reactor_epoll, timers_come_without_the_precise_call)
{
	struct timer timer = { .on_fire = on_fire };
	struct loop loop;
	uint64_t start_ns = clock_now_ns();

	deny(SYS_epoll_pwait2, *error);
	open_epoll(&loop);
	timer_arm(loop.reactor, &timer, start_ns + 15 * NS_PER_MS / 10);
	loop_until(&loop, n_fired);
	cr_assert(ge(u64, clock_now_ns() - start_ns, 15 * NS_PER_MS / 10));
	loop_close(&loop);
}

/* ---- open files are left as they are ------------------------------------- */

CLEAN_TEST(reactor_epoll, the_flags_of_an_open_file_are_not_touched)
{
	struct watched reader, writer;
	struct loop loop;
	int ends[2], copies[2];

	open_epoll(&loop);
	watched_init(&reader, &loop);
	watched_init(&writer, &loop);
	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	for (int i = 0; i < 2; i++)
		copies[i] = sys_dup(ends[i]);
	reactor_read(loop.reactor, &reader.op, loop_slot(&loop, ends[0]), 100);
	loop_turn(&loop);
	reactor_write(loop.reactor, &writer.op, loop_slot(&loop, ends[1]), "text", 4);
	loop_until(&loop, reader.calls && writer.calls);
	cr_assert(got(&reader, "text"));
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, fcntl(copies[i], F_GETFL) & O_NONBLOCK, 0));
		close(copies[i]);
	}
	watched_done(&reader);
	loop_close(&loop);
}

/* ---- files of other kinds ------------------------------------------------ */

/* A pipe gives one packet for each read: that it gave little is not that it is empty. */
CLEAN_TEST(reactor_epoll, a_pipe_in_packets_is_read_to_its_end)
{
	struct loop loop;
	struct watched w;
	int slot, fd;

	open_epoll(&loop);
	watched_init(&w, &loop);
	fd = loop_pipe_in(&loop, &slot);
	cr_assert(eq(int, fcntl(fd, F_SETFL, O_DIRECT), 0));
	for (int i = 0; i < 3; i++)
		cr_assert(eq(int, (int)write(fd, "one,", 4), 4));
	reactor_read_multishot(loop.reactor, &w.op, slot);
	loop_until(&loop, w.calls == 3);
	cr_assert(got(&w, "one,one,one,"));
	close(fd);
	loop_until(&loop, w.last);
	watched_done(&w);
	loop_close(&loop);
}

/* Nobody waits for them: they are ready at any time. */
CLEAN_TEST(reactor_epoll, files_that_cannot_be_waited_for_are_ready)
{
	struct loop loop;
	struct watched w;
	int slot;
	FILE *file = tmpfile();

	open_epoll(&loop);
	watched_init(&w, &loop);
	cr_assert(file != NULL);
	cr_assert(eq(int, (int)write(fileno(file), "content", 7), 7));
	cr_assert(eq(int, (int)lseek(fileno(file), 0, SEEK_SET), 0));
	slot = loop_slot(&loop, sys_dup(fileno(file)));
	fclose(file);
	reactor_poll(loop.reactor, &w.op, slot, POLLIN);
	loop_until(&loop, w.calls == 1);
	cr_assert(w.res & POLLIN);
	reactor_read_multishot(loop.reactor, &w.op, slot);
	loop_until(&loop, w.last == 2);
	cr_assert(eq(int, w.res, 0));
	cr_assert(got(&w, "content"));
	watched_done(&w);

	slot = loop_slot(&loop, sys_open_null());
	reactor_write(loop.reactor, &w.op, slot, "x", 1);
	loop_until(&loop, w.last == 3);
	cr_assert(eq(int, w.res, 1));
	reactor_read(loop.reactor, &w.op, slot, 1);
	loop_until(&loop, w.last == 4);
	cr_assert(eq(int, w.res, 0));
	loop_close(&loop);
}

/* ---- races --------------------------------------------------------------- */

static struct watched *victim;
static struct loop *the_loop;

static void on_read_cancel_other(struct watched *w, const struct completion *done)
{
	(void)w;
	(void)done;
	reactor_cancel(the_loop->reactor, &victim->op);
}

/* Both are ready in one batch, and the first to be told cancels the other. */
CLEAN_TEST(reactor_epoll, one_that_is_ready_can_be_cancelled_by_another)
{
	struct watched w[2];
	struct loop loop;
	int slots[2], fds[2];

	open_epoll(the_loop = &loop);
	victim = &w[1];
	for (int i = 0; i < 2; i++) {
		watched_init(&w[i], &loop);
		fds[i] = loop_pipe_in(&loop, &slots[i]);
		cr_assert(eq(int, (int)write(fds[i], "x", 1), 1));
		reactor_read_multishot(loop.reactor, &w[i].op, slots[i]);
	}
	w[0].also = on_read_cancel_other;
	loop_until(&loop, w[0].calls && w[1].last);
	for (int i = 0; i < 3; i++)
		loop_turn(&loop);
	cr_assert(eq(uint, w[1].last, 1));
	cr_assert(eq(int, w[1].res, -ECANCELED));
	reactor_cancel(loop.reactor, &w[0].op);
	loop_until(&loop, w[0].last);
	for (int i = 0; i < 2; i++) {
		watched_done(&w[i]);
		close(fds[i]);
	}
	loop_close(&loop);
}

static void on_read_cancel_self(struct watched *w, const struct completion *done)
{
	if (done->more)
		reactor_cancel(the_loop->reactor, &w->op);
}

CLEAN_TEST(reactor_epoll, one_that_goes_on_can_be_cancelled_by_itself)
{
	struct loop loop;
	struct watched w;
	int slot, fd;

	open_epoll(the_loop = &loop);
	watched_init(&w, &loop);
	w.also = on_read_cancel_self;
	fd = loop_pipe_in(&loop, &slot);
	reactor_read_multishot(loop.reactor, &w.op, slot);
	cr_assert(eq(int, (int)write(fd, "x", 1), 1));
	loop_until(&loop, w.last);
	cr_assert(eq(uint, w.calls, 2));
	cr_assert(eq(int, w.res, -ECANCELED));

	/* What comes meanwhile is there for the next one. */
	w.also = NULL;
	cr_assert(eq(int, (int)write(fd, "yz", 2), 2));
	reactor_read(loop.reactor, &w.op, slot, 10);
	loop_until(&loop, w.last == 2);
	cr_assert(got(&w, "xyz"));
	watched_done(&w);
	close(fd);
	loop_close(&loop);
}

/* A write is carried out as it is armed, so that a cancel comes too late for it. */
CLEAN_TEST(reactor_epoll, a_cancel_that_comes_too_late_loses)
{
	struct loop loop;
	struct watched w;
	char text[4] = "";
	int slot, fd;

	open_epoll(&loop);
	watched_init(&w, &loop);
	fd = loop_pipe_out(&loop, &slot);
	reactor_write(loop.reactor, &w.op, slot, "abc", 3);
	reactor_cancel(loop.reactor, &w.op);
	cr_assert(eq(uint, w.calls, 0));
	loop_until(&loop, w.last);
	cr_assert(eq(int, w.res, 3));
	cr_assert(eq(int, (int)read(fd, text, 3), 3));
	close(fd);
	loop_close(&loop);
}

/* Another descriptor keeps the open file, and what happens to it is nobody's business. */
CLEAN_TEST(reactor_epoll, a_file_that_left_its_slot_is_not_heard_of_again)
{
	struct loop loop;
	struct watched w;
	int slot, again, old_fd, new_fd, ends[2], copy, fd;

	open_epoll(&loop);
	watched_init(&w, &loop);
	fd = reactor_fd(loop.reactor);
	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	old_fd = ends[1];
	copy = sys_dup(ends[0]);
	slot = loop_slot(&loop, ends[0]);
	reactor_read(loop.reactor, &w.op, slot, 10);
	cr_assert(eq(int, (int)write(old_fd, "old", 3), 3));
	loop_until(&loop, w.last);
	reactor_slot_drop(loop.reactor, slot);

	new_fd = loop_pipe_in(&loop, &again);
	cr_assert(eq(int, again, slot), "the test is to use the same one");
	reactor_read(loop.reactor, &w.op, again, 10);
	for (int i = 0; i < 3; i++)
		loop_turn(&loop);
	cr_assert(eq(int, (int)write(old_fd, "old", 3), 3));
	cr_assert(not(wait_fd(fd, POLLIN, 0)), "it is still watched");
	loop_turn(&loop);
	cr_assert(eq(uint, w.calls, 1));
	cr_assert(eq(int, (int)write(new_fd, "new", 3), 3));
	loop_until(&loop, w.last == 2);
	cr_assert(got(&w, "oldnew"));
	watched_done(&w);
	close(copy);
	close(old_fd);
	close(new_fd);
	loop_close(&loop);
}

/* ---- bounds -------------------------------------------------------------- */

CLEAN_TEST(reactor_epoll, slots_leave_descriptors_for_the_rest)
{
	const struct reactor_options options = {
		.backend = REACTOR_EPOLL,
		.slots = 1u << 20,
		.read_buffers = 1,
	};
	size_t limit = sys_nofile_limit();
	struct loop loop;

	loop_open(&loop, &options);
	cr_assert(le(sz, reactor_slots_free(loop.reactor), limit - limit / 4));
	cr_assert(lt(sz, 0, reactor_slots_free(loop.reactor)));
	loop_close(&loop);
}
