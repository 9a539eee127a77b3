/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Where the kernel is looked at.  A back end is a choice of these programs: `tp` has the
 * tracepoints of single system calls, `raw` those of all of them, which cost each system
 * call a little but need no tracefs; the rest is of both.
 */
#include "child.h"
#include "sleep.h"
#include <bpf/usdt.bpf.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* ---- tp ------------------------------------------------------------------ */

#define AT_ENTRY(name, does)                                                             \
	SEC("tracepoint/syscalls/sys_enter_" #name)                                      \
	int tp_enter_##name(struct trace_event_raw_sys_enter *ctx)                       \
	{                                                                                \
		does;                                                                    \
		return 0;                                                                \
	}
#define AT_EXIT(name, does)                                                              \
	SEC("tracepoint/syscalls/sys_exit_" #name)                                       \
	int tp_exit_##name(struct trace_event_raw_sys_exit *ctx)                         \
	{                                                                                \
		does;                                                                    \
		return 0;                                                                \
	}

AT_ENTRY(clone, clone_entered())
AT_ENTRY(clone3, clone_entered())
AT_ENTRY(fork, clone_entered())
AT_ENTRY(vfork, clone_entered())
AT_EXIT(clone, clone_left(ctx->ret))
AT_EXIT(clone3, clone_left(ctx->ret))
AT_EXIT(fork, clone_left(ctx->ret))
AT_EXIT(vfork, clone_left(ctx->ret))
AT_ENTRY(execve, execve_entered())
AT_ENTRY(execveat, execve_entered())
AT_EXIT(execve, execve_left(ctx->ret))
AT_EXIT(execveat, execve_left(ctx->ret))
AT_EXIT(wait4, wait4_left(ctx->ret))
AT_EXIT(waitid, waitid_left(ctx->ret))
AT_ENTRY(pipe, pipe_made())
AT_ENTRY(pipe2, pipe_made())
AT_ENTRY(socketpair, pipe_made())
AT_ENTRY(epoll_create1, loop_made())

/* ---- raw ----------------------------------------------------------------- */

SEC("tp_btf/sys_enter")
int BPF_PROG(raw_enter, struct pt_regs *regs, long number)
{
	switch (number) {
#ifdef __NR_fork
	case __NR_fork:
	case __NR_vfork:
#endif
	case __NR_clone:
	case __NR_clone3:
		clone_entered();
		break;
	case __NR_execve:
	case __NR_execveat:
		execve_entered();
		break;
#ifdef __NR_pipe
	case __NR_pipe:
#endif
	case __NR_pipe2:
	case __NR_socketpair:
		pipe_made();
		break;
	case __NR_epoll_create1:
		loop_made();
		break;
	}
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(raw_exit, struct pt_regs *regs, long ret)
{
	switch (syscall_number(regs)) {
#ifdef __NR_fork
	case __NR_fork:
	case __NR_vfork:
#endif
	case __NR_clone:
	case __NR_clone3:
		clone_left(ret);
		break;
	case __NR_execve:
	case __NR_execveat:
		execve_left(ret);
		break;
	case __NR_wait4:
		wait4_left(ret);
		break;
	case __NR_waitid:
		waitid_left(ret);
		break;
	}
	return 0;
}

/* ---- of both back ends --------------------------------------------------- */

SEC("tp_btf/task_newtask")
int BPF_PROG(on_newtask, struct task_struct *task, unsigned long flags)
{
	task_made(task, flags);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, _Bool preempt, struct task_struct *prev, struct task_struct *next)
{
	__u64 now;

	if (!watched)
		return 0;
	now = bpf_ktime_get_ns();
	switched_out(prev, preempt ? 0 : prev->__state, now);
	switched_in(next, now);
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *task)
{
	if (watched)
		waking(task);
	return 0;
}

SEC("tp_btf/sched_prepare_exec")
int BPF_PROG(on_prepare_exec, struct task_struct *task)
{
	teardown_begins();
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	executed(program);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	exited(task);
	return 0;
}

SEC("tp_btf/sched_process_free")
int BPF_PROG(on_free, struct task_struct *task)
{
	released(task);
	return 0;
}

/* ---- --func: a function of the program's ---------------------------------- */

SEC("uprobe")
int function_entered(struct pt_regs *ctx)
{
	struct thread *t = thread_mine();

	if (!t || t->function_at)
		return 0;
	t->function_at = bpf_ktime_get_ns();
	t->made = 0;
	return 0;
}

SEC("uretprobe")
int function_left(struct pt_regs *ctx)
{
	struct thread *t = thread_mine();
	struct task_struct *task = bpf_get_current_task_btf();
	struct trace_function f = { .event = TRACE_FUNCTION };

	if (!t || !t->function_at)
		return 0;
	f.tgid = own_number(BPF_CORE_READ(task, group_leader));
	f.tid = own_number(task);
	f.pid = t->made;
	f.enter_at = t->function_at;
	f.leave_at = bpf_ktime_get_ns();
	t->function_at = 0;
	tell(&f, sizeof(f));
	return 0;
}

/* ---- uringspawn's own probe ------------------------------------------------ */

SEC("usdt")
int BPF_USDT(job_state, void *id, int pid, int from, int to)
{
	struct job_key key = { bpf_get_current_pid_tgid() >> 32, (__u64)id };
	struct trace_job *job, none = { .event = TRACE_JOB };

	if (!is_target(key.tgid))
		return 0;
	if (to == TRACE_JOB_LAUNCHING)
		bpf_map_update_elem(&jobs, &key, &none, BPF_ANY);
	job = bpf_map_lookup_elem(&jobs, &key);
	if (!job || to < 0 || to >= TRACE_JOB_STATES)
		return 0;
	job->at[to] = bpf_ktime_get_ns();
	job->state = to;
	job->tgid = key.tgid;
	if (to == TRACE_JOB_RUNNING)
		job->pid = pid;
	if (to != TRACE_JOB_RUNNING && to != TRACE_JOB_ENDED)
		return 0;
	tell(job, sizeof(*job));
	if (to == TRACE_JOB_ENDED)
		bpf_map_delete_elem(&jobs, &key);
	return 0;
}

/* ---- before the start ---------------------------------------------------- */

/*
 * Reads all processes that the tracer's own namespace has once: those that are @wanted
 * by their number there become targets by the outermost one, which all else goes by.
 */
SEC("iter/task")
int find_targets(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task, *tracer = bpf_get_current_task_btf();
	__u32 nr, tgid;
	__u8 one = 1;

	if (!task || task->pid != task->tgid)
		return 0;
	own_level = BPF_CORE_READ(tracer, thread_pid, level);
	own_tgid = tracer->tgid;
	nr = own_number(task);
	tgid = task->tgid;
	if (bpf_map_lookup_elem(&wanted, &nr))
		bpf_map_update_elem(&targets, &tgid, &one, BPF_ANY);
	return 0;
}
