/*
 * reactor/: what a turn does, and when: timers, deferred work, owners, and the
 * descriptor that says there is work.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/clean.h"
#include "support/loop.h"
#include "support/wait.h"

TestSuite(reactor_turn, .timeout = 60);

/* ---- timers -------------------------------------------------------------- */

static char fired[32];
static struct loop *the_loop;

struct named {
	struct timer timer;
	char name;
	void (*also)(void);
};

static void on_fire(struct timer *timer)
{
	struct named *named = container_of(timer, struct named, timer);

	fired[strlen(fired)] = named->name;
	if (named->also)
		named->also();
}

static struct named a = { { .on_fire = on_fire }, 'a', NULL };
static struct named b = { { .on_fire = on_fire }, 'b', NULL };
static struct named c = { { .on_fire = on_fire }, 'c', NULL };

static void arm_in(struct named *named, uint64_t ms)
{
	timer_arm(the_loop->reactor, &named->timer,
		  reactor_now_ns(the_loop->reactor) + ms * NS_PER_MS);
}

CLEAN_TEST(reactor_turn, timers_fire_in_the_order_of_their_deadlines)
{
	struct loop loop;
	uint64_t start_ns;

	loop_open(the_loop = &loop, NULL);
	start_ns = clock_now_ns();
	arm_in(&c, 30);
	arm_in(&a, 10);
	arm_in(&b, 20);
	loop_turn(&loop);
	cr_assert(eq(str, fired, ""), "before its time");
	loop_until(&loop, strlen(fired) == 3);
	cr_assert(eq(str, fired, "abc"));
	cr_assert(ge(u64, clock_now_ns() - start_ns, 30 * NS_PER_MS));
	loop_close(&loop);
}

CLEAN_TEST(reactor_turn, a_cancelled_timer_does_not_fire)
{
	struct loop loop;

	loop_open(the_loop = &loop, NULL);
	arm_in(&a, 5);
	arm_in(&b, 10);
	timer_cancel(loop.reactor, &a.timer);
	timer_cancel(loop.reactor, &a.timer);
	loop_until(&loop, strlen(fired) == 1);
	cr_assert(eq(str, fired, "b"));
	loop_close(&loop);
}

CLEAN_TEST(reactor_turn, a_timer_that_is_armed_again_moves)
{
	struct loop loop;

	loop_open(the_loop = &loop, NULL);
	arm_in(&a, 5);
	arm_in(&b, 10);
	arm_in(&a, 20);
	loop_until(&loop, strlen(fired) == 2);
	cr_assert(eq(str, fired, "ba"));
	loop_close(&loop);
}

static void cancel_b_and_arm_again(void)
{
	timer_cancel(the_loop->reactor, &b.timer);
	a.also = NULL;
	arm_in(&a, 1);
	arm_in(&c, 2);
}

/* The other one is due in the same turn. */
CLEAN_TEST(reactor_turn, a_timer_may_cancel_and_arm_any_timer)
{
	struct loop loop;

	loop_open(the_loop = &loop, NULL);
	a.also = cancel_b_and_arm_again;
	arm_in(&a, 0);
	arm_in(&b, 0);
	loop_until(&loop, strlen(fired) == 3);
	cr_assert(eq(str, fired, "aac"));
	loop_close(&loop);
}

CLEAN_TEST(reactor_turn, a_deadline_in_the_past_fires_at_once)
{
	struct loop loop;

	loop_open(the_loop = &loop, NULL);
	timer_arm(loop.reactor, &a.timer, 1);
	cr_assert(eq(str, fired, ""), "from inside the call");
	cr_assert(eq(int, reactor_turn(loop.reactor, true), 0));
	cr_assert(eq(str, fired, "a"));
	loop_close(&loop);
}

/* ---- deferred work ------------------------------------------------------- */

static struct deferred first, second;

static void on_first(struct deferred *d)
{
	(void)d;
	fired[strlen(fired)] = '1';
}

static void on_second(struct deferred *d)
{
	(void)d;
	fired[strlen(fired)] = '2';
}

