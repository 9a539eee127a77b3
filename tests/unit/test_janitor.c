/*
 * launch/janitor.c: errands run in another thread and are told back.
 */
#include "launch/janitor.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/clean.h"
#include "support/loop.h"

TestSuite(janitor, .timeout = 30);

struct chore {
	struct errand errand;
	struct janitor *again; /* post it anew, once */
	unsigned order;	       /* its place among those that ran */
	pid_t tid;
	sigset_t mask;
	unsigned done;
	int res;
};

static unsigned runs;

static int run(struct errand *errand) JANITOR_ONLY
{
	struct chore *chore = container_of(errand, struct chore, errand);

	chore->order = ++runs;
	chore->tid = (pid_t)syscall(SYS_gettid);
	pthread_sigmask(SIG_SETMASK, NULL, &chore->mask);
	return (int)chore->order * 10;
}

static void on_done(struct errand *errand, int res) REACTOR_ONLY
{
	struct chore *chore = container_of(errand, struct chore, errand);
	struct janitor *again = chore->again;

	cr_assert(not(errand_is_out(errand)), "it is told while it is out");
	chore->done++;
	chore->res = res;
	chore->again = NULL;
	if (again)
		cr_assert(eq(int, janitor_post(again, errand), 0));
}

static void chore_init(struct chore *chore, struct loop *loop)
{
	*chore = (struct chore){ 0 };
	errand_init(&chore->errand, &loop->owner, run, on_done);
}

static unsigned threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned n = 0;

	cr_assert(dir != NULL);
	for (struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

CLEAN_TEST(janitor, without_an_errand_there_is_no_thread)
{
	unsigned before = threads();
	struct janitor *j;
	struct loop loop;

	loop_open(&loop, NULL);
	cr_assert(eq(int, janitor_open(loop.reactor, &j), 0));
	cr_assert(eq(uint, threads(), before));
	janitor_close(j);
	janitor_close(NULL);
	loop_close(&loop);
}

static void run_three(bool mailbox_rings)
{
	const struct reactor_options options = { .entries = 64,
						 .slots = 4,
						 .read_buffers = 1,
						 .mailbox_rings = mailbox_rings };
	struct chore chores[3];
	struct janitor *j;
	struct loop loop;

	runs = 0;
	loop_open(&loop, &options);
	cr_assert(eq(int, janitor_open(loop.reactor, &j), 0));
	for (int i = 0; i < 3; i++) {
		chore_init(&chores[i], &loop);
		cr_assert(eq(int, janitor_post(j, &chores[i].errand), 0));
		cr_assert(errand_is_out(&chores[i].errand));
		cr_assert(eq(uint, chores[i].done, 0), "told from inside the call");
	}
	loop_until(&loop, chores[0].done && chores[1].done && chores[2].done);
	for (int i = 0; i < 3; i++) {
		cr_assert(eq(uint, chores[i].order, (unsigned)i + 1));
		cr_assert(eq(int, chores[i].res, (i + 1) * 10));
		cr_assert(eq(int, chores[i].tid, chores[0].tid), "more than one thread");
	}
	cr_assert(ne(int, chores[0].tid, (int)syscall(SYS_gettid)));
	janitor_close(j);
	loop_close(&loop);
}

CLEAN_TEST(janitor, errands_run_in_the_order_they_came_in_one_thread)
{
	run_three(false);
}

CLEAN_TEST(janitor, by_a_ring_of_its_own_it_does_so_too)
{
	run_three(true);
}

CLEAN_TEST(janitor, a_thread_that_sleeps_is_woken)
{
	struct chore chore;
	struct janitor *j;
	struct loop loop;

	loop_open(&loop, NULL);
	cr_assert(eq(int, janitor_open(loop.reactor, &j), 0));
	chore_init(&chore, &loop);
	for (unsigned i = 1; i <= 200; i++) {
		cr_assert(eq(int, janitor_post(j, &chore.errand), 0));
		loop_until(&loop, chore.done == i);
	}
	janitor_close(j);
	loop_close(&loop);
}

CLEAN_TEST(janitor, an_errand_may_be_posted_again_when_it_is_told)
{
	struct chore chore;
	struct janitor *j;
	struct loop loop;

	loop_open(&loop, NULL);
	cr_assert(eq(int, janitor_open(loop.reactor, &j), 0));
	chore_init(&chore, &loop);
	chore.again = j;
	cr_assert(eq(int, janitor_post(j, &chore.errand), 0));
	loop_until(&loop, chore.done == 2);
	janitor_close(j);
	loop_close(&loop);
}

CLEAN_TEST(janitor, its_thread_is_given_no_signal)
{
	struct chore chore;
	struct janitor *j;
	struct loop loop;

	loop_open(&loop, NULL);
	cr_assert(eq(int, janitor_open(loop.reactor, &j), 0));
	chore_init(&chore, &loop);
	cr_assert(eq(int, janitor_post(j, &chore.errand), 0));
	loop_until(&loop, chore.done);
	for (int sig = 1; sig <= SIGSYS; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			cr_assert(eq(int, sigismember(&chore.mask, sig), 1),
				  "signal %d is not blocked", sig);
	janitor_close(j);
	loop_close(&loop);
}
