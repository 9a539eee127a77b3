/*
 * A plan's descriptors: taken from the spec, made for its channels, closed again.
 */
#include "launch/plan.h"

#include "sys/fd.h"
#include "sys/pty.h"

static size_t n_fds(const struct plan *plan)
{
	return plan->spec ? plan->spec->n_fds : 0;
}

void plan_init(struct plan *plan, struct spec *spec, const struct launch_setup *setup)
{
	plan->spec = spec;
	plan->setup = setup;
	plan->path = "";
	plan->given_pidfd = -1;
	plan->cgroup_fd = -1;
	atomic_init(&plan->pidfd, -1);
	for (size_t i = 0; i < n_fds(plan); i++) {
		plan->ours[i] = -1;
		plan->theirs[i] = spec->fds[i].fd;
		spec->fds[i].fd = -1;
	}
}

static int open_pipe(struct plan *plan, size_t i)
{
	bool is_read = plan->spec->fds[i].is_read;
	int ends[2], ret = sys_pipe(ends);

	if (ret < 0)
		return ret;
	plan->ours[i] = ends[is_read ? 1 : 0];
	plan->theirs[i] = ends[is_read ? 0 : 1];
	return 0;
}

static int open_pair(struct plan *plan, size_t i)
{
	int ends[2], ret = sys_socketpair(ends);

	if (ret < 0)
		return ret;
	plan->ours[i] = ends[0];
	plan->theirs[i] = ends[1];
	return 0;
}

/* It belongs to who will use it: programs open their terminal anew by its name. */
static int open_terminal(struct plan *plan, size_t i)
{
	const struct usp_options *options = &plan->spec->options;
	int ret = sys_pty_open(&plan->ours[i], &plan->theirs[i]);

	if (ret < 0)
		return ret;
	if (options->set & USP_SET_CREDENTIALS)
		sys_pty_chown(plan->theirs[i], options->uid);
	return sys_pty_resize(plan->ours[i], &options->pty);
}

static int open_one(struct plan *plan, size_t i)
{
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

int plan_open(struct plan *plan)
{
	for (size_t i = 0; i < n_fds(plan); i++) {
		int ret = open_one(plan, i);

		if (ret < 0)
			return ret;
	}
	return plan->spec->options.flags & USP_FLAG_PIDFD ? reserve_pidfd(plan) : 0;
}

void plan_give_pidfd(struct plan *plan)
{
	if (plan->given_pidfd >= 0)
		sys_dup_over(plan->pidfd, plan->given_pidfd);
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sys_close(fds[i]);
		fds[i] = -1;
	}
}

void plan_close_theirs(struct plan *plan)
{
	close_all(plan->theirs, n_fds(plan));
	sys_close(plan->cgroup_fd);
	plan->cgroup_fd = -1;
}

void plan_close(struct plan *plan)
{
	close_all(plan->theirs, n_fds(plan));
	close_all(plan->ours, n_fds(plan));
	close_all(&plan->given_pidfd, 1);
	sys_close(atomic_exchange(&plan->pidfd, -1));
}

bool plan_started(const struct plan *plan)
{
	return plan->stage == USP_STAGE_EXEC && plan->error == 0 && plan->signal == 0;
}
