/*
 * What /proc tells about other processes: who descends from whom, who holds a pipe.
 *
 * All of it takes as long as there are processes, so it belongs to the janitor, and all
 * of it is a picture of a moment: a pid may be somebody else's by the time it is read.
 * Whoever acts on one opens a pidfd and looks again (sys_proc_signal()).
 * Nothing here allocates.
 */
#ifndef SYS_PROC_H
#define SYS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Names of a directory, one by one, as the kernel hands them out. */
struct names {
	int fd; /* of the directory; the caller's */
	size_t at, end;
	_Alignas(uint64_t) char entries[4096];
};

void names_init(struct names *names, int dir_fd);

/* The next one but "." and ".."; NULL after the last, or when it cannot be read. */
const char *names_next(struct names *names);

/* The next one that is a number, or 0. */
pid_t names_next_number(struct names *names);

#define PROC_COMM_BYTES 16

/* One process.  A pid and a start together name it for ever. */
struct proc {
	pid_t pid, parent, group, session;
	uint64_t start;	    /* clock ticks since boot */
	uint64_t cpu_ticks; /* used, without its children */
	uint64_t resident_pages;
	char state;		    /* 'R', 'S', 'D', 'Z', ... */
	char comm[PROC_COMM_BYTES]; /* its name, with a NUL; any bytes */
};

/* Pure: from the text of /proc/PID/stat.  False: it is none. */
bool proc_parse_stat(const char *text, struct proc *ret_proc);

/* Returns 0, -ESRCH, or what keeps /proc from being read. */
int sys_proc_stat(pid_t pid, struct proc *ret_proc);

/*
 * The numbers in a file that holds nothing else, from where it is read.
 * Returns how many there are, of which at most @max are in @ret_pids; or -errno.
 */
int proc_read_pids(int fd, pid_t *ret_pids, unsigned max);

/*
 * Add to the first @n of @procs all that are alive and descend from @root, or from one
 * of those, or are in the process group or the session that has the number of @root.
 * @root itself is not among them.
 *
 * Of those that started sessions of their own, the ones whose parent is gone descend
 * from somebody else: they are not found.
 * Returns how many there are then, at most @max: as many as that may mean that there are
 * more; or -errno when /proc cannot be read.
 */
int sys_proc_family(pid_t root, struct proc *procs, unsigned n, unsigned max);

/*
 * Send @signal to the process that @proc was read from, by a pidfd that is checked to be
 * its: the process of that number must have started when @proc did.
 * Returns 0; -ESRCH: it is gone; -EPERM; -EMFILE, -ENFILE, -ENOMEM.
 */
int sys_proc_signal(const struct proc *proc, int signal);

/*
 * The number of the process of @pidfd: it is nobody else's as long as it is not reaped.
 * Returns -ESRCH: it was reaped; or what keeps /proc from being read.
 */
pid_t sys_proc_of_pidfd(int pidfd);

/* Somebody who has a file open. */
struct proc_holder {
	pid_t pid;
	char comm[PROC_COMM_BYTES];
};

/*
 * The text by which /proc/PID/fd shows the open file of @fd, as "pipe:[4711]": the same
 * for both ends of a pipe.  Returns 0 or -errno.
 */
int sys_proc_link(int fd, char *ret_link, size_t size);

/*
 * The processes, this one left out, that have a descriptor of @link.  No file is touched
 * to find out, so that none on a dead file system is waited for.
 * Returns how many there are, of which at most @max are in @ret_holders, or -errno when
 * /proc cannot be read.  Those of other users are not seen without privilege.
 */
int sys_proc_holders(const char *link, struct proc_holder *ret_holders, unsigned max);

#endif
