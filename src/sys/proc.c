/*
 * What /proc tells about other processes.
 */
#include "sys/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sys/fd.h"
#include "sys/pidfd.h"

/* As the kernel lays it out; libc declares it under another name. */
struct kernel_dirent {
	uint64_t ino;
	int64_t offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

#define PATH_BYTES 64

/* ---- directories --------------------------------------------------------- */

void names_init(struct names *names, int dir_fd)
{
	names->fd = dir_fd;
	names->at = names->end = 0;
}

static bool fill(struct names *names)
{
	long n = syscall(SYS_getdents64, names->fd, names->entries,
			 sizeof(names->entries));

	names->at = 0;
	names->end = n > 0 ? (size_t)n : 0;
	return n > 0;
}

const char *names_next(struct names *names)
{
	const struct kernel_dirent *entry;

	do {
		if (names->at == names->end && !fill(names))
			return NULL;
		entry = (const struct kernel_dirent *)(names->entries + names->at);
		names->at += entry->size;
	} while (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0);
	return entry->name;
}

static pid_t number_of(const char *name)
{
	char *rest;
	long number = strtol(name, &rest, 10);

	return *name >= '0' && *name <= '9' && *rest == '\0' ? (pid_t)number : 0;
}

pid_t names_next_number(struct names *names)
{
	const char *name;

	while ((name = names_next(names))) {
		pid_t number = number_of(name);

		if (number > 0)
			return number;
	}
	return 0;
}

static int open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int open_proc_of(pid_t pid, const char *what, int flags)
{
	char path[PATH_BYTES];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	fd = open(path, flags | O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return fd;
}

/* ---- one process --------------------------------------------------------- */

/* The second field is a name in parentheses that may hold anything. */
bool proc_parse_stat(const char *text, struct proc *ret_proc)
{
	const char *name = strchr(text, '('), *end = strrchr(text, ')');
	struct proc p = { 0 };
	uint64_t user = 0, system = 0;
	size_t size;

	if (!name || !end || end < name)
		return false;
	p.pid = (pid_t)strtol(text, NULL, 10);
	size = (size_t)(end - name) - 1;
	memcpy(p.comm, name + 1, size < sizeof(p.comm) ? size : sizeof(p.comm) - 1);
	/* Between the session and the start, fields 7 to 21; the times are 14 and 15. */
	if (sscanf(end + 1,
		   " %c %d %d %d"
		   " %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
		   " %*d %*d %*d %*d %*d %*d %" SCNu64 " %*u %" SCNu64,
		   &p.state, &p.parent, &p.group, &p.session, &user, &system, &p.start,
		   &p.resident_pages) < 7)
		return false;
	p.cpu_ticks = user + system;
	*ret_proc = p;
	return true;
}

int sys_proc_stat(pid_t pid, struct proc *ret_proc)
{
	int fd = open_proc_of(pid, "stat", 0);
	char text[1024];
	ssize_t n;
	int error;

	if (fd < 0)
		return fd;
	n = read(fd, text, sizeof(text) - 1);
	error = errno;
	sys_close(fd);
	if (n <= 0)
		return n < 0 ? -error : -ESRCH;
	text[n] = '\0';
	return proc_parse_stat(text, ret_proc) ? 0 : -EPROTO;
}

/* ---- families ------------------------------------------------------------ */

/* It is read in pieces, which may cut a number. */
int proc_read_pids(int fd, pid_t *ret_pids, unsigned max)
{
	unsigned n = 0;
	pid_t pid = 0;
	char text[1024];
	ssize_t size;

	while ((size = read(fd, text, sizeof(text))) > 0) {
		for (ssize_t i = 0; i < size; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				pid = pid * 10 + (text[i] - '0');
				continue;
			}
			if (pid && n++ < max)
				ret_pids[n - 1] = pid;
			pid = 0;
		}
	}
	return size < 0 ? -errno : (int)n;
}

static bool is_known(const struct proc *procs, unsigned n, pid_t pid)
{
	for (unsigned i = 0; i < n; i++)
		if (procs[i].pid == pid)
			return true;
	return false;
}

static bool is_family(const struct proc *p, pid_t root, const struct proc *procs,
		      unsigned n)
{
	return p->parent == root || p->group == root || p->session == root ||
	       is_known(procs, n, p->parent);
}

/* Ask each process once.  Returns how many there are then, or -errno. */
static int add_family(int dir, pid_t root, struct proc *procs, unsigned n, unsigned max)
{
	struct names all;
	struct proc p;
	pid_t pid;

	(void)lseek(dir, 0, SEEK_SET);
	names_init(&all, dir);
	while (n < max && (pid = names_next_number(&all))) {
		int ret;

		if (pid == root || is_known(procs, n, pid))
			continue;
		ret = sys_proc_stat(pid, &p);
		if (ret == -EMFILE || ret == -ENFILE || ret == -ENOMEM)
			return ret; /* it cannot be told who else there is */
		if (ret == 0 && p.state != 'Z' && is_family(&p, root, procs, n))
			procs[n++] = p;
	}
	return (int)n;
}

/* All are asked again as long as that finds more: a child may stand before its parent. */
int sys_proc_family(pid_t root, struct proc *procs, unsigned n, unsigned max)
{
	int dir = open_dir("/proc"), found = (int)n, before;

	if (dir < 0)
		return dir;
	do {
		before = found;
		found = add_family(dir, root, procs, (unsigned)before, max);
	} while (found > before && found < (int)max);
	sys_close(dir);
	return found;
}

/*
 * The pidfd is opened first and the process looked at afterwards.  When the signal
 * arrives the process was there all the time, so that what was read was its own.
 */
int sys_proc_signal(const struct proc *proc, int signal)
{
	struct proc now;
	int fd = sys_pidfd_open(proc->pid), ret;

	if (fd < 0)
		return fd;
	ret = sys_proc_stat(proc->pid, &now);
	if (ret == 0 && now.start != proc->start)
		ret = -ESRCH;
	if (ret == 0)
		ret = sys_pidfd_signal(fd, signal, false);
	sys_close(fd);
	return ret;
}

/* "Pid:\t17"; -1 after it was reaped. */
pid_t sys_proc_of_pidfd(int pidfd)
{
	char path[PATH_BYTES], text[512];
	const char *line;
	ssize_t n;
	int fd, pid;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	sys_close(fd);
	text[n > 0 ? n : 0] = '\0';
	line = strstr(text, "\nPid:");
	if (!line || sscanf(line, "\nPid: %d", &pid) != 1)
		return -EPROTO;
	return pid > 0 ? (pid_t)pid : -ESRCH;
}

/* ---- holders ------------------------------------------------------------- */

int sys_proc_link(int fd, char *ret_link, size_t size)
{
	char path[PATH_BYTES];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, ret_link, size - 1);
	if (n < 0)
		return -errno;
	ret_link[n] = '\0';
	return 0;
}

