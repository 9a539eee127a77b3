#include "sys/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "base/annotate.h"
#include "sys/cgroup.h"
#include "sys/cpu.h"
#include "sys/fd.h"
#include "sys/map.h"
#include "sys/uring_abi.h"

#define PIDFD_INFO_BYTES 64
#define PIDFD_INFO_IOCTL _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, PIDFD_INFO_BYTES)

static const struct {
	enum probe_id id;
	int opcode;
} opcodes[] = {
	{ PROBE_POLL_ADD, IORING_OP_POLL_ADD },
	{ PROBE_ACCEPT, IORING_OP_ACCEPT },
	{ PROBE_SENDMSG, IORING_OP_SENDMSG },
	{ PROBE_RECVMSG, IORING_OP_RECVMSG },
	{ PROBE_MSG_RING, IORING_OP_MSG_RING },
	{ PROBE_READ_MULTISHOT, URING_OP_READ_MULTISHOT },
	{ PROBE_WAITID, URING_OP_WAITID },
	{ PROBE_FUTEX_WAIT, URING_OP_FUTEX_WAIT },
	{ PROBE_FUTEX_WAKE, URING_OP_FUTEX_WAKE },
	{ PROBE_FIXED_FD_INSTALL, URING_OP_FIXED_FD_INSTALL },
};

/* ---- io_uring ------------------------------------------------------------ */

static void probe_opcodes(struct io_uring *ring, struct probe *p)
{
	struct io_uring_probe *known = io_uring_get_probe_ring(ring);

	if (!known)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++)
		p->there[opcodes[i].id] =
			io_uring_opcode_supported(known, opcodes[i].opcode);
	io_uring_free_probe(known);
}

static bool try_buffer_ring(struct io_uring *ring)
{
	enum { ENTRIES = 8, BYTES = ENTRIES * sizeof(struct io_uring_buf) };
	struct io_uring_buf_reg reg = { .ring_entries = ENTRIES, .bgid = 1 };
	void *pages = sys_map(BYTES);
	bool there;

	if (!pages)
		return false;
	reg.ring_addr = (uintptr_t)pages;
	there = io_uring_register_buf_ring(ring, &reg, 0) == 0;
	if (there)
		(void)io_uring_unregister_buf_ring(ring, 1);
	sys_unmap(pages, BYTES);
	return there;
}

static bool try_send_msg_ring(struct io_uring *ring)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_MSG_RING, .fd = ring->ring_fd };

	return syscall(SYS_io_uring_register, -1, URING_REGISTER_SEND_MSG_RING, &sqe,
		       1) == 0;
}

static void probe_ring(struct probe *p)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
		.cq_entries = 64,
	};
	struct io_uring ring;

	p->ring_error = io_uring_queue_init_params(8, &ring, &params);
	p->there[PROBE_RING] = p->ring_error == 0;
	if (p->ring_error)
		return;
	probe_opcodes(&ring, p);
	p->there[PROBE_FIXED_FILES] = io_uring_register_files_sparse(&ring, 8) == 0;
	p->there[PROBE_BUFFER_RING] = try_buffer_ring(&ring);
	p->there[PROBE_SEND_MSG_RING] = try_send_msg_ring(&ring);
	io_uring_queue_exit(&ring);
}

/* ---- processes ----------------------------------------------------------- */

/* A size that no kernel takes: one that knows the call says EINVAL, a sandbox
 * that forbids it says ENOSYS or EPERM. */
static bool try_clone3(void)
{
	struct clone_args args = { 0 };

	return syscall(SYS_clone3, &args, (size_t)1) < 0 && errno == EINVAL;
}

/* A range that holds no descriptor. */
static bool try_close_range(void)
{
	return syscall(SYS_close_range, ~0U - 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

static void probe_pidfd(struct probe *p)
{
	uint64_t info[PIDFD_INFO_BYTES / sizeof(uint64_t)] = { 0 };
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	long ret;

	p->there[PROBE_PIDFD_OPEN] = fd >= 0;
	if (fd < 0)
		return;
	/* Signal 0 reaches nobody.  We may not lead a group: ESRCH. */
	ret = syscall(SYS_pidfd_send_signal, fd, 0, NULL, PIDFD_SIGNAL_GROUP);
	p->there[PROBE_PIDFD_GROUP] = ret == 0 || errno == ESRCH || errno == EPERM;
	if (ret < 0 && errno == EPERM)
		p->there[PROBE_PIDFD_GROUP] =
			syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0;
	p->there[PROBE_PIDFD_INFO] = ioctl(fd, PIDFD_INFO_IOCTL, info) == 0;
	sys_close(fd);
}

/* ---- files --------------------------------------------------------------- */

/* The first line of a small file, without its end.  False when there is none. */
static bool read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, line, size - 1);
	sys_close(fd);
	if (n <= 0)
		return false;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return true;
}

static int64_t read_number(const char *path)
{
	char line[32], *rest;
	int64_t number;

	if (!read_line(path, line, sizeof(line)))
		return -1;
	number = strtoll(line, &rest, 10);
	return rest == line ? -1 : number;
}

/* To make a group in its own, and to put children there. */
static bool try_cgroup(void)
{
	char path[CGROUP_PATH_BYTES + sizeof("/cgroup.procs")];
	struct cgroup_place place;

	if (sys_cgroup_find("/proc/self", &place) < 0 || access(place.own, W_OK) < 0)
		return false;
	snprintf(path, sizeof(path), "%s/cgroup.procs", place.own);
	return access(path, W_OK) == 0;
}

static uint64_t soft_limit(int resource, uint64_t *ret_hard)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit))
		limit = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	if (ret_hard)
		*ret_hard = limit.rlim_max == RLIM_INFINITY ? UINT64_MAX : limit.rlim_max;
	return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

void probe_run(struct probe *ret_probe)
{
	struct probe p = { .cpus = sys_cpus() };
	struct utsname name;

	if (uname(&name) == 0) {
		snprintf(p.release, sizeof(p.release), "%s", name.release);
		snprintf(p.machine, sizeof(p.machine), "%s", name.machine);
	}
	probe_ring(&p);
	p.there[PROBE_CLONE3] = try_clone3();
	p.there[PROBE_CLOSE_RANGE] = try_close_range();
	probe_pidfd(&p);
	p.there[PROBE_CGROUP_WRITABLE] = try_cgroup();

	p.nofile = soft_limit(RLIMIT_NOFILE, &p.nofile_hard);
	p.nproc = soft_limit(RLIMIT_NPROC, NULL);
	p.memlock_bytes = soft_limit(RLIMIT_MEMLOCK, NULL);
	p.io_uring_disabled = (int)read_number("/proc/sys/kernel/io_uring_disabled");
	p.pipe_user_pages_soft = read_number("/proc/sys/fs/pipe-user-pages-soft");
	*ret_probe = p;
}
