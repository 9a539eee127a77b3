/*
 * Signals of the calling thread and of its process.
 */
#ifndef SYS_SIGNALS_H
#define SYS_SIGNALS_H

#include <stdbool.h>

/* A write to a pipe that nobody reads then fails with EPIPE and does no more. */
void sys_block_sigpipe(void);

/* Does the process ignore @signal?  Those that libc keeps to itself included. */
bool sys_is_ignored(int signal);

#endif
