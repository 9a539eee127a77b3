/*
 * Processes by descriptor: signals and status, never by a pid that may have
 * been given to somebody else.
 */
#ifndef SYS_PIDFD_H
#define SYS_PIDFD_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <signal.h>

/*
 * A close-on-exec descriptor for the file that is @fd in the table of the first thread
 * of @pidfd's process.  Returns it, or -EPERM, -ENOSYS: refused here; -EBADF; -EMFILE.
 */
int sys_pidfd_fetch(int pidfd, int fd);

/*
 * Send @signal to the process of @pidfd, or to its process group.  The group of
 * a leader that was reaped can be reached too, since Linux 6.9; before that
 * -EINVAL is the answer for a group.  Returns 0, -ESRCH, -EPERM, -EINVAL.
 */
int sys_pidfd_signal(int pidfd, int signal, bool group);

/*
 * A close-on-exec pidfd of the process that has this number at the moment.
 * Returns -ESRCH: nobody has; -EMFILE, -ENFILE, -ENOMEM.
 */
int sys_pidfd_open(pid_t pid);

/* Wait for the process, which must be a child, and reap it. */
int sys_pidfd_reap(int pidfd, siginfo_t *ret_info);

/*
 * The same without waiting, for a child named by P_PIDFD, or by P_PID when it is known
 * not to have been reaped.  @ret_usage: NULL, or gives what it and those that it waited
 * for used.
 * Returns 0; -ECHILD; -EAGAIN: it is not gone, or who traces it has not let it go.
 */
int sys_reap_now(idtype_t kind, id_t id, siginfo_t *ret_info, struct rusage *ret_usage);

/* As kill(): only for a child that is known not to have been reaped. */
int sys_kill_group(pid_t group, int signal);

/* SIGKILL a child by its pid, known not to have been reaped, and reap it. */
int sys_kill_child(pid_t pid);

/*
 * Has the child, dead or alive but not reaped, executed a program?
 * Answers true when /proc does not tell.
 */
bool sys_has_execed(pid_t pid);

#endif
