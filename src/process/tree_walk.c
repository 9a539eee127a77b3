/*
 * One walk through a tree.  Dialect: launcher; it is the janitor who runs it.
 */
#include "process/tree.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include "base/alloc.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

#define KILL_BIT (UINT64_C(1) << (SIGKILL - 1))

/* Processes of one tree that a walk gets hold of; the next gets the next. */
#define KNOWN_MAX 1024u

/* How often it is looked for processes that were made while others were stopped. */
#define ROUNDS_MAX 16

/* A signal to somebody who is gone has done what it could. */
static bool may_pass(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

/* ---- in a cgroup --------------------------------------------------------- */

/* The pidfd is opened first: if it is in the cgroup then, it is who was meant. */
static int signal_member(const struct tree_walk *w, pid_t pid, int signal)
{
	int fd = sys_pidfd_open(pid), ret = -ESRCH;

	if (fd < 0)
		return fd;
	if (cgroups_hold(w->cgroups, w->dir, pid))
		ret = sys_pidfd_signal(fd, signal, false);
	sys_close(fd);
	return ret;
}

static int signal_members(const struct tree_walk *w, int dir_fd, int signal) JANITOR_ONLY
{
	pid_t pids[KNOWN_MAX];
	int n = sys_cgroup_members(dir_fd, pids, KNOWN_MAX), ret;

	if (n < 0)
		return n;
	for (int i = 0; i < n && i < (int)KNOWN_MAX; i++) {
		ret = signal_member(w, pids[i], signal);
		if (may_pass(ret))
			return ret;
	}
	return 0;
}

static unsigned count_left(const struct tree_walk *w, int dir_fd)
{
	int n = w->state.populated ? sys_cgroup_members(dir_fd, NULL, 0) : 0;

	return n > 0 ? (unsigned)n : w->state.populated;
}

/* All at once, if it is to be so, and with a single descriptor. */
static int walk_cgroup(struct tree_walk *w) JANITOR_ONLY
{
	uint64_t signals = w->signals;
	int ret = 0, fd;

	if ((signals & KILL_BIT) && cgroups_kill(w->cgroups, w->dir) == 0)
		signals = 0;
	w->left = 0;
	fd = cgroups_open_dir(w->cgroups, w->dir);
	if (fd < 0)
		return may_pass(fd) ? fd : 0; /* somebody removed it: it was empty */
	/* SIGKILL is among them before Linux 5.14; who escapes it is met again. */
	for (int signal = 1; ret == 0 && signal < NSIG; signal++)
		if (signals & (UINT64_C(1) << (signal - 1)))
			ret = signal_members(w, fd, signal);
	if (ret == 0)
		ret = sys_cgroup_state(fd, &w->state);
	if (ret == 0) {
		w->left = count_left(w, fd);
		sys_cgroup_usage(fd, &w->usage);
	}
	sys_close(fd);
	return may_pass(ret) ? ret : 0;
}

/* ---- by /proc ------------------------------------------------------------ */

/* Those that are gone make room, and their numbers are no longer its. */
static int forget_gone(struct tree_walk *w)
{
	unsigned n = 0;
	int ret = 0;

	for (unsigned i = 0; i < w->n_known; i++) {
		struct proc now = w->known[i];
		int seen = sys_proc_stat(now.pid, &now);

		if (may_pass(seen))
			ret = seen; /* whether it is there will be seen the next time */
		else if (seen < 0 || now.start != w->known[i].start || now.state == 'Z')
			continue;
		w->known[n++] = now;
	}
	w->n_known = n;
	return ret;
}

/*
 * The number that descendants, group and session are known by, as long as it is surely
 * the process's: until it is reaped, and then as long as somebody is in its group.
 * -1 is nobody's.
 */
static pid_t root_of(const struct tree_walk *w)
{
	if (sys_proc_of_pidfd(w->pidfd) == w->pid ||
	    sys_pidfd_signal(w->pidfd, 0, true) == 0)
		return w->pid;
	return -1;
}

/* Without /proc nobody is found. */
static int find_more(struct tree_walk *w)
{
	int n = sys_proc_family(root_of(w), w->known, w->n_known, KNOWN_MAX);

	if (n >= 0)
		w->n_known = (unsigned)n;
	return may_pass(n) ? n : 0;
}

/* To those of the known from @first on. */
static int send_from(const struct tree_walk *w, unsigned first, int signal)
{
	for (unsigned i = first; i < w->n_known; i++) {
		int ret = sys_proc_signal(&w->known[i], signal);

		if (may_pass(ret))
			return ret;
	}
	return 0;
}

/*
 * A process that is stopped makes no child, and its number stays its own: so all are
 * stopped, until no other one is found, and only then killed.
 */
static int kill_family(struct tree_walk *w) JANITOR_ONLY
{
	unsigned stopped = 0;
	int ret = 0;

	(void)sys_pidfd_signal(w->pidfd, SIGSTOP, false);
	for (int i = 0; ret == 0 && i < ROUNDS_MAX; i++) {
		ret = find_more(w);
		if (ret < 0 || w->n_known == stopped)
			break;
		ret = send_from(w, stopped, SIGSTOP);
		stopped = w->n_known;
	}
	(void)sys_pidfd_signal(w->pidfd, SIGKILL, true);
	(void)sys_pidfd_signal(w->pidfd, SIGKILL, false);
	return ret < 0 ? ret : send_from(w, 0, SIGKILL);
}

static int send_to_family(struct tree_walk *w) JANITOR_ONLY
{
	int ret = find_more(w);

	for (int signal = 1; ret == 0 && signal < NSIG; signal++) {
		if (signal == SIGKILL || !(w->signals & (UINT64_C(1) << (signal - 1))))
			continue;
		(void)sys_pidfd_signal(w->pidfd, signal, false);
		ret = send_from(w, 0, signal);
	}
	if (ret == 0 && (w->signals & KILL_BIT))
		ret = kill_family(w);
	return ret;
}

static int walk_proc(struct tree_walk *w) JANITOR_ONLY
{
	int ret;

	if (!w->known)
		w->known = mem_alloc(KNOWN_MAX * sizeof(*w->known));
	if (!w->known)
		return -ENOMEM;
	ret = forget_gone(w);
	if (ret == 0)
		ret = send_to_family(w);
	if (ret == 0)
		ret = forget_gone(w);
	w->left = w->n_known;
	return ret;
}

int tree_walk(struct tree_walk *w)
{
	return w->dir ? walk_cgroup(w) : walk_proc(w);
}
