/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The kernel's structures as far as they are read here.  Where a member really lies is
 * found when the programs are loaded (CO-RE), so neither order nor size matters, and no
 * BTF is needed where this is built.
 */
#ifndef BPF_KERNEL_H
#define BPF_KERNEL_H

#include <linux/bpf.h>

typedef _Bool bool;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long long counter;
} atomic64_t;

struct inode {
	unsigned short i_mode;
};

struct file {
	struct inode *f_inode;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct signal_struct {
	atomic_t live; /* threads that have not ended */
	int group_exit_code;
	unsigned int flags;
};

struct pid_namespace;

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid
		numbers[1]; /* one for each namespace that sees it, the outermost first */
};

struct percpu_counter {
	long long count;
};

/* The counters of a memory's pages before Linux 6.2.  No type of its own: one that the
 * kernel has not is looked for in its modules, for which there may be no permission. */
struct mm_struct___before_6_2 {
	struct {
		atomic64_t count[4];
	} rss_stat;
};

struct mm_struct {
	unsigned long arg_start, arg_end;
	struct percpu_counter rss_stat[4];
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di, si, dx, r10, ax, orig_ax, ip;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	unsigned long long regs[31];
	int syscallno;
};

struct user_pt_regs {
	unsigned long long regs[31], sp, pc;
};
#endif

struct task_struct {
	int pid, tgid;
	unsigned int __state;
	int exit_code;
	unsigned long nvcsw; /* how often it gave its processor up by itself */
	struct task_struct *group_leader;
	struct signal_struct *signal;
	struct files_struct *files;
	struct pid *thread_pid;
	struct mm_struct *mm;
	char comm[16];
};

struct linux_binprm {
	const char *filename;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct trace_entry {
	int pid;
};

struct trace_event_raw_sys_enter {
	struct trace_entry ent;
	long id;
	unsigned long args[6];
};

struct trace_event_raw_sys_exit {
	struct trace_entry ent;
	long id;
	long ret;
};

#pragma clang attribute pop

/* Values that no header of user space has. */
enum {
	SIGNAL_GROUP_EXIT = 0x4,
	FMODE_MASK = 0170000,
	FMODE_FIFO = 0010000,
	FMODE_SOCKET = 0140000,
};

#endif