static void on_read(struct watched *w, const struct completion *done)
{
	(void)done;
	fired[strlen(fired)] = 'r';
	reactor_defer(w->loop->reactor, &second);
	reactor_defer(w->loop->reactor, &first);
	reactor_defer(w->loop->reactor, &second);
}

CLEAN_TEST(reactor_turn, deferred_work_runs_once_and_after_all_completions)
{
	struct watched w[3];
	struct loop loop;
	int slots[3], fds[3];

	loop_open(&loop, NULL);
	deferred_init(&first, on_first);
	deferred_init(&second, on_second);
	for (int i = 0; i < 3; i++) {
		watched_init(&w[i], &loop);
		w[i].also = on_read;
		fds[i] = loop_pipe_in(&loop, &slots[i]);
		cr_assert(eq(int, (int)write(fds[i], "x", 1), 1));
		reactor_read(loop.reactor, &w[i].op, slots[i], 1);
	}
	loop_until(&loop, w[0].calls && w[1].calls && w[2].calls);
	cr_assert(eq(str, fired, "rrr21"));
	loop_turn(&loop);
	cr_assert(eq(str, fired, "rrr21"));
	for (int i = 0; i < 3; i++) {
		watched_done(&w[i]);
		close(fds[i]);
	}
	loop_close(&loop);
}

CLEAN_TEST(reactor_turn, deferred_work_does_not_wait_for_something_to_happen)
{
	struct loop loop;

	loop_open(&loop, NULL);
	deferred_init(&first, on_first);
	deferred_init(&second, on_second);
	reactor_defer(loop.reactor, &first);
	reactor_defer(loop.reactor, &second);
	reactor_undefer(&first);
	reactor_undefer(&first);
	cr_assert(eq(str, fired, ""));
	cr_assert(eq(int, reactor_turn(loop.reactor, true), 0));
	cr_assert(eq(str, fired, "2"));
	loop_close(&loop);
}

/* ---- owners -------------------------------------------------------------- */

CLEAN_TEST(reactor_turn, an_owner_is_drained_once_after_its_last_operation)
{
	struct watched w[3];
	struct loop loop;
	int slots[3], fds[3];

	loop_open(&loop, NULL);
	for (int i = 0; i < 3; i++) {
		watched_init(&w[i], &loop);
		fds[i] = loop_pipe_in(&loop, &slots[i]);
		reactor_read_multishot(loop.reactor, &w[i].op, slots[i]);
	}
	loop_turn(&loop);
	cr_assert(eq(uint, loop.owner.inflight, 3));
	owner_close(&loop.owner);
	reactor_cancel(loop.reactor, &w[0].op);
	close(fds[1]);
	loop_until(&loop, w[0].last && w[1].last);
	loop_turn(&loop);
	cr_assert(eq(uint, loop.drained, 0), "one is still in flight");
	reactor_cancel(loop.reactor, &w[2].op);
	loop_until(&loop, w[2].last);
	cr_assert(eq(uint, loop.drained, 1));
	close(fds[0]);
	close(fds[2]);
	loop_close(&loop);
}

CLEAN_TEST(reactor_turn, an_owner_without_operations_is_drained_at_once)
{
	struct loop loop;

	loop_open(&loop, NULL);
	owner_close(&loop.owner);
	cr_assert(eq(uint, loop.drained, 1));
	loop_close(&loop);
}

/* ---- the descriptor ------------------------------------------------------ */

/* What is pending from the start is done: there is nothing to do. */
static int quiet_fd(struct loop *loop)
{
	int fd = reactor_fd(loop->reactor);

	cr_assert(ge(int, fd, 0));
	for (int i = 0; i < 3; i++)
		loop_turn(loop);
	cr_assert(not(wait_fd(fd, POLLIN, 0)), "readable without work");
	cr_assert(eq(int, reactor_fd(loop->reactor), fd), "it is another one now");
	return fd;
}

