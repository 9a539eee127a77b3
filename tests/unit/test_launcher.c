/*
 * launch/launcher.c, without an engine around it: plans out and plans back.
 */
#include "launch/launcher.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch/queue.h"
#include "support/clean.h"
#include "support/loop.h"
#include "support/record.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

TestSuite(launcher, .timeout = 60);

struct launch {
	struct plan plan;
	struct plan_end ends[SPEC_FDS_MAX];
	struct spec *spec;
	unsigned back;
	int res;
};

static void on_back(struct op *op, const struct completion *done)
{
	struct launch *launch = container_of(op, struct launch, plan.done);

	cr_assert(not(atomic_load(&launch->plan.out)), "back, and still out");
	launch->back++;
	launch->res = done->res;
}

static struct launchers *open_launchers(struct loop *loop, unsigned count,
					bool without_clone3)
{
	const struct launchers_options options = {
		.count = count,
		.without_clone3 = without_clone3,
		.tables = USP_TABLES_SHARED, /* plans here have no slots */
	};
	const struct reactor_options reactor = { .entries = 64,
						 .slots = 16,
						 .read_buffers = 1,
						 .mailbox_rings = without_clone3 };
	struct launchers *l;

	loop_open(loop, &reactor);
	cr_assert(eq(int, launchers_open(loop->reactor, &options, &l), 0));
	return l;
}

static void close_launchers(struct loop *loop, struct launchers *l)
{
	launchers_close(l);
	loop_close(loop);
	cr_assert(no_children());
}

static void launch_init(struct launch *launch, struct loop *loop, struct launchers *l,
			const struct spec_input *input)
{
	const char *field;

	*launch = (struct launch){ 0 };
	cr_assert(eq(int, spec_new(input, &launch->spec, &field), 0));
	op_init(&launch->plan.done, &loop->owner, on_back);
	plan_init(&launch->plan, launch->spec, launch->ends, launchers_setup(l));
}

/* Reap it and forget it. */
static void launch_done(struct launch *launch)
{
	siginfo_t info = { 0 };

	if (launch->res == 0) {
		cr_assert(eq(int, sys_pidfd_reap(launch->plan.pidfd, &info), 0));
		cr_assert(eq(int, info.si_pid, launch->plan.pid));
	}
	plan_close(&launch->plan);
	spec_free(launch->spec);
}

#define INPUT(...) ((struct spec_input){ __VA_ARGS__ })
#define VECTOR(...)                                                                      \
	{                                                                                \
		.vector = ARGV(__VA_ARGS__)                                              \
	}

static void start_and_fail(unsigned count, bool without_clone3)
{
	struct launch good, bad;
	struct launchers *l;
	struct loop loop;
	char text[8] = "";

	l = open_launchers(&loop, count, without_clone3);
	cr_assert(eq(uint, launchers_count(l), count));
	cr_assert(eq(int, launchers_setup(l)->use_clone3, !without_clone3));
	launch_init(&good, &loop, l, &INPUT(.argv = VECTOR("echo", "hi")));
	launch_init(&bad, &loop, l, &INPUT(.argv = VECTOR("/no/such/program")));
	cr_assert(eq(int, launchers_post(l, &good.plan), 0));
	cr_assert(eq(int, launchers_post(l, &bad.plan), 0));
	loop_until(&loop, good.back && bad.back);

	cr_assert(eq(int, good.res, 0));
	cr_assert(plan_started(&good.plan));
	cr_assert(lt(int, 0, good.plan.pid));
	cr_assert(ge(int, good.plan.pidfd, 0));
	cr_assert(eq(int, fcntl(good.plan.pidfd, F_GETFD), FD_CLOEXEC));
	cr_assert(lt(u64, good.plan.taken_ns, good.plan.execed_ns));
	cr_assert(eq(int, good.plan.ends[1].theirs, -1), "the child's end is left here");
	cr_assert(eq(int, (int)read(good.plan.ends[1].ours, text, sizeof(text)), 3));
	cr_assert(eq(str, text, "hi\n"));

	cr_assert(eq(int, bad.res, -ENOENT));
	cr_assert(not(plan_started(&bad.plan)));
	cr_assert(eq(int, bad.plan.stage, USP_STAGE_EXEC));
	cr_assert(eq(int, bad.plan.error, ENOENT));
	cr_assert(eq(str, (char *)bad.plan.path, "/no/such/program"));
	launch_done(&good);
	launch_done(&bad);
	close_launchers(&loop, l);
}

