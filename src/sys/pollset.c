/*
 * epoll, and a timer to put into it: -errno or the result, no policy.
 */
#include "sys/pollset.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"

/* Since Linux 5.11; older headers do not have it. */
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

int sys_pollset_open(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int control(int set, int operation, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	return epoll_ctl(set, operation, fd, &event) < 0 ? -errno : 0;
}

int sys_pollset_add(int set, int fd, uint32_t events, uint64_t data)
{
	return control(set, EPOLL_CTL_ADD, fd, events, data);
}

int sys_pollset_change(int set, int fd, uint32_t events, uint64_t data)
{
	return control(set, EPOLL_CTL_MOD, fd, events, data);
}

void sys_pollset_remove(int set, int fd)
{
	(void)control(set, EPOLL_CTL_DEL, fd, 0, 0);
}

static int wait_ms(int set, struct epoll_event *ret_events, int max, uint64_t timeout_ns)
{
	uint64_t ms = timeout_ns / NS_PER_MS + (timeout_ns % NS_PER_MS > 0);
	int n;

	if (timeout_ns == UINT64_MAX)
		n = epoll_wait(set, ret_events, max, -1);
	else
		n = epoll_wait(set, ret_events, max, ms < INT_MAX ? (int)ms : INT_MAX);
	return n < 0 ? -errno : n;
}

int sys_pollset_wait(int set, struct epoll_event *ret_events, int max,
		     uint64_t timeout_ns)
{
	const struct timespec timeout = {
		.tv_sec = (time_t)(timeout_ns / NS_PER_S),
		.tv_nsec = (long)(timeout_ns % NS_PER_S),
	};
	long n;

	/* Whole milliseconds, none and for ever are what the older call can say. */
	if (timeout_ns == UINT64_MAX || timeout_ns == 0)
		return wait_ms(set, ret_events, max, timeout_ns);
	n = syscall(SYS_epoll_pwait2, set, ret_events, max, &timeout, NULL, 0);
	if (n < 0 && (errno == ENOSYS || errno == EPERM))
		return wait_ms(set, ret_events, max, timeout_ns);
	return n < 0 ? -errno : (int)n;
}

int sys_timer_open(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

void sys_timer_set(int fd, uint64_t deadline_ns)
{
	const struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(deadline_ns / NS_PER_S),
			      .tv_nsec = (long)(deadline_ns % NS_PER_S) },
	};

	(void)timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL);
}
