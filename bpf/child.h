/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What becomes of a new process: its tries to execute, its end, and who waits for it.
 */
#ifndef BPF_CHILD_H
#define BPF_CHILD_H

#include "window.h"

enum { WAIT_NO_HANG = 1, WAIT_NO_REAP = 0x01000000 };

static __always_inline struct child *child_mine(__u32 *ret_pid)
{
	*ret_pid = bpf_get_current_pid_tgid() >> 32;
	return child_find(*ret_pid);
}

static __always_inline void execve_entered(void)
{
	__u32 pid;
	struct child *c = child_mine(&pid);

	if (!c || c->told.exec_at)
		return;
	child_runs(c, 0);
	c->told.try_at = bpf_ktime_get_ns();
	c->told.tries++;
}

/* What it could not execute.  The memory of the name has been read by now: before, it may
 * not be there yet, and cannot be waited for here. */
static __always_inline void execve_left(long ret)
{
	struct pt_regs *regs;
	struct child *c;
	__u32 pid;

	if (ret >= 0)
		return;
	c = child_mine(&pid);
	if (!c || c->told.exec_at)
		return;
	regs = registers_of(bpf_get_current_task_btf());
	bpf_probe_read_user_str(c->told.file, sizeof(c->told.file),
				(void *)(syscall_number(regs) == __NR_execve
						 ? syscall_arg1(regs)
						 : syscall_arg2(regs)));
}

static __always_inline void teardown_begins(void)
{
	__u32 pid;
	struct child *c = child_mine(&pid);

	if (c && !c->told.exec_at)
		c->told.teardown_at = bpf_ktime_get_ns();
}

/* The new program's arguments have just been put where they are read here. */
static __always_inline void tell_command(struct linux_binprm *program)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 start = BPF_CORE_READ(task, mm, arg_start);
	__u64 size = BPF_CORE_READ(task, mm, arg_end) - start;
	__u32 zero = 0;
	struct trace_command *c = bpf_map_lookup_elem(&command_made, &zero);

	if (!c)
		return;
	c->event = TRACE_COMMAND;
	c->size = size > TRACE_ARGS_MAX ? TRACE_ARGS_MAX + 1 : (__u32)size;
	bpf_probe_read_kernel_str(c->file, sizeof(c->file),
				  BPF_CORE_READ(program, filename));
	if (size > TRACE_ARGS_MAX)
		size = TRACE_ARGS_MAX;
	if (bpf_probe_read_user(c->args, size, (void *)start) == 0)
		tell(c, sizeof(*c));
}

/* A launcher between (as Java's) executes once more while its parent still waits. */
static __always_inline void executed(struct linux_binprm *program)
{
	__u32 pid;
	struct child *c = child_mine(&pid);

	if (!c || (c->told.exec_at && c->told.flags & TRACE_WINDOW_CLOSED))
		return;
	c->told.exec_at = bpf_ktime_get_ns();
	c->told.execs++;
	bpf_get_current_comm(c->told.comm, sizeof(c->told.comm));
	bpf_probe_read_kernel_str(c->told.file, sizeof(c->told.file),
				  BPF_CORE_READ(program, filename));
	if (commands)
		tell_command(program);
}

/* A thread ends; the process with the last of them. */
static __always_inline void exited(struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	__u32 tid = task->pid, pid = task->tgid;
	struct thread *t = thread_find(tid);
	struct child *c;

	if (t) {
		if (t->phase == AFTER)
			window_close(t);
		else if (t->phase != IDLE)
			watch_less();
		bpf_map_delete_elem(&threads, &tid);
	}
	if (signal->live.counter)
		return;
	if (!every_process)
		bpf_map_delete_elem(&targets, &pid);
	c = child_find(pid);
	if (!c)
		return;
	child_runs(c, 0);
	c->told.exit_at = bpf_ktime_get_ns();
	c->told.exit_code = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code
							      : task->exit_code;
}

/* Nobody has to have waited for it in a way that is seen here. */
static __always_inline void child_over(__u32 pid, struct child *c)
{
	struct thread *parent = thread_find(c->tid);

	if (parent && parent->phase == AFTER && parent->child == pid)
		window_close(parent);
	else if (!parent)
		c->told.flags |= TRACE_WINDOW_CLOSED;
	side_over(pid, c, TRACE_CHILD_GONE);
}

static __always_inline void released(struct task_struct *task)
{
	__u32 pid = task->pid;
	struct child *c = child_find(pid);

	if (c && c->told.exit_at)
		child_over(pid, c);
}

/* A wait of the current thread returned @pid, in its own namespace. */
static __always_inline void reaped(__u32 pid, _Bool blocking)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct inner_pid inner = { .tgid = task->tgid, .pid = pid };
	struct child *c;

	if (BPF_CORE_READ(task, thread_pid, level)) {
		__u32 *outer = bpf_map_lookup_elem(&inner_pids, &inner);

		if (!outer)
			return;
		pid = *outer;
	}
	c = child_find(pid);
	/* It may have been stopped only, and another's with this number is not it. */
	if (!c || !c->told.exit_at || c->tgid != (__u32)task->tgid)
		return;
	c->told.reap_at = bpf_ktime_get_ns();
	if (blocking && c->tid == (__u32)task->pid)
		c->told.flags |= TRACE_SYNC_WAIT;
	child_over(pid, c);
}

static __always_inline void wait4_left(long ret)
{
	struct pt_regs *regs;

	if (ret <= 0)
		return;
	regs = registers_of(bpf_get_current_task_btf());
	reaped((__u32)ret, !(syscall_arg3(regs) & WAIT_NO_HANG));
}

static __always_inline void waitid_left(long ret)
{
	struct pt_regs *regs = registers_of(bpf_get_current_task_btf());
	__u64 options = syscall_arg4(regs);
	const char *info = (const char *)syscall_arg3(regs);
	__u32 pid = 0;

	if (ret || !info || options & WAIT_NO_REAP)
		return;
	/* si_pid, after three numbers and what aligns the rest */
	bpf_probe_read_user(&pid, sizeof(pid), info + 16);
	if (pid)
		reaped(pid, !(options & WAIT_NO_HANG));
}

#endif
