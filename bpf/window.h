/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The window of one spawn: how long it keeps the thread that asked for it.
 *
 * It begins as the thread enters clone(), and ends as that returns; or, if the thread
 * then sleeps in the read of a pipe until its child is on its way out of execve() (or
 * says that it could not), at the end of that.  Any other sleep, or another clone, closes
 * it.
 */
#ifndef BPF_WINDOW_H
#define BPF_WINDOW_H

#include "registers.h"
#include "tell.h"

enum {
	CLONE_VM_FLAG = 0x100,
	CLONE_VFORK_FLAG = 0x4000,
	CLONE_THREAD_FLAG = 0x10000,
	INVALID_ERROR = 22,
	NO_SYSCALL_ERROR = 38,
	RESTART_FIRST = 512, /* the kernel's own codes for a call that begins anew */
	RESTART_LAST = 516,
	NESTED_NS = 10000000,
	PRE_NS = 50000000,
};

/* ---- before the clone ---------------------------------------------------- */

static __always_inline __u64 sleeps_of(const struct thread *t)
{
	return bpf_get_current_task_btf()->nvcsw - t->lock_switches;
}

static __always_inline void pipe_made(void)
{
	struct thread *t = thread_mine();
	__u64 sleeps;

	if (!t)
		return;
	sleeps = sleeps_of(t);
	if (t->pre_at && t->pre_switches == sleeps)
		return;
	t->pre_at = bpf_ktime_get_ns();
	t->pre_switches = sleeps;
}

/* libuv's spawnSync() makes a loop of its own for each; a program makes its first one
 * long before. */
static __always_inline void loop_made(void)
{
	struct thread *t = thread_mine();

	if (!t)
		return;
	t->nested_at = bpf_ktime_get_ns();
	t->nested_switches = sleeps_of(t);
}

/* ---- the clone ----------------------------------------------------------- */

static __always_inline void handshake_over(struct thread *t, struct child *c, __u64 now)
{
	c->told.handshake_ns += now - t->sleep_at;
	c->told.end_at = now;
	c->told.off_cpu_ns = t->off_ns;
	c->told.sleeps = ++t->sleeps;
	if (!c->told.exec_at)
		c->told.flags |= TRACE_WOKEN_BEFORE;
	t->sleep_at = t->woken_at = 0;
}

static __always_inline void window_close(struct thread *t)
{
	__u32 pid = t->child;
	struct child *c = child_find(pid);

	/* Not each switch is told: those from some threads may be hidden from BPF. */
	if (c && t->sleep_at && t->woken_at)
		handshake_over(t, c, t->woken_at);
	t->phase = IDLE;
	t->child = 0;
	watch_less();
	if (c)
		side_over(pid, c, TRACE_WINDOW_CLOSED);
}

static __always_inline void clone_entered(void)
{
	struct thread *t = thread_mine();

	if (!t)
		return;
	if (t->phase == AFTER)
		window_close(t);
	if (t->phase == IDLE)
		watch_more();
	if (t->phase != RESTARTED) {
		t->clone_at = bpf_ktime_get_ns();
		t->off_ns = 0;
	}
	t->phase = CLONING;
	t->child = t->sleeps = 0;
	t->off_at = t->sleep_at = t->woken_at = t->preempted_at = 0;
}

static __always_inline __u64 pages_of(struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct mm_struct___before_6_2 *old = (void *)mm;
	long long files, anon, shared;

	/* 0 file, 1 anonymous, 3 shared memory */
	if (bpf_core_field_exists(old->rss_stat.count)) {
		files = BPF_CORE_READ(old, rss_stat.count[0].counter);
		anon = BPF_CORE_READ(old, rss_stat.count[1].counter);
		shared = BPF_CORE_READ(old, rss_stat.count[3].counter);
	} else {
		files = BPF_CORE_READ(mm, rss_stat[0].count);
		anon = BPF_CORE_READ(mm, rss_stat[1].count);
		shared = BPF_CORE_READ(mm, rss_stat[3].count);
	}
	/* Counts of other processors are not in yet, so a small one may be below 0. */
	return files + anon + shared > 0 ? files + anon + shared : 0;
}

