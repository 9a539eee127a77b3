/*
 * Is somebody still there?
 */
#ifndef SUPPORT_ALIVE_H
#define SUPPORT_ALIVE_H

#include <stdbool.h>
#include "sys/proc.h"

/* Neither gone nor dead and waiting to be reaped. */
static inline bool is_alive(pid_t pid)
{
	struct proc p;

	return sys_proc_stat(pid, &p) == 0 && p.state != 'Z' && p.state != 'X';
}

static inline bool is_gone(pid_t pid)
{
	return !is_alive(pid);
}

#endif
