/*
 * Says who it is, then which signals come, one a line and in order; ends with 40
 * at SIGTERM.  What is pending more than once at a time counts once, as always.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	int number;
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	printf("pid %d parent %d group %d session %d\n", getpid(), getppid(), getpgrp(),
	       getsid(0));
	do {
		if (fflush(stdout) || sigwait(&set, &number))
			return 1;
		printf("signal %d\n", number);
	} while (number != SIGTERM);
	return fflush(stdout) ? 1 : 40;
}
