/*
 * reactor/: slots, more work than the queue holds, and messages from other threads.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "support/backend.h"
#include "support/clean.h"
#include "support/loop.h"
#include "support/wait.h"
#include "sys/fd.h"
#include "sys/pidfd.h"
#include "sys/fd.h"

TestSuite(reactor_slots, .timeout = 60);

/* ---- slots --------------------------------------------------------------- */

CLEAN_TEST(reactor_slots, slots_run_out_and_come_back)
{
	const struct reactor_options options = { .entries = 32,
						 .slots = 3,
						 .read_buffers = 1 };
	struct loop loop;

	loop_open(&loop, &options);
	cr_assert(eq(uint, reactor_slots_free(loop.reactor), 3));
	for (int i = 0; i < 3; i++)
		cr_assert(eq(int, reactor_slot_take(loop.reactor), i));
	cr_assert(eq(int, reactor_slot_take(loop.reactor), -EMFILE));
	reactor_slot_drop(loop.reactor, 1);
	cr_assert(eq(uint, reactor_slots_free(loop.reactor), 1));
	cr_assert(eq(int, reactor_slot_take(loop.reactor), 1));
	loop_close(&loop);
}

/* The other end tells by its end of file that the file is really closed. */
CLEAN_TEST(reactor_slots, a_slot_is_filled_used_dropped_and_used_again_in_one_turn)
{
	struct loop loop;
	struct watched w;
	int slot, again, first_fd, second_fd;
	char text[4] = "";

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	first_fd = loop_pipe_out(&loop, &slot);
	reactor_write(loop.reactor, &w.op, slot, "one", 3);
	reactor_slot_drop(loop.reactor, slot);
	second_fd = loop_pipe_out(&loop, &again);
	cr_assert(eq(int, again, slot), "the test is to use the same one");
	loop_until(&loop, w.calls);
	cr_assert(eq(int, w.res, 3));
	cr_assert(eq(int, (int)read(first_fd, text, 3), 3));
	cr_assert(eq(int, (int)read(first_fd, text, 3), 0), "still open");

	reactor_write(loop.reactor, &w.op, again, "two", 3);
	loop_until(&loop, w.calls == 2);
	cr_assert(eq(int, (int)read(second_fd, text, 3), 3));
	cr_assert(eq(str, text, "two"));
	close(first_fd);
	close(second_fd);
	loop_close(&loop);
}

CLEAN_TEST(reactor_slots, a_slots_descriptor_is_not_left_in_the_process)
{
	struct loop loop;
	int slot, fd, before;

	loop_open(&loop, NULL);
	loop_turn(&loop);
	before = open_fds();
	fd = loop_pipe_in(&loop, &slot);
	loop_turn(&loop);
	cr_assert(eq(int, open_fds(), before + 1 + on_epoll()),
		  "with epoll a slot's file is a descriptor like any other");
	close(fd);
	loop_close(&loop);
}

/* ---- more than the queue holds ------------------------------------------- */

CLEAN_TEST(reactor_slots, a_thousand_slots_are_waited_for_at_once)
{
	enum { MANY = 1000 };
	const struct reactor_options options = { .entries = 64,
						 .slots = MANY,
						 .read_buffers = 2 };
	static struct watched w[MANY];
	static int fds[MANY];
	struct loop loop;
	int slot;

	cr_assert(eq(int, sys_nofile_raise(), 0));
	if (sys_nofile_limit() < 4 * MANY)
		cr_skip("%zu descriptors are too few", sys_nofile_limit());
	loop_open(&loop, &options);
	for (int i = 0; i < MANY; i++) {
		watched_init(&w[i], &loop);
		fds[i] = loop_pipe_in(&loop, &slot);
		reactor_read_multishot(loop.reactor, &w[i].op, slot);
	}
	loop_turn(&loop);
	for (int i = MANY - 1; i >= 0; i--)
		cr_assert(eq(int, (int)write(fds[i], &fds[i], sizeof(int)), sizeof(int)));
	for (int i = 0; i < MANY; i++) {
		loop_until(&loop, w[i].calls);
		cr_assert(eq(int, memcmp(buf_bytes(&w[i].got), &fds[i], sizeof(int)), 0),
			  "what came is another one's");
		close(fds[i]);
	}
	for (int i = 0; i < MANY; i++) {
		loop_until(&loop, w[i].last);
		cr_assert(eq(uint, w[i].calls, 2));
		watched_done(&w[i]);
	}
	loop_close(&loop);
}

