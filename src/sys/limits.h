/*
 * Which limit of the system is in the way.
 */
#ifndef SYS_LIMITS_H
#define SYS_LIMITS_H

/*
 * The limit on processes that stands against one more, after clone() said -EAGAIN:
 * "pids.max", "RLIMIT_NPROC", "kernel.threads-max", or "" when it cannot be told.
 * Reads a few files; static memory.
 */
const char *sys_process_limit(void);

#endif
