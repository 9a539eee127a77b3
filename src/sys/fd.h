/*
 * Descriptors of this process: -errno or the result, no policy.
 */
#ifndef SYS_FD_H
#define SYS_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

int sys_close(int fd); /* -1 is fine; never retried */

/* A close-on-exec duplicate at 3 or above. */
int sys_dup(int fd);

/* A pipe, both ends blocking and close-on-exec: [0] is read from, [1] written to. */
int sys_pipe(int ret_fds[2]);

/* Let a pipe hold @bytes before who writes to it waits; a user who has many stays with
 * what it holds. */
void sys_pipe_widen(int fd, unsigned bytes);

/*
 * From here on this thread has a table of descriptors of its own, which is empty.  The
 * other threads keep theirs.  Returns 0; on failure, -ENOSYS, -EPERM, -ENOMEM, nothing
 * has changed.
 */
int sys_leave_table(void);

/* Are these one file?  (Or two with one inode: for pipes that is the same.) */
bool sys_same_file(int a, int b);

/* Two connected sockets of streams, blocking and close-on-exec. */
int sys_socketpair(int ret_fds[2]);

/* Send no more through a socket; @both_ways: nor receive. */
void sys_shutdown(int fd, bool both_ways);

/* Let @over, which is open, be the file of @fd, and close-on-exec.  Does not fail. */
void sys_dup_over(int fd, int over);

/* How much there is to be read from a pipe, a socket or a terminal at the moment. */
size_t sys_unread_bytes(int fd);

/* Has everybody closed the other end?  What is there can still be read. */
bool sys_is_hung_up(int fd);

/* Open for reading and writing, close-on-exec. */
int sys_open_null(void);

/*
 * A descriptor that is readable when something was signalled to it, as it is from
 * the start.  Clearing -1 is fine.
 */
int sys_event_open(void);
void sys_event_signal(int fd);
void sys_event_clear(int fd);

/*
 * Raise this process's own soft limit of descriptors to the hard one.  The limit
 * it had before is remembered, for children: a program that uses select() may
 * break above 1024.
 */
int sys_nofile_raise(void);

/* The limit to restore in children; false when it was never raised. */
bool sys_nofile_original(struct rlimit *ret_limit);

/* The soft limit in force. */
size_t sys_nofile_limit(void);

#endif