CLEAN_TEST(reactor_slots, more_is_armed_in_one_turn_than_the_queue_holds)
{
	enum { MANY = 200 };
	const struct reactor_options options = { .entries = 16,
						 .slots = MANY,
						 .read_buffers = 2 };
	static struct watched w[MANY];
	static int fds[MANY];
	struct loop loop;
	int slot;

	loop_open(&loop, &options);
	for (int i = 0; i < MANY; i++) {
		watched_init(&w[i], &loop);
		fds[i] = loop_pipe_in(&loop, &slot);
		reactor_poll(loop.reactor, &w[i].op, slot, POLLIN);
		cr_assert(eq(int, (int)write(fds[i], "x", 1), 1));
	}
	for (int i = 0; i < MANY; i++) {
		loop_until(&loop, w[i].calls);
		cr_assert(w[i].res & POLLIN);
	}
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	loop_close(&loop);
}

/* ---- other threads ------------------------------------------------------- */

enum { POSTS = 500 };

struct poster {
	struct mailbox *mailbox;
	struct watched watched[POSTS];
};

static void *post_all(void *arg)
{
	struct poster *poster = arg;

	for (int i = 0; i < POSTS; i++)
		mailbox_post(poster->mailbox, &poster->watched[i].op,
			     i == 0 ? -ENOENT : i);
	return NULL;
}

static void hammer(bool mailbox_rings)
{
	const struct reactor_options options = {
		.entries = 32,
		.slots = 4,
		.read_buffers = 1,
		.mailbox_rings = mailbox_rings,
	};
	static struct poster poster[3];
	pthread_t threads[3];
	struct loop loop;

	loop_open(&loop, &options);
	for (int i = 0; i < 3; i++) {
		cr_assert(eq(int, mailbox_open(loop.reactor, &poster[i].mailbox), 0));
		for (int k = 0; k < POSTS; k++) {
			watched_init(&poster[i].watched[k], &loop);
			reactor_expect(loop.reactor, &poster[i].watched[k].op);
		}
	}
	for (int i = 0; i < 3; i++)
		cr_assert(eq(int, pthread_create(&threads[i], NULL, post_all, &poster[i]),
			     0));
	loop_until(&loop, loop.owner.inflight == 0);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		mailbox_close(poster[i].mailbox);
		for (int k = 0; k < POSTS; k++) {
			cr_assert(eq(uint, poster[i].watched[k].calls, 1));
			cr_assert(eq(int, poster[i].watched[k].res, k ? k : -ENOENT));
		}
	}
	loop_close(&loop);
}

CLEAN_TEST(reactor_slots, other_threads_complete_what_is_expected)
{
	hammer(false);
}

CLEAN_TEST(reactor_slots, other_threads_do_so_by_rings_of_their_own)
{
	hammer(true);
}

/* Nobody was asleep then: it is found all the same. */
CLEAN_TEST(reactor_slots, what_is_posted_between_turns_is_found_by_the_next_one)
{
	struct mailbox *mailbox;
	struct watched w[3];
	struct loop loop;

	loop_open(&loop, NULL);
	cr_assert(eq(int, mailbox_open(loop.reactor, &mailbox), 0));
	for (int i = 0; i < 3; i++) {
		watched_init(&w[i], &loop);
		reactor_expect(loop.reactor, &w[i].op);
	}
	mailbox_post(mailbox, &w[0].op, 1);
	cr_assert(eq(int, reactor_turn(loop.reactor, true), 0));
	loop_until(&loop, w[0].last);
	mailbox_post(mailbox, &w[1].op, 2);
	mailbox_post(mailbox, &w[2].op, 3);
	loop_until(&loop, w[1].last && w[2].last);
	cr_assert(eq(int, w[1].res, 2));
	cr_assert(eq(int, w[2].res, 3));
	mailbox_close(mailbox);
	loop_close(&loop);
}

CLEAN_TEST(reactor_slots, a_cancelled_expectation_waits_for_its_thread)
{
	struct mailbox *mailbox;
	struct loop loop;
	struct watched w;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	cr_assert(eq(int, mailbox_open(loop.reactor, &mailbox), 0));
	reactor_expect(loop.reactor, &w.op);
	reactor_cancel(loop.reactor, &w.op);
	loop_turn(&loop);
	cr_assert(eq(uint, w.calls, 0));
	mailbox_post(mailbox, &w.op, 7);
	loop_until(&loop, w.last);
	cr_assert(eq(int, w.res, 7));
	mailbox_close(mailbox);
	loop_close(&loop);
}

/* ---- files from a thread in a table of its own --------------------------- */

struct giver {
	struct mailbox *mailbox;
	struct op op;
	int slot, end;	      /* @end: in the reactor's table, to be copied and given */
	int missing_slot;     /* -1: none; for a copy that cannot arrive */
	_Atomic bool is_over; /* for the reactor */
	bool came;
	int res;
};

