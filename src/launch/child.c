/*
 * The child, between clone and exec: its steps in their order, and the last of them.
 * Dialect: child.
 *
 * It runs on a stack of its own in the memory of its launcher, which waits.  So
 * raw system calls only: no libc function, whose state (errno, locks, the heap)
 * is the parent's.  What it wants to tell it writes into the plan: the stage
 * before each step, so that the launcher knows where a child died, and errno when
 * a step fails.
 *
 * Descriptors come first: after close_range() a child that hangs (in a dead mount,
 * say) holds nobody's pipe.  Whatever is named by a path comes after credentials,
 * with the child's own rights.
 */
#include "launch/child.h"

#include <fcntl.h>
#include <signal.h>
#include "launch/child_parts.h"

/* The kernel's own, not libc's: all zero but the handler fits every architecture. */
struct raw_sigaction {
	unsigned long handler;
	unsigned long rest[4];
};

#define RAW_SIGSET_BYTES 8

_Noreturn void child_fail(struct plan *plan, long ret, const char *path)
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

/* ---- cgroup -------------------------------------------------------------- */

/* clone3() made it there. */
static void join_cgroup(struct plan *plan)
{
	long fd, ret;

	if (plan->cgroup_fd < 0 || plan->setup->use_clone3)
		return;
	fd = RAW(SYS_openat, plan->cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	ret = fd < 0 ? fd : RAW(SYS_write, fd, "0", 1);
	if (ret < 0)
		child_fail(plan, ret, "cgroup.procs");
	RAW(SYS_close, fd);
}

/* ---- directory ------------------------------------------------------------ */

static void change_directory(struct plan *plan)
{
	const char *cwd = plan->spec->program->cwd;
	long ret;

	if (!cwd)
		return;
	ret = RAW(SYS_chdir, cwd);
	if (ret < 0)
		child_fail(plan, ret, cwd);
}

/* ---- signals ------------------------------------------------------------- */

#define BIT(sig) (UINT64_C(1) << ((sig)-1))

static const int stops[] = { SIGTSTP, SIGTTIN, SIGTTOU };
#define STOPS (BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU))

/*
 * A stop that waits was meant for the group that it has left, and for its launcher's
 * program.  If it stopped here, before its exec, that could not stop: its launcher waits
 * for the exec, and who waits for the program to stop would hear nothing.  To ignore a
 * signal takes away what waits of it.
 */
static void drop_stops(void)
{
	const struct raw_sigaction ignore = { .handler = 1 /* SIG_IGN */ };

	for (size_t i = 0; i < sizeof(stops) / sizeof(*stops); i++)
		RAW(SYS_rt_sigaction, stops[i], &ignore, 0, RAW_SIGSET_BYTES);
}

/* clone3() resets handlers, and neither it nor exec resets what is ignored. */
static void reset_signals(struct plan *plan)
{
	const uint64_t ignored = plan->spec->options.ignored_signals;
	const uint64_t touched = plan->setup->reset_signals | ignored | STOPS;
	const uint64_t none = 0;
	long ret;

	drop_stops();
	for (int sig = 1; sig < NSIG; sig++) {
		const uint64_t bit = BIT(sig);
		struct raw_sigaction action = { .handler = 0 };

		if (!(touched & bit) || sig == SIGKILL || sig == SIGSTOP)
			continue;
		if (ignored & bit)
			action.handler = 1; /* SIG_IGN */
		ret = RAW(SYS_rt_sigaction, sig, &action, 0, RAW_SIGSET_BYTES);
		if (ret < 0)
			child_fail(plan, ret, "signal disposition");
	}
	ret = RAW(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, RAW_SIGSET_BYTES);
	if (ret < 0)
		child_fail(plan, ret, "signal mask");
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
	const struct spec_program *program = plan->spec->program;
	const char *refused = 0, *incomplete = 0;
	long ret = -ENOENT;

	for (char **candidate = program->candidates; *candidate; candidate++) {
		ret = RAW(SYS_execve, *candidate, program->argv, program->envp);
		if (!is_passed_over(ret))
			child_fail(plan, ret, *candidate);
		if (ret == -EACCES)
			refused = *candidate;
		else if (ret == -ENOENT && is_there(*candidate))
			incomplete = *candidate;
	}
	if (refused)
		child_fail(plan, -EACCES, refused);
	if (incomplete) {
		enter(plan, USP_STAGE_INTERPRETER);
		child_fail(plan, -ENOENT, incomplete);
	}
	/* A search that found nothing says so, whatever its last element was. */
	child_fail(plan, program->candidates[1] ? -ENOENT : ret, plan->spec->name);
}

_Noreturn void child_run(void *arg)
{
	struct plan *plan = arg;

	/* From here on the reactor can kill it, whatever it hangs in. */
	atomic_store(&plan->child, (pid_t)RAW(SYS_getpid, 0));
	enter(plan, USP_STAGE_CGROUP);
	join_cgroup(plan);
	enter(plan, USP_STAGE_STDIO);
	child_place_fds(plan);
	enter(plan, USP_STAGE_SESSION);
	child_join_group(plan);
	enter(plan, USP_STAGE_LIMITS);
	child_set_limits(plan);
	enter(plan, USP_STAGE_CREDENTIALS);
	child_set_credentials(plan);
	child_set_umask(plan);
	enter(plan, USP_STAGE_CHDIR);
	change_directory(plan);
	enter(plan, USP_STAGE_STDIO);
	child_open_files(plan);
	enter(plan, USP_STAGE_SIGNALS);
	reset_signals(plan);
	enter(plan, USP_STAGE_EXEC);
	execute(plan);
}
