/*
 * A plan's descriptors: taken from the spec, made for its channels, closed again.
 */
#include "launch/plan.h"

#include <errno.h>
#include <signal.h>
#include "sys/fd.h"
#include "sys/pidfd.h"
#include "sys/pty.h"

/* More than this gains nothing; see BENCHMARKS.md, "Behind a Node server". */
#define WIDE_PIPE_BYTES (256u << 10)

static size_t n_fds(const struct plan *plan)
{
	return plan->spec ? plan->spec->n_fds : 0;
}

void plan_init(struct plan *plan, struct spec *spec, struct plan_end *ends,
	       const struct launch_setup *setup)
{
	plan->spec = spec;
	plan->ends = ends;
	plan->setup = setup;
	plan->path = "";
	plan->given_pidfd = plan->pidfd = plan->pidfd_slot = -1;
	plan->cgroup_fd = -1;
	for (size_t i = 0; i < n_fds(plan); i++) {
		ends[i] = (struct plan_end){ -1, -1, spec->fds[i].fd, -1 };
		spec->fds[i].fd = -1;
	}
}

static int open_pipe(struct plan *plan, size_t i)
{
	bool is_read = plan->spec->fds[i].is_read;
	int ends[2], ret = sys_pipe(ends);

	if (ret < 0)
		return ret;
	if (plan->wide && plan->spec->fds[i].target == STDOUT_FILENO)
		sys_pipe_widen(ends[0], WIDE_PIPE_BYTES);
	plan->ends[i].ours = ends[is_read ? 1 : 0];
	plan->ends[i].theirs = ends[is_read ? 0 : 1];
	return 0;
}

static int open_pair(struct plan *plan, size_t i)
{
	int ends[2], ret = sys_socketpair(ends);

	if (ret < 0)
		return ret;
	plan->ends[i].ours = ends[0];
	plan->ends[i].theirs = ends[1];
	return 0;
}

/* It belongs to who will use it: programs open their terminal anew by its name. */
static int open_terminal(struct plan *plan, size_t i)
{
	const struct usp_options *options = &plan->spec->options;
	int ret = sys_pty_open(&plan->ends[i].ours, &plan->ends[i].theirs);

	if (ret < 0)
		return ret;
	if (options->set & USP_SET_CREDENTIALS)
		sys_pty_chown(plan->ends[i].theirs, options->uid);
	return sys_pty_resize(plan->ends[i].ours, &options->pty);
}

static int take_passed(struct plan *plan, size_t i, int host)
{
	int fd = plan->ends[i].passed;

	if (host < 0)
		plan->ends[i].passed = -1;
	else
		fd = sys_pidfd_fetch(host, fd);
	plan->ends[i].theirs = fd < 0 ? -1 : fd;
	return fd < 0 ? fd : 0;
}

static int open_one(struct plan *plan, size_t i, int host)
{
	if (plan->ends[i].passed >= 0)
		return take_passed(plan, i, host);
	switch (plan->spec->fds[i].kind) {
	case USP_STDIO_PIPE:
	case USP_STDIO_HANDOVER:
		return open_pipe(plan, i);
	case USP_STDIO_DUPLEX:
		return open_pair(plan, i);
	case USP_STDIO_PTY:
		return open_terminal(plan, i);
	default:
		return 0;
	}
}

/* The place that the pidfd will have is taken by something else until then. */
static int reserve_pidfd(struct plan *plan)
{
	int fd = sys_dup(plan->setup->null_fd);

	if (fd < 0)
		return fd;
	plan->given_pidfd = fd;
	return 0;
}

static int reserve_if_asked(struct plan *plan)
{
	bool is_asked = plan->spec->options.flags & USP_FLAG_PIDFD;

	return is_asked && plan->given_pidfd < 0 ? reserve_pidfd(plan) : 0;
}

