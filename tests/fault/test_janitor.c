/*
 * The janitor: each call of it that can fail, failed in turn.
 */
#include "launch/janitor.h"

#include <errno.h>

#include "support/clean.h"
#include "support/fault.h"
#include "support/loop.h"

TestSuite(janitor, .timeout = 30);

static unsigned told;

static int run(struct errand *errand) JANITOR_ONLY
{
	(void)errand;
	return 0;
}

static void on_done(struct errand *errand, int res) REACTOR_ONLY
{
	(void)errand;
	(void)res;
	told++;
}

CLEAN_TEST(janitor, without_memory_there_is_none)
{
	struct janitor *j = NULL;
	struct loop loop;

	loop_open(&loop, NULL);
	fault_at(1, ENOMEM);
	cr_assert(eq(int, janitor_open(loop.reactor, &j), -ENOMEM));
	cr_assert(fault_fired());
	cr_assert(j == NULL);
	loop_close(&loop);
}

/* What is posted is not out when it fails, and may be posted again. */
CLEAN_TEST(janitor, a_thread_that_cannot_be_made_is_asked_for_again)
{
	struct errand errand;
	struct janitor *j;
	struct loop loop;
	unsigned n = 0;
	int ret;

	loop_open(&loop, NULL);
	cr_assert(eq(int, janitor_open(loop.reactor, &j), 0));
	errand_init(&errand, &loop.owner, run, on_done);
	for (;;) {
		int before = open_fds();

		fault_at(++n, EAGAIN);
		ret = janitor_post(j, &errand);
		if (!fault_fired())
			break;
		cr_assert(lt(int, ret, 0), "call %u failed, and it said %d", n, ret);
		cr_assert(not(errand_is_out(&errand)));
		cr_assert(eq(int, open_fds(), before), "call %u failed", n);
	}
	cr_assert(eq(int, ret, 0));
	loop_until(&loop, told == 1);
	cr_assert(eq(uint, n - 1, 3), "another fault point: change this number");
	janitor_close(j);
	loop_close(&loop);
}
