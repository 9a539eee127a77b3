/*
 * A child on a stack of its own that borrows this thread's memory until it
 * executes a program or exits: what vfork() is, with a pidfd.
 */
#ifndef SYS_CLONE3_H
#define SYS_CLONE3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Runs in the child.  Does not return: it ends by execve() or _exit(). */
typedef void clone_fn(void *arg);

struct clone_request {
	void *stack; /* lowest address; only the child uses it, while the caller waits */
	size_t stack_bytes;
	clone_fn *fn;
	void *arg;
	int *ret_pidfd; /* written by the kernel before the child runs */
	bool in_cgroup; /* with clone3(): it starts in the cgroup of cgroup_fd */
	int cgroup_fd;
};

/*
 * Make the child and wait until it has executed a program or is gone.
 *
 * @use_clone3: with clone3() signal handlers are reset by the kernel; with
 * clone(), for sandboxes that refuse the other, the child has to do it.
 * Both share memory (CLONE_VM), block the caller (CLONE_VFORK) and give a pidfd.
 *
 * Returns the pid, or -errno: -EAGAIN, -ENOMEM, -EMFILE; -ENOSYS or -EPERM when
 * clone3() is refused here.
 */
pid_t sys_clone_vfork(const struct clone_request *request, bool use_clone3);

/* Does this kernel, and this sandbox, allow clone3()?  Makes no process. */
bool sys_clone3_allowed(void);

#endif