/* The end of a pipe that is given away is an ordinary descriptor of the program's. */
int plan_prepare(struct plan *plan)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < n_fds(plan); i++) {
		if (plan->spec->fds[i].kind != USP_STDIO_HANDOVER ||
		    plan->ends[i].ours >= 0)
			continue;
		ret = open_pipe(plan, i);
		if (ret < 0)
			return ret;
		plan->ends[i].passed = plan->ends[i].theirs;
		plan->ends[i].theirs = -1;
	}
	plan->prepared = true;
	return reserve_if_asked(plan);
}

int plan_open(struct plan *plan, int host)
{
	for (size_t i = 0; i < n_fds(plan); i++) {
		int ret = open_one(plan, i, host);

		if (ret < 0)
			return ret;
	}
	return plan->prepared ? 0 : reserve_if_asked(plan);
}

void plan_give_pidfd(struct plan *plan)
{
	int pidfd = plan->pidfd;

	if (plan->given_pidfd < 0)
		return;
	if (pidfd >= 0) {
		sys_dup_over(pidfd, plan->given_pidfd);
		return;
	}
	/* It is in its slot.  The child is nobody's to reap before that is waited on. */
	sys_close(plan->given_pidfd);
	pidfd = sys_pidfd_open(plan->pid);
	plan->given_pidfd = pidfd < 0 ? -1 : pidfd;
}

static void close_one(int *fd)
{
	sys_close(*fd);
	*fd = -1;
}

void plan_close_theirs(struct plan *plan)
{
	for (size_t i = 0; i < n_fds(plan); i++)
		close_one(&plan->ends[i].theirs);
	close_one(&plan->cgroup_fd);
}

/* It was there before a launcher had the plan. */
static bool is_passed(const struct plan *plan, size_t i)
{
	enum usp_stdio_kind kind = plan->spec->fds[i].kind;

	return kind == USP_STDIO_FD || (kind == USP_STDIO_HANDOVER && plan->prepared);
}

void plan_undo(struct plan *plan, int host)
{
	for (size_t i = 0; i < n_fds(plan); i++) {
		if (!is_passed(plan, i)) {
			close_one(&plan->ends[i].ours);
		} else if (host < 0 && plan->ends[i].theirs >= 0) {
			plan->ends[i].passed = plan->ends[i].theirs;
			plan->ends[i].theirs = -1;
		}
	}
	plan_close_theirs(plan);
	close_one(&plan->pidfd);
	if (!plan->prepared)
		close_one(&plan->given_pidfd);
}

void plan_close_passed(struct plan *plan)
{
	for (size_t i = 0; i < n_fds(plan); i++)
		close_one(&plan->ends[i].passed);
}

void plan_close(struct plan *plan)
{
	plan_close_theirs(plan);
	plan_close_passed(plan);
	for (size_t i = 0; i < n_fds(plan); i++)
		close_one(&plan->ends[i].ours);
	close_one(&plan->given_pidfd);
	close_one(&plan->pidfd);
}

/*
 * By its pid, since the launcher's pidfd may be a number of another table.  The launcher
 * clears @child before it reaps: where it still stands after the pidfd was opened, the
 * pid was that child's when it was.
 */
int plan_kill(struct plan *plan)
{
	pid_t pid = atomic_load(&plan->child);
	int ret = -ESRCH, pidfd;

	if (!pid)
		return -ESRCH;
	pidfd = sys_pidfd_open(pid);
	if (pidfd < 0)
		return pidfd;
	if (atomic_load(&plan->child) == pid)
		ret = sys_pidfd_signal(pidfd, SIGKILL, false);
	sys_close(pidfd);
	return ret;
}

void plan_reset(struct plan *plan)
{
	plan->stage = USP_STAGE_NONE;
	plan->error = plan->signal = 0;
	plan->path = "";
	plan->stuck = false;
}

const char *plan_limit_name(int error)
{
	return error == -EMFILE ? "RLIMIT_NOFILE" : error == -ENFILE ? "fs.file-max" : "";
}

void plan_fail(struct plan *plan, int error)
{
	plan->stage = USP_STAGE_FDS;
	plan->error = -error;
	plan->path = plan_limit_name(error);
}

bool plan_started(const struct plan *plan)
{
	return plan->stage == USP_STAGE_EXEC && plan->error == 0 && plan->signal == 0;
}
