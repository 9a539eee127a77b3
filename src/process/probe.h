/*
 * A probe (USDT) for tracers: provider uringspawn, name process_state, with an id, the
 * pid (0: none yet), the state before and the next.  It is one nop where nobody looks, and
 * nothing where sys/sdt.h was not there to build with.
 */
#ifndef PROCESS_PROBE_H
#define PROCESS_PROBE_H

#if defined(__has_include)
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#endif
#endif

#ifdef DTRACE_PROBE4
#define PROBE_STATE(p, next)                                                             \
	DTRACE_PROBE4(uringspawn, process_state, (p), (p)->plan.pid, (p)->state, (next))
#else
#define PROBE_STATE(p, next) ((void)0)
#endif

#endif
