/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The system call that a task is in, and its arguments: from the registers that it came
 * into the kernel with.
 */
#ifndef BPF_REGISTERS_H
#define BPF_REGISTERS_H

#include "kernel.h"
#include <asm/unistd.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#if defined(__TARGET_ARCH_x86)
#define syscall_number(regs) ((long)BPF_CORE_READ(regs, orig_ax))
#define syscall_arg1(regs)   BPF_CORE_READ(regs, di)
#define syscall_arg2(regs)   BPF_CORE_READ(regs, si)
#define syscall_arg3(regs)   BPF_CORE_READ(regs, dx)
#define syscall_arg4(regs)   BPF_CORE_READ(regs, r10)
#elif defined(__TARGET_ARCH_arm64)
#define syscall_number(regs) ((long)BPF_CORE_READ(regs, syscallno))
#define syscall_arg1(regs)   BPF_CORE_READ(regs, regs[0])
#define syscall_arg2(regs)   BPF_CORE_READ(regs, regs[1])
#define syscall_arg3(regs)   BPF_CORE_READ(regs, regs[2])
#define syscall_arg4(regs)   BPF_CORE_READ(regs, regs[3])
#endif

static __always_inline struct pt_regs *registers_of(struct task_struct *task)
{
	return (struct pt_regs *)bpf_task_pt_regs(task);
}

static __always_inline _Bool in_execve(struct task_struct *task)
{
	long number = syscall_number(registers_of(task));

	return number == __NR_execve || number == __NR_execveat;
}

/* Whether @task is reading from a pipe or a socket. */
static __always_inline _Bool in_pipe_read(struct task_struct *task)
{
	struct pt_regs *regs = registers_of(task);
	long number = syscall_number(regs);
	struct file **table, *file = 0;
	__u32 fd, mode;

	if (number != __NR_read && number != __NR_readv && number != __NR_recvfrom &&
	    number != __NR_recvmsg)
		return 0;
	fd = (__u32)syscall_arg1(regs);
	if (fd >= BPF_CORE_READ(task, files, fdt, max_fds))
		return 0;
	table = BPF_CORE_READ(task, files, fdt, fd);
	bpf_probe_read_kernel(&file, sizeof(file), table + fd);
	mode = BPF_CORE_READ(file, f_inode, i_mode) & FMODE_MASK;
	return mode == FMODE_FIFO || mode == FMODE_SOCKET;
}

#endif
