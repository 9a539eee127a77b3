/*
 * A set of descriptors that is waited for as a whole: epoll, and the timer that makes
 * such a set readable.  -errno or the result, no policy.
 *
 * The name of this file must not be that of a header of libc.
 */
#ifndef SYS_POLLSET_H
#define SYS_POLLSET_H

#include <stdint.h>
#include <sys/epoll.h>

/* An empty set: a descriptor that polls readable when a member has something new. */
int sys_pollset_open(void);

/* Add @fd, or change what it is watched for; what holds now is reported once more.
 * Returns 0, or -EPERM: nobody ever waits for such a file; -ENOMEM, -ENOSPC. */
int sys_pollset_add(int set, int fd, uint32_t events, uint64_t data);
int sys_pollset_change(int set, int fd, uint32_t events, uint64_t data);
void sys_pollset_remove(int set, int fd);

/*
 * Wait for up to @timeout_ns (UINT64_MAX: for ever; 0: do not wait).  Where the kernel
 * has no such precision, or a sandbox forbids it, for up to 1 ms more than that.
 * Returns how many events there are, or -EINTR.
 */
int sys_pollset_wait(int set, struct epoll_event *ret_events, int max,
		     uint64_t timeout_ns);

/* A timer that is not set, and that polls readable once its time has come. */
int sys_timer_open(void);

/* @deadline_ns: of CLOCK_MONOTONIC, not 0. */
void sys_timer_set(int fd, uint64_t deadline_ns);

#endif
