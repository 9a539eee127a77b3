/*
 * Processors.
 */
#ifndef SYS_CPU_H
#define SYS_CPU_H

/* How many this thread may run on; at least 1. */
unsigned sys_cpus(void);

#endif
