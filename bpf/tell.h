/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A record is told once, when both of its sides are over: the window of the thread that
 * made the process, and the process.
 */
#ifndef BPF_TELL_H
#define BPF_TELL_H

#include "state.h"

/* Waking the reader is dear: only when much is waiting.  It looks by itself anyway. */
static __always_inline __u64 ring_flags(void)
{
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > RING_WAKE_BYTES
		       ? BPF_RB_FORCE_WAKEUP
		       : BPF_RB_NO_WAKEUP;
}

static __always_inline void tell(const void *record, __u64 size)
{
	if (bpf_ringbuf_output(&ring, (void *)record, size, ring_flags()))
		__sync_fetch_and_add(&lost_records, 1);
}

/* @side is over.  The record is gone when the other one was already. */
static __always_inline void side_over(__u32 pid, struct child *c, __u32 side)
{
	__u32 before = __sync_fetch_and_or(&c->told.flags, side);
	__u32 both = TRACE_WINDOW_CLOSED | TRACE_CHILD_GONE;

	if ((before & both) == both || ((before | side) & both) != both)
		return;
	tell(&c->told, sizeof(c->told));
	if (c->inner) {
		struct inner_pid inner = { c->tgid, c->inner };

		bpf_map_delete_elem(&inner_pids, &inner);
	}
	bpf_map_delete_elem(&children, &pid);
}

#endif
