/*
 * What this process may: its capabilities, and what the kernel was locked down to.
 */
#ifndef TRACE_PRIVILEGE_H
#define TRACE_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>

/* Numbers of capability(7). */
enum capability {
	CAPABILITY_DAC_READ_SEARCH = 2,
	CAPABILITY_SYS_ADMIN = 21,
	CAPABILITY_PERFMON = 38,
	CAPABILITY_BPF = 39,
};

bool privilege_has(enum capability capability);

/* Whether BPF may be used: CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON.  Else what is
 * missing is put into @ret_missing, as "CAP_BPF and CAP_PERFMON". */
bool privilege_bpf(char *ret_missing, size_t size);

/* Whether the kernel is locked down more than BPF can bear, and how. */
bool privilege_lockdown(char *ret_mode, size_t size);

#endif
