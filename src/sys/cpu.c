/*
 * Processors.
 */
#include "sys/cpu.h"

#include <sched.h>
#include <unistd.h>

/* The kernel refuses a set that is too small for its machine. */
unsigned sys_cpus(void)
{
	cpu_set_t set;
	long online;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	online = sysconf(_SC_NPROCESSORS_ONLN);
	return online > 0 ? (unsigned)online : 1;
}