static bool holds(pid_t pid, const char *link)
{
	int dir = open_proc_of(pid, "fd", O_DIRECTORY);
	struct names fds;
	const char *name;
	bool found = false;

	if (dir < 0)
		return false;
	names_init(&fds, dir);
	while (!found && (name = names_next(&fds))) {
		char text[PATH_BYTES];
		ssize_t n = readlinkat(dir, name, text, sizeof(text));

		found = n > 0 && (size_t)n == strlen(link) &&
			memcmp(text, link, (size_t)n) == 0;
	}
	sys_close(dir);
	return found;
}

int sys_proc_holders(const char *link, struct proc_holder *ret_holders, unsigned max)
{
	int dir = open_dir("/proc");
	pid_t pid, self = getpid();
	struct names all;
	unsigned n = 0;

	if (dir < 0)
		return dir;
	names_init(&all, dir);
	while ((pid = names_next_number(&all))) {
		struct proc p = { .pid = pid };

		if (pid == self || !holds(pid, link))
			continue;
		(void)sys_proc_stat(pid, &p); /* without it, it has no name */
		if (n++ < max) {
			ret_holders[n - 1].pid = pid;
			memcpy(ret_holders[n - 1].comm, p.comm, sizeof(p.comm));
		}
	}
	sys_close(dir);
	return (int)n;
}
