/*
 * The child, between clone and exec.  Dialect: child.
 *
 * It runs on a stack of its own in the memory of its launcher, which waits.  So
 * raw system calls only: no libc function, whose state (errno, locks, the heap)
 * is the parent's.  What it wants to tell it writes into the plan: the stage
 * before each step, so that the launcher knows where a child died, and errno when
 * a step fails.
 *
 * The order of the steps is the order of enum usp_stage.  Descriptors come first:
 * after close_range() a child that hangs (in a dead mount, say) holds nobody's
 * pipe.  Whatever is named by a path comes last, with the child's own rights.
 */
#include "launch/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include "launch/plan.h"
#include "sys/raw.h"

#undef errno
#undef assert
#pragma GCC poison malloc free printf errno assert

/* The kernel's own, not libc's: all zero but the handler fits every architecture. */
struct raw_sigaction {
	unsigned long handler;
	unsigned long rest[4];
};

#define RAW_SIGSET_BYTES 8

static _Noreturn void fail(struct plan *plan, long ret, const char *path)
{
	plan->error = (int)-ret;
	plan->path = path;
	for (;;)
		RAW(SYS_exit_group, 127);
}

static void enter(struct plan *plan, enum usp_stage stage)
{
	atomic_store_explicit(&plan->stage, (int)stage, memory_order_relaxed);
}

/* ---- descriptors --------------------------------------------------------- */

/* Where stream @i comes from, out of the way of the places 0 to 2. */
static long source_of(struct plan *plan, int i)
{
	int fd = plan->spec->options.stdio[i].kind == USP_STDIO_NULL
			 ? plan->setup->null_fd
			 : plan->theirs[i];

	return fd > 2 ? fd : RAW(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3);
}

static const char *stream_name(int i)
{
	return i == 0 ? "stdin" : i == 1 ? "stdout" : "stderr";
}

static void place_stdio(struct plan *plan)
{
	const struct usp_stdio *stdio = plan->spec->options.stdio;
	long source[3];

	for (int i = 0; i < 3; i++) {
		if (stdio[i].kind == USP_STDIO_DUP)
			continue;
		source[i] = source_of(plan, i);
		if (source[i] < 0)
			fail(plan, source[i], stream_name(i));
	}
	for (int i = 0; i < 3; i++) {
		long from = source[stdio[i].kind == USP_STDIO_DUP ? stdio[i].fd : i];
		long ret = RAW(SYS_dup3, from, i, 0);

		if (ret < 0)
			fail(plan, ret, stream_name(i));
	}
}

static void close_the_rest(struct plan *plan)
{
	long ret = RAW(SYS_close_range, 3, ~0U, 0);

	if (ret < 0)
		fail(plan, ret, "close_range");
}

/* ---- group, limits, directory -------------------------------------------- */

static void join_group(struct plan *plan)
{
	long ret = 0;

	if (plan->spec->options.group == USP_GROUP_SESSION)
		ret = RAW(SYS_setsid, 0);
	else if (plan->spec->options.group == USP_GROUP_NEW)
		ret = RAW(SYS_setpgid, 0, 0);
	if (ret < 0)
		fail(plan, ret, "process group");
}

static void restore_limits(struct plan *plan)
{
	const struct launch_setup *setup = plan->setup;
	long ret;

	if (!setup->reset_nofile)
		return;
	ret = RAW(SYS_prlimit64, 0, RLIMIT_NOFILE, &setup->nofile, 0);
	if (ret < 0)
		fail(plan, ret, "RLIMIT_NOFILE");
}

static void change_directory(struct plan *plan)
{
	long ret;

	if (!plan->spec->cwd)
		return;
	ret = RAW(SYS_chdir, plan->spec->cwd);
	if (ret < 0)
		fail(plan, ret, plan->spec->cwd);
}

/* ---- signals ------------------------------------------------------------- */

/* clone3() resets handlers, and neither it nor exec resets what is ignored. */
static void reset_signals(struct plan *plan)
{
	const uint64_t ignored = plan->spec->options.ignored_signals;
	const uint64_t touched = plan->setup->reset_signals | ignored;
	const uint64_t none = 0;
	long ret;

	for (int sig = 1; sig < NSIG; sig++) {
		const uint64_t bit = UINT64_C(1) << (sig - 1);
		struct raw_sigaction action = { .handler = 0 };

		if (!(touched & bit) || sig == SIGKILL || sig == SIGSTOP)
			continue;
		if (ignored & bit)
			action.handler = 1; /* SIG_IGN */
		ret = RAW(SYS_rt_sigaction, sig, &action, 0, RAW_SIGSET_BYTES);
		if (ret < 0)
			fail(plan, ret, "signal disposition");
	}
	ret = RAW(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, RAW_SIGSET_BYTES);
	if (ret < 0)
		fail(plan, ret, "signal mask");
}

/* ---- exec ---------------------------------------------------------------- */

/* Go on to the next element of the PATH?  As execvpe() decides. */
static int is_passed_over(long ret)
{
	return ret == -EACCES || ret == -ENOENT || ret == -ENOTDIR || ret == -ESTALE ||
	       ret == -ENODEV || ret == -ETIMEDOUT || ret == -ENAMETOOLONG;
}

/* ENOENT of a file that is there speaks of its interpreter or its loader. */
static int is_there(const char *path)
{
	return RAW(SYS_faccessat, AT_FDCWD, path, 0) == 0;
}

static _Noreturn void execute(struct plan *plan)
{
	const struct spec *spec = plan->spec;
	const char *refused = 0, *incomplete = 0;
	long ret = -ENOENT;

	for (char **candidate = spec->candidates; *candidate; candidate++) {
		ret = RAW(SYS_execve, *candidate, spec->argv, spec->envp);
		if (!is_passed_over(ret))
			fail(plan, ret, *candidate);
		if (ret == -EACCES)
			refused = *candidate;
		else if (ret == -ENOENT && is_there(*candidate))
			incomplete = *candidate;
	}
	if (refused)
		fail(plan, -EACCES, refused);
	if (incomplete) {
		enter(plan, USP_STAGE_INTERPRETER);
		fail(plan, -ENOENT, incomplete);
	}
	/* A search that found nothing says so, whatever its last element was. */
	fail(plan, spec->candidates[1] ? -ENOENT : ret, spec->name);
}

_Noreturn void child_run(void *arg)
{
	struct plan *plan = arg;

	/* From here on the reactor can kill it, whatever it hangs in. */
	atomic_store(&plan->pidfd, plan->new_pidfd);
	enter(plan, USP_STAGE_STDIO);
	place_stdio(plan);
	close_the_rest(plan);
	enter(plan, USP_STAGE_SESSION);
	join_group(plan);
	enter(plan, USP_STAGE_LIMITS);
	restore_limits(plan);
	enter(plan, USP_STAGE_CHDIR);
	change_directory(plan);
	enter(plan, USP_STAGE_SIGNALS);
	reset_signals(plan);
	enter(plan, USP_STAGE_EXEC);
	execute(plan);
}
