/*
 * A program started with as little as the kernel asks for: the floor that a
 * launcher can be measured against.
 *
 * clone() and not clone3(): for the kernel they are the same call, and libc has
 * the assembly for a stack of the child's own only for the former.
 *
 * The caller's thread blocks every signal, so none arrives while the child has
 * our memory; one that arrives after the child unblocked them, and before its
 * exec, finds a handler that only sets a flag.
 */
#include "cli/bench_peer.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

static int child(void *arg)
{
	struct bench_starter *starter = arg;
	const struct bench_job *job = starter->job;
	sigset_t none;

	sigemptyset(&none);
	if (dup2(job->null_fd, 0) >= 0 && dup2(starter->out_fd, 1) >= 0 &&
	    dup2(starter->err_fd, 2) >= 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0)
		execve(job->path, job->argv, job->envp);
	starter->exec_error = errno;
	_exit(127);
}

int bench_clone_start(struct bench_starter *starter, struct bench_child *ret_child)
{
	char *stack_top = (char *)starter->stack + starter->stack_size;
	int pidfd = -1;

	starter->exec_error = 0;
	int pid = clone(child, stack_top, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
			starter, &pidfd);

	if (pid < 0)
		return -errno;
	*ret_child = (struct bench_child){ .pid = pid, .pidfd = pidfd };
	return 0;
}
