/*
 * Children of a test that wait to be killed: none of them outlives its parent, so that
 * a run that is aborted leaves nobody.
 */
#ifndef SUPPORT_TIED_H
#define SUPPORT_TIED_H

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* fork(), for the thread that lives as long as its process does: the first one. */
static inline pid_t fork_tied(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1); /* it was gone before */
	return 0;
}

#endif
