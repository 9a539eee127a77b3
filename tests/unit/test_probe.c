/*
 * sys/probe.c: what it says agrees with what the kernel does, also where a
 * sandbox forbids a call.
 */
#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/clean.h"
#include "support/deny.h"
#include "sys/probe.h"

CLEAN_TEST(probe, leaves_nothing_open_and_says_the_limits)
{
	struct rlimit limit = { .rlim_cur = 500, .rlim_max = 600 };
	struct probe p;

	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &limit), 0));
	probe_run(&p);

	cr_assert(eq(u64, p.nofile, 500));
	cr_assert(eq(u64, p.nofile_hard, 600));
	cr_assert(lt(uint, 0, p.cpus));
	cr_assert(ne(chr, p.release[0], '\0'));
	cr_assert(p.there[PROBE_RING] == (p.ring_error == 0));
	cr_assert(p.there[PROBE_PIDFD_OPEN]);
}

Test(probe, sees_that_io_uring_is_forbidden)
{
	struct probe p;

	deny(SYS_io_uring_setup, EPERM);
	probe_run(&p);

	cr_assert(eq(int, p.ring_error, -EPERM));
	for (int i = PROBE_RING; i < PROBE_CLONE3; i++)
		cr_assert(not(p.there[i]), "feature %d without a ring", i);
	cr_assert(p.there[PROBE_PIDFD_OPEN], "the rest is probed all the same");
}

Test(probe, sees_that_clone3_is_forbidden)
{
	struct probe before, after;

	probe_run(&before);
	deny(SYS_clone3, ENOSYS);
	probe_run(&after);

	cr_assert(not(after.there[PROBE_CLONE3]));
	for (int i = 0; i < PROBE_COUNT; i++)
		if (i != PROBE_CLONE3)
			cr_assert(before.there[i] == after.there[i], "feature %d", i);
}

Test(probe, sees_that_a_message_without_a_ring_is_forbidden)
{
	struct probe p;

	deny(SYS_io_uring_register, EINVAL);
	probe_run(&p);

	cr_assert(not(p.there[PROBE_SEND_MSG_RING]));
	cr_assert(not(p.there[PROBE_BUFFER_RING]));
	cr_assert(not(p.there[PROBE_FIXED_FILES]));
}