CLEAN_TEST(launcher, a_plan_comes_back_with_its_outcome)
{
	start_and_fail(1, false);
	start_and_fail(3, false);
}

/* And by rings of their own, as on older kernels. */
CLEAN_TEST(launcher, without_clone3_it_does_so_too)
{
	start_and_fail(1, true);
	start_and_fail(3, true);
}

CLEAN_TEST(launcher, a_cancelled_plan_makes_no_process)
{
	struct launch launch;
	struct launchers *l;
	struct loop loop;

	l = open_launchers(&loop, 1, false);
	launch_init(&launch, &loop, l, &INPUT(.argv = VECTOR("true")));
	launch.plan.cancelled = true;
	cr_assert(eq(int, launchers_post(l, &launch.plan), 0));
	loop_until(&loop, launch.back);
	cr_assert(eq(int, launch.res, -ECANCELED));
	cr_assert(eq(int, launch.plan.stage, USP_STAGE_ADMISSION));
	cr_assert(eq(int, launch.plan.pid, 0));
	cr_assert(eq(int, launch.plan.pidfd, -1));
	launch_done(&launch);
	close_launchers(&loop, l);
}

/* Each is handed over once, and nobody waits for a full queue. */
CLEAN_TEST(launcher, there_is_room_for_so_many_plans)
{
	enum { MANY = QUEUE_SIZE * 4 };
	static struct launch launch[MANY];
	unsigned posted = 0, refused = 0;
	struct launchers *l;
	struct loop loop;

	l = open_launchers(&loop, 1, false);
	for (int i = 0; i < MANY; i++)
		launch_init(&launch[i], &loop, l,
			    &INPUT(.argv = VECTOR(PROGRAM("true")),
				   .options.stdio = NO_PIPES));
	while (posted < MANY) {
		int ret = launchers_post(l, &launch[posted].plan);

		if (ret == 0) {
			posted++;
			continue;
		}
		cr_assert(eq(int, ret, -EAGAIN));
		cr_assert(not(op_armed(&launch[posted].plan.done)),
			  "refused, and yet armed");
		refused++;
		loop_until(&loop, launchers_have_room(l) || launch[posted - 1].back);
	}
	cr_assert(lt(uint, 0, refused), "the queue was never full");
	loop_until(&loop, loop.owner.inflight == 0);
	for (int i = 0; i < MANY; i++) {
		cr_assert(eq(uint, launch[i].back, 1));
		cr_assert(eq(int, launch[i].res, 0));
		launch_done(&launch[i]);
	}
	close_launchers(&loop, l);
}

CLEAN_TEST(launcher, sleeping_launchers_are_woken)
{
	struct launchers *l;
	struct loop loop;

	l = open_launchers(&loop, 2, false);
	for (int i = 0; i < 20; i++) {
		struct launch launch;

		launch_init(&launch, &loop, l, &INPUT(.argv = VECTOR(PROGRAM("true"))));
		cr_assert(eq(int, launchers_post(l, &launch.plan), 0));
		loop_until(&loop, launch.back);
		cr_assert(eq(int, launch.res, 0));
		launch_done(&launch);
	}
	close_launchers(&loop, l);
}

CLEAN_TEST(launcher, launchers_without_work_end)
{
	for (unsigned i = 1; i <= 8; i++) {
		struct launchers *l;
		struct loop loop;

		l = open_launchers(&loop, i, false);
		close_launchers(&loop, l);
	}
	launchers_close(NULL);
}

/* A launcher is one of this process's threads: none of them is to get a signal. */
CLEAN_TEST(launcher, its_threads_block_all_signals)
{
	struct launchers *l;
	struct loop loop;
	sigset_t now;

	l = open_launchers(&loop, 2, false);
	sigprocmask(SIG_BLOCK, NULL, &now);
	cr_assert(not(sigismember(&now, SIGTERM)), "the caller's mask was changed");
	sigemptyset(&now);
	sigaddset(&now, SIGUSR1);
	sigprocmask(SIG_BLOCK, &now, NULL);
	cr_assert(eq(int, kill(getpid(), SIGUSR1), 0), "a launcher would die of it");
	sigpending(&now);
	cr_assert(sigismember(&now, SIGUSR1));
	signal(SIGUSR1, SIG_IGN);
	close_launchers(&loop, l);
}
