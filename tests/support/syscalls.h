/*
 * System calls of one thread, counted by the kernel: exactly, and without the
 * thread being any slower for it.
 */
#ifndef SUPPORT_SYSCALLS_H
#define SUPPORT_SYSCALLS_H

#include <stdint.h>
#include <sys/types.h>

struct syscall_counts {
	uint64_t n_counts;    /* the three that follow */
	uint64_t all;	      /* io_uring_enter included */
	uint64_t enters;      /* io_uring_enter */
	uint64_t async_works; /* operations that io_uring gave to a thread of its own */
};

/*
 * Count from now on for thread @tid; 0 is the caller's.  @return a descriptor to
 * close, or -errno where the kernel or the sandbox does not allow it.
 */
int syscalls_open(pid_t tid);

/* The counts until now.  Where the caller counts itself, this call is one more. */
struct syscall_counts syscalls_read(int fd);

/* What came between two counts. */
struct syscall_counts syscalls_between(const struct syscall_counts *before,
				       const struct syscall_counts *after);

#endif
