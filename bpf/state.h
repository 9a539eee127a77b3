/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What is known of the threads that are watched and of the processes that they made.
 */
#ifndef BPF_STATE_H
#define BPF_STATE_H

#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "event.h"

enum {
	THREADS_MAX = 16384,
	CHILDREN_MAX = 8192,
	RING_BYTES = 4 << 20,
	RING_WAKE_BYTES = 256 << 10,
};

/* Set before the programs are loaded. */
const volatile _Bool every_process = 0; /* not only those of @targets */
const volatile _Bool follow = 0;	/* what a target starts is a target */
const volatile _Bool commands = 0;	/* tell what is executed, with its arguments */

/* How many threads are between a clone and what ends its window, and how many new
 * processes have not run yet: while there are none, the scheduler is not looked at. */
__u64 watched;
__u64 lost_records;
__u64 lost_threads; /* there was no room to watch them */

/* The tracer itself, and how deep its process namespace lies; find_targets() sets them. */
__u32 own_tgid, own_level;

enum phase {
	IDLE,
	CLONING,
	RESTARTED, /* a signal interrupted the call, which begins anew */
	AFTER,	   /* it returned, and a handshake may follow */
};

/* A thread of a process that is traced. */
struct thread {
	__u32 phase;
	__u32 child; /* its pid, in the outermost namespace; 0: not there yet */
	__u32 sleeps, pad;
	__u64 clone_at;
	__u64 off_at, off_ns; /* it is not on a processor since; altogether */
	__u64 sleep_at;	      /* it sleeps in what may be a handshake, since */
	__u64 woken_at;	      /* by a child on its way to an exec; 0: by somebody else */
	__u64 preempted_at;

	/* What belongs to the next spawn, if it has not slept since: its voluntary
	 * switches tell, but for those that are seen to be for locks. */
	__u64 lock_switches;
	__u64 pre_at, pre_switches;
	__u64 function_at; /* it is in --func's, since */
	__u32 made,
		pad2; /* the last process that it made there, as the tracer numbers it */
	__u64 nested_at, nested_switches;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32); /* tgid, as all keys in the outermost namespace */
	__type(value, __u8);
} targets SEC(".maps");

/* Who is to be a target, as the tracer's own namespace numbers them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u8);
} wanted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, THREADS_MAX);
	__type(key, __u32); /* tid */
	__type(value, struct thread);
} threads SEC(".maps");

/* A spawn that is not told yet, and whose it is. */
struct child {
	struct trace_spawn told;
	__u32 tgid, tid; /* its parent, in the outermost namespace */
	__u32 ran;
	__u32 inner; /* its pid as its parent's namespace has it, where that is another */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CHILDREN_MAX);
	__type(key, __u32); /* pid */
	__type(value, struct child);
} children SEC(".maps");

/* Where the parent's own namespace is not the outermost: its pid there. */
struct inner_pid {
	__u32 tgid, pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CHILDREN_MAX);
	__type(key, struct inner_pid);
	__type(value, __u32);
} inner_pids SEC(".maps");

/* A job of uringspawn's: by the process that it is in, and its address there. */
struct job_key {
	__u64 tgid, id;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CHILDREN_MAX);
	__type(key, struct job_key);
	__type(value, struct trace_job);
} jobs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} ring SEC(".maps");

/* Too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct child);
} blank SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct trace_command);
} command_made SEC(".maps");

static __always_inline _Bool is_target(__u32 tgid)
{
	if (every_process)
		return tgid != own_tgid;
	return bpf_map_lookup_elem(&targets, &tgid) != 0;
}

static __always_inline struct thread *thread_find(__u32 tid)
{
	return bpf_map_lookup_elem(&threads, &tid);
}

static __always_inline struct child *child_find(__u32 pid)
{
	return bpf_map_lookup_elem(&children, &pid);
}

/* The current thread, if its process is a target; made when it is not known yet. */
static __always_inline struct thread *thread_mine(void)
{
	static const struct thread none;
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = (__u32)id;
	struct thread *t;

	if (!is_target(id >> 32))
		return 0;
	t = thread_find(tid);
	if (t)
		return t;
	bpf_map_update_elem(&threads, &tid, &none, BPF_NOEXIST);
	t = thread_find(tid);
	if (!t)
		__sync_fetch_and_add(&lost_threads, 1);
	return t;
}

static __always_inline void watch_more(void)
{
	__sync_fetch_and_add(&watched, 1);
}

static __always_inline void watch_less(void)
{
	__sync_fetch_and_add(&watched, -1);
}

/* It runs the first time; @now is 0 when it must have, unseen. */
static __always_inline void child_runs(struct child *c, __u64 now)
{
	if (c->ran)
		return;
	c->ran = 1;
	c->told.run_at = now;
	watch_less();
}

/* The number of a process or thread at a level of namespaces, 0 when it is in none. */
static __always_inline __u32 number_at(struct pid *pid, __u32 level)
{
	__u32 deepest = BPF_CORE_READ(pid, level), nr = 0;
	__u64 at = bpf_core_field_offset(struct pid, numbers) +
		   (__u64)level * bpf_core_type_size(struct upid);

	if (level > deepest)
		return 0;
	bpf_probe_read_kernel(&nr, sizeof(nr), (void *)pid + at);
	return nr;
}

static __always_inline __u32 own_number(struct task_struct *task)
{
	return number_at(BPF_CORE_READ(task, thread_pid), own_level);
}

#endif
