/*
 * What this kernel, and the sandbox around this process, allow: found out by
 * trying, never by a version number.
 *
 * Says nothing about what any of it is good for; that is for who asks.
 */
#ifndef SYS_PROBE_H
#define SYS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

enum probe_id {
	/* io_uring */
	PROBE_RING, /* a ring with the flags of the engine */
	PROBE_FIXED_FILES,
	PROBE_BUFFER_RING,
	PROBE_POLL_ADD,
	PROBE_ACCEPT,
	PROBE_SENDMSG,
	PROBE_RECVMSG,
	PROBE_MSG_RING,
	PROBE_READ_MULTISHOT,
	PROBE_WAITID,
	PROBE_FUTEX_WAIT,
	PROBE_FUTEX_WAKE,
	PROBE_FIXED_FD_INSTALL,
	PROBE_SEND_MSG_RING, /* a message to a ring from a thread without one */
	/* processes */
	PROBE_CLONE3,
	PROBE_CLOSE_RANGE,
	PROBE_PIDFD_OPEN,
	PROBE_PIDFD_GROUP, /* a signal to a process group by pidfd */
	PROBE_PIDFD_INFO,
	PROBE_CGROUP_WRITABLE,
	PROBE_COUNT,
};

struct probe {
	bool there[PROBE_COUNT];
	int ring_error; /* why there is no ring: 0 or -errno */
	unsigned cpus;
	char release[65], machine[65]; /* as uname() */
	/* Limits of this process; UINT64_MAX: none, or not told. */
	uint64_t nofile, nofile_hard, nproc, memlock_bytes;
	/* Of the whole kernel; -1: there is no such setting. */
	int io_uring_disabled;
	int64_t pipe_user_pages_soft;
};

void probe_run(struct probe *ret_probe);

#endif