static void on_given(struct op *op, const struct completion *done)
{
	struct giver *giver = container_of(op, struct giver, op);

	cr_assert(not(giver->came), "told twice");
	giver->came = true;
	giver->res = done->res;
	giver->is_over = true;
}

static bool has_arrived(struct giver *giver)
{
	mailbox_look(giver->mailbox);
	return giver->is_over;
}

static void *give(void *arg)
{
	struct giver *giver = arg;
	struct mailbox_files files = { .n = 1, .slots = { giver->slot } };
	bool arrived;
	int host;

	cr_assert(eq(int, sys_leave_table(), 0));
	host = sys_pidfd_open(getpid());
	cr_assert(ge(int, host, 0));
	cr_assert(eq(int, mailbox_move(giver->mailbox, host), 0));
	files.fds[0] = sys_pidfd_fetch(host, giver->end);
	if (giver->missing_slot >= 0) {
		files.fds[1] = sys_pidfd_fetch(host, giver->end);
		files.slots[1] = giver->missing_slot;
		files.n = 2;
	}
	mailbox_post_files(giver->mailbox, &giver->op, 7, &files);
	arrived = wait_until(has_arrived(giver), WAIT_MS);
	cr_assert(arrived);
	mailbox_leave(giver->mailbox);
	return NULL;
}

static void run_giver(struct loop *loop, struct giver *giver)
{
	pthread_t thread;

	giver->slot = reactor_slot_reserve(loop->reactor);
	cr_assert(eq(int, mailbox_open(loop->reactor, &giver->mailbox), 0));
	if (!mailbox_can_move(giver->mailbox))
		cr_skip_test("this back end has one table for all");
	op_init(&giver->op, &loop->owner, on_given);
	reactor_expect(loop->reactor, &giver->op);
	cr_assert(eq(int, pthread_create(&thread, NULL, give, giver), 0));
	loop_until(loop, giver->came);
	pthread_join(thread, NULL);
	mailbox_close(giver->mailbox);
	reactor_slot_fill(loop->reactor, giver->slot, -1);
}

/* The message says no more than its result when all is there. */
Test(reactor_slots, a_file_arrives_in_its_slot_with_its_message)
{
	struct giver giver = { .missing_slot = -1 };
	struct loop loop;
	struct watched w;
	int ends[2];

	loop_open(&loop, NULL);
	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	giver.end = ends[0];
	run_giver(&loop, &giver);
	cr_assert(eq(int, giver.res, 7));
	close(ends[0]);
	cr_assert(eq(int, (int)write(ends[1], "text", 4), 4));
	watched_init(&w, &loop);
	reactor_read(loop.reactor, &w.op, giver.slot, 16);
	loop_until(&loop, w.calls);
	cr_assert(eq(int, w.res, 4));
	reactor_slot_drop(loop.reactor, giver.slot);
	loop_turn(&loop);
	signal(SIGPIPE, SIG_IGN);
	cr_assert(eq(int, (int)write(ends[1], "x", 1), -1), "somebody has it still");
	close(ends[1]);
	watched_done(&w);
	loop_close(&loop);
}

/* There is no such slot: that is told, and the other file is there. */
Test(reactor_slots, a_file_that_does_not_arrive_is_told_of)
{
	struct giver giver = { .missing_slot = 1 << 20 };
	struct loop loop;
	int ends[2];

	loop_open(&loop, NULL);
	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	giver.end = ends[1];
	run_giver(&loop, &giver);
	cr_assert(lt(int, giver.res, 0));
	close(ends[1]);
	reactor_slot_drop(loop.reactor, giver.slot);
	loop_turn(&loop);
	cr_assert(eq(int, (int)read(ends[0], &(char){ 0 }, 1), 0));
	close(ends[0]);
	loop_close(&loop);
}

/* A slot whose last file may still have to be closed is not for another thread. */
CLEAN_TEST(reactor_slots, a_slot_that_is_reserved_is_closed_for_sure)
{
	struct loop loop;
	int first, ends[2];

	loop_open(&loop, NULL);
	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	first = loop_slot(&loop, ends[1]);
	loop_turn(&loop);
	reactor_slot_drop(loop.reactor, first);
	if (!on_epoll())
		cr_assert(ne(int, reactor_slot_reserve(loop.reactor), first));
	while (reactor_slots_free(loop.reactor) > 1)
		reactor_slot_reserve(loop.reactor);
	cr_assert(eq(int, reactor_slot_reserve(loop.reactor), first),
		  "the last one that there is");
	cr_assert(wait_fd(ends[0], POLLHUP, 0), "its file is not closed");
	close(ends[0]);
	loop_close(&loop);
}
