/*
 * The reactor: children that are waited for with what they used.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/clean.h"
#include "support/loop.h"
#include "support/tracer.h"

TestSuite(reactor_exit, .timeout = 60);

/* A child that waits to be killed, in a slot. */
static pid_t child_in_slot(struct loop *loop, int *ret_slot)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	cr_assert(lt(int, 0, pid));
	*ret_slot = loop_slot(loop, (int)syscall(SYS_pidfd_open, pid, 0));
	return pid;
}

CLEAN_TEST(reactor_exit, what_it_used_is_told_with_its_status)
{
	struct rusage usage = { .ru_minflt = -1 };
	siginfo_t info = { 0 };
	struct loop loop;
	struct watched w;
	pid_t pid;
	int slot;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	pid = child_in_slot(&loop, &slot);
	reactor_wait_exit(loop.reactor, &w.op, slot, pid, &info, &usage);
	loop_turn(&loop);
	cr_assert(eq(uint, w.calls, 0));
	kill(pid, SIGTERM);
	loop_until(&loop, w.last);
	cr_assert(eq(int, w.res, 0));
	cr_assert(eq(int, info.si_code, CLD_KILLED));
	cr_assert(eq(int, info.si_status, SIGTERM));
	cr_assert(lt(long, 0, usage.ru_minflt), "it touched memory");
	cr_assert(lt(long, 0, usage.ru_maxrss));
	cr_assert(eq(uint, w.calls, 1));
	cr_assert(eq(int, waitpid(-1, NULL, WNOHANG), -1), "not reaped");
	loop_close(&loop);
}

CLEAN_TEST(reactor_exit, what_somebody_else_reaped_is_an_error)
{
	struct rusage usage;
	siginfo_t info;
	struct loop loop;
	struct watched w;
	pid_t pid;
	int slot;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	pid = child_in_slot(&loop, &slot);
	kill(pid, SIGKILL);
	cr_assert(eq(int, waitpid(pid, NULL, 0), pid));
	reactor_wait_exit(loop.reactor, &w.op, slot, pid, &info, &usage);
	loop_until(&loop, w.last);
	cr_assert(eq(int, w.res, -ECHILD));
	loop_close(&loop);
}

CLEAN_TEST(reactor_exit, one_that_is_cancelled_reaps_nobody)
{
	struct rusage usage;
	siginfo_t info;
	struct loop loop;
	struct watched w;
	pid_t pid;
	int slot;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	pid = child_in_slot(&loop, &slot);
	reactor_wait_exit(loop.reactor, &w.op, slot, pid, &info, &usage);
	loop_turn(&loop);
	reactor_cancel(loop.reactor, &w.op);
	loop_until(&loop, w.last);
	cr_assert(eq(int, w.res, -ECANCELED));
	kill(pid, SIGKILL);
	cr_assert(eq(int, waitpid(pid, NULL, 0), pid));
	loop_close(&loop);
}

/* The reactor must not stand still until the tracer lets go. */
CLEAN_TEST(reactor_exit, who_is_traced_is_not_waited_for)
{
	struct tracer tracer;
	struct rusage usage;
	siginfo_t info;
	struct loop loop;
	struct watched w;
	pid_t pid;
	int slot;
	bool traced;

	loop_open(&loop, NULL);
	watched_init(&w, &loop);
	pid = child_in_slot(&loop, &slot);
	traced = tracer_start(&tracer, pid);
	kill(pid, SIGKILL);
	reactor_wait_exit(loop.reactor, &w.op, slot, pid, &info, &usage);
	for (int i = 0; i < 20 && traced; i++)
		loop_turn(&loop);
	cr_assert(w.calls == 0 || !traced, "it was told, and is not reaped");
	if (traced)
		tracer_end(&tracer);
	loop_until(&loop, w.last);
	cr_assert(eq(int, w.res, 0));
	cr_assert(eq(int, info.si_status, SIGKILL));
	cr_assert(eq(int, waitpid(-1, NULL, WNOHANG), -1), "not reaped");
	loop_close(&loop);
	if (!traced)
		cr_skip_test("nobody may be traced here");
}
