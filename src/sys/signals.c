/*
 * Signals of the calling thread and of its process.
 */
#include "sys/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include "sys/raw.h"

void sys_block_sigpipe(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* The handler comes first in the kernel's struct, and 1 is SIG_IGN. */
bool sys_is_ignored(int signal)
{
	unsigned long action[8] = { 0 };

	return RAW(SYS_rt_sigaction, signal, 0, action, 8) == 0 && action[0] == 1;
}