CLEAN_TEST(reactor_turn, its_descriptor_is_readable_for_a_completion)
{
	struct loop loop;
	struct watched w;
	int slot, fd, pipe_fd;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	pipe_fd = loop_pipe_in(&loop, &slot);
	reactor_read_multishot(loop.reactor, &w.op, slot);
	fd = quiet_fd(&loop);
	for (unsigned i = 1; i <= 20; i++) {
		cr_assert(eq(int, (int)write(pipe_fd, "x", 1), 1));
		cr_assert(wait_fd(fd, POLLIN, WAIT_MS));
		loop_turn(&loop);
		cr_assert(eq(uint, w.calls, i));
	}
	close(pipe_fd);
	cr_assert(wait_fd(fd, POLLIN, WAIT_MS));
	loop_until(&loop, w.last);
	watched_done(&w);
	loop_close(&loop);
}

CLEAN_TEST(reactor_turn, its_descriptor_is_readable_for_a_message)
{
	struct mailbox *mailbox;
	struct loop loop;
	struct watched w;
	int fd;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	cr_assert(eq(int, mailbox_open(loop.reactor, &mailbox), 0));
	fd = quiet_fd(&loop);
	for (unsigned i = 1; i <= 20; i++) {
		reactor_expect(loop.reactor, &w.op);
		mailbox_post(mailbox, &w.op, 0);
		cr_assert(wait_fd(fd, POLLIN, WAIT_MS));
		loop_turn(&loop);
		cr_assert(eq(uint, w.calls, i));
	}
	mailbox_close(mailbox);
	loop_close(&loop);
}

/* Armed outside of a turn, handed over by reactor_submit(). */
CLEAN_TEST(reactor_turn, its_descriptor_is_readable_for_a_timer)
{
	struct loop loop;
	int fd;

	loop_open(the_loop = &loop, NULL);
	fd = quiet_fd(&loop);
	arm_in(&a, 20);
	reactor_submit(loop.reactor);
	cr_assert(not(wait_fd(fd, POLLIN, 0)), "before its time");
	cr_assert(wait_fd(fd, POLLIN, WAIT_MS));
	loop_turn(&loop);
	cr_assert(eq(str, fired, "a"));

	/* An earlier one than the one that is waited for. */
	arm_in(&b, 3600 * 1000);
	loop_turn(&loop);
	arm_in(&c, 10);
	loop_turn(&loop);
	cr_assert(wait_fd(fd, POLLIN, WAIT_MS));
	loop_turn(&loop);
	cr_assert(eq(str, fired, "ac"));
	timer_cancel(loop.reactor, &b.timer);
	loop_close(&loop);
}

CLEAN_TEST(reactor_turn, its_descriptor_is_readable_for_deferred_work)
{
	struct loop loop;
	int fd;

	loop_open(&loop, NULL);
	deferred_init(&first, on_first);
	fd = quiet_fd(&loop);
	reactor_defer(loop.reactor, &first);
	reactor_submit(loop.reactor);
	cr_assert(wait_fd(fd, POLLIN, WAIT_MS));
	loop_turn(&loop);
	cr_assert(eq(str, fired, "1"));
	loop_close(&loop);
}

/* The kernel is not asked until then: a parked read is not its business. */
CLEAN_TEST(reactor_turn, its_descriptor_is_readable_for_a_read_that_was_parked)
{
	const struct reactor_options options = { .entries = 32,
						 .slots = 4,
						 .read_buffers = 1 };
	enum { SIZE = 256 << 10 };
	static char bytes[SIZE];
	struct loop loop;
	struct watched w;
	int slot, fd, pipe_fd;

	loop_open(&loop, &options);
	watched_init(&w, &loop);
	pipe_fd = loop_pipe_in(&loop, &slot);
	fd = quiet_fd(&loop);
	cr_assert(ge(int, fcntl(pipe_fd, F_SETPIPE_SZ, SIZE), SIZE));
	cr_assert(eq(int, (int)write(pipe_fd, bytes, SIZE), SIZE));
	reactor_read_multishot(loop.reactor, &w.op, slot);
	reactor_submit(loop.reactor);
	while (buf_size(&w.got) < SIZE) {
		cr_assert(wait_fd(fd, POLLIN, WAIT_MS));
		loop_turn(&loop);
	}
	close(pipe_fd);
	loop_until(&loop, w.last);
	watched_done(&w);
	loop_close(&loop);
}
