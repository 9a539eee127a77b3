/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the scheduler tells: which sleep of a parent is a handshake with its child, and
 * when a child runs first.
 */
#ifndef BPF_SLEEP_H
#define BPF_SLEEP_H

#include "window.h"

enum { UNINTERRUPTIBLE = 2 }; /* in a task's state: it waits for a lock or a page */

/* A thread is switched out; @state is 0 when it would have liked to go on.  Waiting for a
 * lock of the kernel's is none of the sleeps that end a window: threads that fork at one
 * moment wait for each other, on the way. */
static __always_inline void switched_out(struct task_struct *task, __u32 state, __u64 now)
{
	struct thread *t = thread_find(task->pid);
	struct child *c;

	if (!t)
		return;
	if (state & UNINTERRUPTIBLE)
		t->lock_switches++;
	if (t->phase == IDLE)
		return;
	t->off_at = now;
	if (t->phase != AFTER)
		return;
	c = child_find(t->child);
	if (c && t->sleep_at && t->woken_at)
		handshake_over(t, c, t->woken_at);
	if (!state || state & UNINTERRUPTIBLE)
		t->preempted_at = now;
	else if (t->sleeps < TRACE_SLEEPS_MAX && in_pipe_read(task))
		t->sleep_at = now;
	else
		window_close(t);
}

static __always_inline void parent_runs(struct thread *t, __u64 now)
{
	struct child *c;

	if (t->phase == IDLE)
		return;
	if (t->off_at)
		t->off_ns += now - t->off_at;
	t->off_at = 0;
	if (t->phase != AFTER)
		return;
	c = child_find(t->child);
	if (!c || (t->sleep_at && !t->woken_at)) {
		window_close(t);
		return;
	}
	if (t->sleep_at)
		handshake_over(t, c, now);
	else if (t->preempted_at &&
		 (c->told.exec_at ? c->told.exec_at : c->told.exit_at) > t->preempted_at)
		c->told.late_at = now;
	t->preempted_at = 0;
}

static __always_inline void switched_in(struct task_struct *task, __u64 now)
{
	__u32 pid = task->pid;
	struct thread *t = thread_find(pid);
	struct child *c = child_find(pid);

	if (t)
		parent_runs(t, now);
	if (c)
		child_runs(c, now);
}

/* @task is woken by the current one.  It can happen once in a sleep, so the last holds. */
static __always_inline void waking(struct task_struct *task)
{
	struct thread *t = thread_find(task->pid);
	struct task_struct *waker;
	struct child *c;

	if (!t || t->phase != AFTER)
		return;
	waker = bpf_get_current_task_btf();
	c = child_find(waker->tgid);
	t->woken_at = c && c->tgid == (__u32)task->tgid &&
				      (!c->told.exec_at || in_execve(waker))
			      ? bpf_ktime_get_ns()
			      : 0;
}

#endif