/* What is known of a spawn when its process has just been made. */
static __always_inline void describe(struct trace_spawn *s, struct thread *t,
				     struct task_struct *parent)
{
	__u64 sleeps = sleeps_of(t);

	s->event = TRACE_SPAWN;
	s->tgid = own_number(BPF_CORE_READ(parent, group_leader));
	s->tid = own_number(parent);
	s->rss_pages = pages_of(parent);
	s->clone_at = t->clone_at;
	/* An older pipe is one that the program made as it started. */
	if (t->pre_switches == sleeps && t->clone_at - t->pre_at < PRE_NS)
		s->pre_at = t->pre_at;
	if (t->nested_switches == sleeps && t->clone_at - t->nested_at < NESTED_NS)
		s->flags |= TRACE_NESTED_LOOP;
	t->pre_at = t->nested_at = 0;
	bpf_get_current_comm(s->caller, sizeof(s->caller));
}

static __always_inline struct child *blank_child(void)
{
	__u32 zero = 0;
	struct child *c = bpf_map_lookup_elem(&blank, &zero);

	if (c)
		__builtin_memset(c, 0, sizeof(*c));
	return c;
}

/* The namespace of a parent may number its children in its own way. */
static __always_inline void remember_inner(struct child *c, struct task_struct *parent,
					   struct task_struct *child, __u32 pid)
{
	__u32 level = BPF_CORE_READ(parent, thread_pid, level);
	struct inner_pid inner = { .tgid = c->tgid };

	if (!level)
		return;
	inner.pid = c->inner = number_at(BPF_CORE_READ(child, thread_pid), level);
	bpf_map_update_elem(&inner_pids, &inner, &pid, BPF_ANY);
}

static __always_inline void task_made(struct task_struct *child, __u64 flags)
{
	struct task_struct *parent = bpf_get_current_task_btf();
	__u64 now = bpf_ktime_get_ns();
	struct thread *t = thread_find(parent->pid);
	__u32 pid = child->pid;
	struct child *c;
	__u8 one = 1;

	if (!t || t->phase != CLONING)
		return;
	c = flags & CLONE_THREAD_FLAG ? 0 : blank_child();
	if (!c) {
		t->phase = IDLE;
		watch_less();
		return;
	}
	c->tgid = parent->tgid;
	c->tid = parent->pid;
	c->told.kind = flags & CLONE_VFORK_FLAG ? TRACE_VFORK
		       : flags & CLONE_VM_FLAG	? TRACE_SHARED
						: TRACE_FORK;
	c->told.made_at = now;
	describe(&c->told, t, parent);
	c->told.pid = own_number(child);
	remember_inner(c, parent, child, pid);
	t->child = pid;
	t->made = c->told.pid;
	if (follow && bpf_map_update_elem(&targets, &pid, &one, BPF_ANY))
		__sync_fetch_and_add(&lost_threads, 1);
	if (bpf_map_update_elem(&children, &pid, c, BPF_ANY))
		__sync_fetch_and_add(&lost_records, 1);
	else
		watch_more(); /* until it has run */
}

static __always_inline void clone_failed(struct thread *t, long error)
{
	struct child *c = blank_child();

	t->phase = IDLE;
	watch_less();
	/* Asked in vain whether this kernel or sandbox knows such a clone: no spawn. */
	if (!c || error == INVALID_ERROR || error == NO_SYSCALL_ERROR)
		return;
	describe(&c->told, t, bpf_get_current_task_btf());
	c->told.clone_error = (__s32)error;
	c->told.return_at = c->told.end_at = bpf_ktime_get_ns();
	tell(&c->told, sizeof(c->told));
}

static __always_inline void clone_left(long ret)
{
	struct thread *t = thread_find((__u32)bpf_get_current_pid_tgid());
	struct child *c;

	if (!t || t->phase != CLONING)
		return;
	if (ret <= -RESTART_FIRST && ret >= -RESTART_LAST) {
		t->phase = RESTARTED;
		return;
	}
	if (ret < 0) {
		clone_failed(t, -ret);
		return;
	}
	t->phase = AFTER;
	c = child_find(t->child);
	if (!c) {
		window_close(t);
		return;
	}
	c->told.return_at = c->told.end_at = bpf_ktime_get_ns();
	c->told.off_cpu_ns = t->off_ns;
}

#endif
