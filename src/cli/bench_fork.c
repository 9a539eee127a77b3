/*
 * A program started by fork() and execve(): what a runtime does that knows nothing else.
 * The kernel copies the page tables of this process for each one, so what it costs grows
 * with the memory of the process that asks; this one is small.
 *
 * The child has memory of its own, so it cannot say why its exec failed but by its code.
 */
#include "cli/bench_peer.h"

#include <errno.h>
#include <unistd.h>

/* Only what is safe after fork() in a program with threads. */
static void child(const struct bench_starter *starter)
{
	const struct bench_job *job = starter->job;
	sigset_t none;

	sigemptyset(&none);
	/* The calling thread blocks every signal, and the program shall not. */
	if (dup2(job->null_fd, 0) >= 0 && dup2(starter->out_fd, 1) >= 0 &&
	    dup2(starter->err_fd, 2) >= 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0)
		execve(job->path, job->argv, job->envp);
	_exit(127);
}

int bench_fork_start(struct bench_starter *starter, struct bench_child *ret_child)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		child(starter);
	*ret_child = (struct bench_child){ .pid = pid, .pidfd = -1 };
	return 0;
}
