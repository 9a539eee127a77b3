/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the programs in the kernel tell uringspawn-trace: one record for each spawn, when
 * its process is gone.  Every *_at is of CLOCK_MONOTONIC, 0 when it has not happened.
 */
#ifndef BPF_EVENT_H
#define BPF_EVENT_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum {
	TRACE_COMM_MAX = 16,
	TRACE_FILE_MAX = 96,
	TRACE_ARGS_MAX = 512,
	TRACE_SLEEPS_MAX = 4, /* of one handshake */
};

/* TRACE_FUNCTION: --func's returned.  TRACE_COMMAND: something was executed, where that is
 * asked for.  TRACE_JOB: one of uringspawn's own. */
enum trace_event_kind {
	TRACE_SPAWN = 1,
	TRACE_FUNCTION,
	TRACE_COMMAND,
	TRACE_JOB,
};

/* How a process was made. */
enum trace_spawn_kind {
	TRACE_FORK,   /* its memory was copied */
	TRACE_VFORK,  /* its parent waited until it executed or ended */
	TRACE_SHARED, /* memory shared, nobody waited */
};

enum trace_spawn_flags {
	TRACE_WINDOW_CLOSED = 1, /* internal: its parent went on */
	TRACE_CHILD_GONE = 2,	 /* internal: it was reaped, or released */
	TRACE_SYNC_WAIT = 4,   /* the thread that made it waited for its end, blocking */
	TRACE_NESTED_LOOP = 8, /* the thread made an epoll set just for it */
	TRACE_WOKEN_BEFORE = 16, /* a handshake ended before any exec */
};

struct trace_spawn {
	__u32 event; /* TRACE_SPAWN */
	__u32 kind;
	__u32 flags;
	__s32 clone_error; /* 0, or the errno of a clone that failed: then no process was */

	/* As the tracer's process namespace numbers them. */
	__u32 tgid, tid; /* the thread that made it */
	__u32 pid;

	__u32 tries;	 /* execve() that were entered */
	__u32 execs;	 /* those that went well */
	__u32 sleeps;	 /* of the handshake */
	__u32 exit_code; /* as wait() has it */
	__u32 pad;
	__u64 rss_pages; /* of the process that was forked */

	__u64 pre_at;	 /* the first pipe or socket pair that was made for it */
	__u64 clone_at;	 /* the call was entered */
	__u64 made_at;	 /* the process is there: page tables are copied */
	__u64 return_at; /* the call returned in its parent */
	__u64 end_at;	 /* the last handshake's end, or return_at */
	__u64 late_at; /* the parent ran again after it was preempted until all was over */
	__u64 handshake_ns;
	__u64 off_cpu_ns; /* of clone_at to end_at */

	__u64 run_at;	   /* the process ran first */
	__u64 try_at;	   /* its last execve() was entered */
	__u64 teardown_at; /* its old memory was about to be let go (Linux 6.10) */
	__u64 exec_at;
	__u64 exit_at;
	__u64 reap_at; /* somebody's wait returned it */

	char caller[TRACE_COMM_MAX]; /* the thread's name */
	char comm[TRACE_COMM_MAX];   /* the process's after its exec, else empty */
	char file[TRACE_FILE_MAX];   /* what the last execve() named */
};

struct trace_function {
	__u32 event; /* TRACE_FUNCTION */
	__u32 tgid, tid;
	__u32 pid; /* that was made in it, else 0 */
	__u64 enter_at, leave_at;
};

/* The states of a job of uringspawn's, as its probe process_state tells them. */
enum trace_job_state {
	TRACE_JOB_QUEUED,
	TRACE_JOB_LAUNCHING,
	TRACE_JOB_RUNNING,
	TRACE_JOB_DRAINING,
	TRACE_JOB_ENDED,
	TRACE_JOB_STATES,
};

/* Told when it runs, and when it has ended. */
struct trace_job {
	__u32 event; /* TRACE_JOB */
	__u32 tgid;
	__u32 pid; /* as its launcher numbers it */
	__u32 state;
	__u64 at[TRACE_JOB_STATES]; /* when it came to each */
};

struct trace_command {
	__u32 event; /* TRACE_COMMAND */
	__u32 size; /* of its arguments, each with its NUL; more than there is room: cut */
	char file[TRACE_FILE_MAX];
	char args[TRACE_ARGS_MAX];
};

#endif
