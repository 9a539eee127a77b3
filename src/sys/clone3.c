/*
 * A child on a stack of its own: the arguments of clone3() and clone().
 *
 * The system call itself is in clone3_*.S, because the child comes out of it on
 * another stack and must not return into C that lives on the old one.
 */
#include "sys/clone3.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include "sys/raw.h"

/* Since Linux 5.5; older headers do not have it. */
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

/* Since Linux 5.7. */
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

/*
 * Make system call @nr with three arguments.  In the parent give its result; in
 * the child, on the new stack, call @fn with @arg.
 */
long clone_trampoline(long nr, long a, long b, long c, clone_fn *fn, void *arg);

static const uint64_t vfork_flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD;

pid_t sys_clone_vfork(const struct clone_request *request, bool use_clone3)
{
	uint64_t stack = (uintptr_t)request->stack;
	struct clone_args args = {
		.flags = vfork_flags | CLONE_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)request->ret_pidfd,
		.exit_signal = SIGCHLD,
		.stack = stack,
		.stack_size = request->stack_bytes,
	};

	if (request->in_cgroup) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)request->cgroup_fd;
	}
	if (use_clone3)
		return (pid_t)clone_trampoline(SYS_clone3, (long)&args, sizeof(args), 0,
					       request->fn, request->arg);
	/* clone() puts the pidfd where parent_tid points, and wants the top of the stack. */
	return (pid_t)clone_trampoline(SYS_clone, (long)(vfork_flags | SIGCHLD),
				       (long)(stack + request->stack_bytes),
				       (long)request->ret_pidfd, request->fn,
				       request->arg);
}

/* Too small a size is EINVAL where the call is known and allowed. */
bool sys_clone3_allowed(void)
{
	return RAW(SYS_clone3, 0, 0) == -EINVAL;
}
