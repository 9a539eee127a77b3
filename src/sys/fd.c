/*
 * Descriptors of this process: -errno or the result, no policy.
 */
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sys/raw.h"

static struct rlimit nofile_original;
static bool nofile_raised;

/*
 * ThreadSanitizer keeps books on what libc's calls do, by number alone: in a table of
 * its own a number is another file, and the calls are made raw.
 */
static _Thread_local bool in_own_table;

int sys_close(int fd)
{
	if (fd < 0)
		return 0;
	if (in_own_table)
		return (int)RAW(SYS_close, fd);
	return close(fd) < 0 ? -errno : 0;
}

int sys_dup(int fd)
{
	int ret = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return ret < 0 ? -errno : ret;
}

/*
 * By a raw call: ThreadSanitizer would find two threads at one descriptor, since it does
 * not see the ring close it in between.
 */
int sys_pipe(int ret_fds[2])
{
	return (int)RAW(SYS_pipe2, ret_fds, O_CLOEXEC);
}

void sys_pipe_widen(int fd, unsigned bytes)
{
	(void)RAW(SYS_fcntl, fd, F_SETPIPE_SZ, bytes);
}

/* The kernel copies of the table only what lies below the range: nothing. */
int sys_leave_table(void)
{
	int ret = (int)RAW(SYS_close_range, 0, ~0U, CLOSE_RANGE_UNSHARE);

	in_own_table |= ret == 0;
	return ret;
}

bool sys_same_file(int a, int b)
{
	struct stat one, other; /* the kernel's is the same on these architectures */

	return RAW(SYS_fstat, a, &one) == 0 && RAW(SYS_fstat, b, &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

int sys_socketpair(int ret_fds[2])
{
	return (int)RAW(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret_fds);
}

void sys_shutdown(int fd, bool both_ways)
{
	(void)shutdown(fd, both_ways ? SHUT_RDWR : SHUT_WR);
}

void sys_dup_over(int fd, int over)
{
	(void)RAW(SYS_dup3, fd, over, O_CLOEXEC);
}

size_t sys_unread_bytes(int fd)
{
	int bytes = 0;

	return ioctl(fd, FIONREAD, &bytes) < 0 || bytes < 0 ? 0 : (size_t)bytes;
}

bool sys_is_hung_up(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	return poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP);
}

int sys_open_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int sys_event_open(void)
{
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

void sys_event_signal(int fd)
{
	const uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

void sys_event_clear(int fd)
{
	uint64_t count;

	if (fd >= 0)
		(void)!read(fd, &count, sizeof(count));
}

int sys_nofile_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (limit.rlim_cur == limit.rlim_max)
		return 0;
	nofile_original = limit;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	nofile_raised = true;
	return 0;
}

bool sys_nofile_original(struct rlimit *ret_limit)
{
	if (nofile_raised)
		*ret_limit = nofile_original;
	return nofile_raised;
}

size_t sys_nofile_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	return limit.rlim_cur == RLIM_INFINITY ? 1u << 20 : (size_t)limit.rlim_cur;
}
