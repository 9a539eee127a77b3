/*
 * Processes by descriptor: signals and status.
 */
#include "sys/pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sys/raw.h"
#include "sys/uring_abi.h"

/* include/linux/sched.h: forked but did not exec. */
#define PF_FORKNOEXEC 0x40

/* Raw, as all that makes descriptors that the ring or another table's thread closes. */
int sys_pidfd_open(pid_t pid)
{
	return (int)RAW(SYS_pidfd_open, pid, 0);
}

int sys_pidfd_fetch(int pidfd, int fd)
{
	return (int)RAW(SYS_pidfd_getfd, pidfd, fd, 0);
}

int sys_pidfd_signal(int pidfd, int signal, bool group)
{
	unsigned flags = group ? PIDFD_SIGNAL_GROUP : 0;

	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, flags) < 0 ? -errno
									      : 0;
}

int sys_pidfd_reap(int pidfd, siginfo_t *ret_info)
{
	int ret;

	do
		ret = waitid(P_PIDFD, (id_t)pidfd, ret_info, WEXITED);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

/* The system call has an argument more than libc's function. */
int sys_reap_now(idtype_t kind, id_t id, siginfo_t *ret_info, struct rusage *ret_usage)
{
	siginfo_t info = { 0 };

	if (syscall(SYS_waitid, kind, id, &info, WEXITED | WNOHANG, ret_usage) < 0)
		return -errno;
	if (info.si_pid == 0)
		return -EAGAIN;
	*ret_info = info;
	return 0;
}

int sys_kill_group(pid_t group, int signal)
{
	return kill(-group, signal) < 0 ? -errno : 0;
}

int sys_kill_child(pid_t pid)
{
	siginfo_t info;
	int ret;

	if (kill(pid, SIGKILL) < 0)
		return -errno;
	do
		ret = waitid(P_PID, (id_t)pid, &info, WEXITED);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

/*
 * Field 9 of /proc/PID/stat is the task's flags, also for a zombie; the second
 * field is a name in parentheses that may hold anything.
 */
bool sys_has_execed(pid_t pid)
{
	char path[32], stat[512];
	unsigned long flags;
	const char *field;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = (int)RAW(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	n = RAW(SYS_read, fd, stat, sizeof(stat) - 1);
	RAW(SYS_close, fd);
	if (n <= 0)
		return true;
	stat[n] = '\0';
	field = strrchr(stat, ')');
	if (!field || sscanf(field + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags) != 1)
		return true;
	return !(flags & PF_FORKNOEXEC);
}
