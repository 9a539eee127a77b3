/*
 * Who the child is, and what it may use.  Dialect: child.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include "sys/own.h"
#include "launch/child_parts.h"

/* What a process has that nobody changed it for. */
#define UMASK_USUAL 022

/* ---- session, group, terminal --------------------------------------------- */

/* All signals are blocked here: SIGTTOU, which would stop who does this from the
 * background, as well. */
static void take_foreground(struct plan *plan)
{
	static const char terminal[] = "/dev/tty";
	long fd = RAW(SYS_openat, AT_FDCWD, terminal, O_RDWR | O_NOCTTY | O_CLOEXEC);
	int group = (int)RAW(SYS_getpid, 0);
	long ret = fd < 0 ? fd : RAW(SYS_ioctl, fd, TIOCSPGRP, &group);

	if (ret < 0)
		child_fail(plan, ret, terminal);
	RAW(SYS_close, fd);
}

static void take_terminal(struct plan *plan)
{
	const struct spec *spec = plan->spec;

	for (size_t i = 0; i < spec->n_fds; i++) {
		const struct spec_fd *fd = &spec->fds[i];
		long ret;

		if (fd->kind != USP_STDIO_PTY)
			continue;
		ret = RAW(SYS_ioctl, fd->target, TIOCSCTTY, 0);
		if (ret < 0)
			child_fail(plan, ret, "controlling terminal");
	}
}

/* In another session, or gone: then it has one of its own. */
static long join(pid_t pgid)
{
	long ret = pgid > 0 ? RAW(SYS_setpgid, 0, pgid) : -1;

	return ret < 0 ? RAW(SYS_setpgid, 0, 0) : ret;
}

void child_join_group(struct plan *plan)
{
	const enum usp_group group = plan->spec->options.group;
	long ret = 0;

	if (group == USP_GROUP_SESSION)
		ret = RAW(SYS_setsid, 0);
	else if (group == USP_GROUP_JOIN)
		ret = join(plan->spec->options.pgid);
	else if (group != USP_GROUP_SAME)
		ret = RAW(SYS_setpgid, 0, 0);
	if (ret < 0)
		child_fail(plan, ret, "process group");
	if (group == USP_GROUP_FOREGROUND)
		take_foreground(plan);
	else if (group == USP_GROUP_SESSION)
		take_terminal(plan);
}

/* ---- limits ---------------------------------------------------------------- */

static const char *const limit_names[USP_RLIMITS_MAX] = {
	[RLIMIT_CPU] = "RLIMIT_CPU",	       [RLIMIT_FSIZE] = "RLIMIT_FSIZE",
	[RLIMIT_DATA] = "RLIMIT_DATA",	       [RLIMIT_STACK] = "RLIMIT_STACK",
	[RLIMIT_CORE] = "RLIMIT_CORE",	       [RLIMIT_RSS] = "RLIMIT_RSS",
	[RLIMIT_NPROC] = "RLIMIT_NPROC",       [RLIMIT_NOFILE] = "RLIMIT_NOFILE",
	[RLIMIT_MEMLOCK] = "RLIMIT_MEMLOCK",   [RLIMIT_AS] = "RLIMIT_AS",
	[RLIMIT_LOCKS] = "RLIMIT_LOCKS",       [RLIMIT_SIGPENDING] = "RLIMIT_SIGPENDING",
	[RLIMIT_MSGQUEUE] = "RLIMIT_MSGQUEUE", [RLIMIT_NICE] = "RLIMIT_NICE",
	[RLIMIT_RTPRIO] = "RLIMIT_RTPRIO",     [RLIMIT_RTTIME] = "RLIMIT_RTTIME",
};

static void set_limit(struct plan *plan, int resource, uint64_t soft, uint64_t hard)
{
	const uint64_t limit[2] = { soft, hard };
	long ret = RAW(SYS_prlimit64, 0, resource, limit, 0);

	if (ret < 0)
		child_fail(plan, ret, limit_names[resource]);
}

static void set_limits(struct plan *plan)
{
	const struct usp_options *options = &plan->spec->options;
	const struct launch_setup *setup = plan->setup;

	if (setup->reset_nofile)
		set_limit(plan, RLIMIT_NOFILE, setup->nofile.rlim_cur,
			  setup->nofile.rlim_max);
	for (size_t i = 0; i < options->n_rlimits; i++)
		set_limit(plan, options->rlimits[i].resource, options->rlimits[i].soft,
			  options->rlimits[i].hard);
}

/* What is asked for must be; what is only put back to the usual may fail. */
static void set_nice(struct plan *plan)
{
	const struct usp_options *options = &plan->spec->options;
	bool asked = options->set & USP_SET_NICE;
	long ret;

	if (!asked && !plan->setup->reset_nice)
		return;
	ret = RAW(SYS_setpriority, PRIO_PROCESS, 0, asked ? options->nice : 0);
	if (ret < 0 && asked)
		child_fail(plan, ret, "nice");
}

/* @value in decimal; returns its length, at most 5. */
static unsigned format(int value, char *text)
{
	unsigned magnitude = (unsigned)(value < 0 ? -value : value), n = 0, scale = 1;

	if (value < 0)
		text[n++] = '-';
	while (magnitude / scale >= 10)
		scale *= 10;
	for (; scale; scale /= 10)
		text[n++] = (char)('0' + magnitude / scale % 10);
	return n;
}

static long write_oom_score_adj(int value)
{
	char text[8];
	unsigned size = format(value, text);
	long fd = RAW(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj",
		      O_WRONLY | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return fd;
	ret = RAW(SYS_write, fd, text, size);
	RAW(SYS_close, fd);
	return ret;
}

static void set_oom_score_adj(struct plan *plan)
{
	const struct usp_options *options = &plan->spec->options;
	bool asked = options->set & USP_SET_OOM_SCORE_ADJ;
	long ret;

	if (!asked && !plan->setup->reset_oom_score_adj)
		return;
	ret = write_oom_score_adj(asked ? options->oom_score_adj : 0);
	if (ret < 0 && asked)
		child_fail(plan, ret, "oom_score_adj");
}

static void set_affinity(struct plan *plan)
{
	const uint64_t *cpus = plan->spec->options.cpus;
	uint64_t any = 0;
	long ret;

	for (int i = 0; i < USP_CPU_WORDS; i++)
		any |= cpus[i];
	if (!any)
		return;
	ret = RAW(SYS_sched_setaffinity, 0, USP_CPU_WORDS * sizeof(*cpus), cpus);
	if (ret < 0)
		child_fail(plan, ret, "cpus");
}

void child_set_limits(struct plan *plan)
{
	set_limits(plan);
	set_nice(plan);
	set_oom_score_adj(plan);
	set_affinity(plan);
	if (plan->setup->reset_timer_slack)
		RAW(SYS_prctl, PR_SET_TIMERSLACK, SYS_TIMER_SLACK_USUAL_NS);
}

/* ---- credentials ------------------------------------------------------------ */

/*
 * By raw calls, which are for this process alone: libc's would be carried out in
 * all threads of the launcher's process.  The groups first, while it still may.
 */
static void become(struct plan *plan)
{
	const struct usp_options *options = &plan->spec->options;
	const uid_t uid = options->uid;
	const gid_t gid = options->gid;
	long ret;

	ret = RAW(SYS_setgroups, options->n_groups, options->groups);
	if (ret < 0)
		child_fail(plan, ret, "groups");
	ret = RAW(SYS_setresgid, gid, gid, gid);
	if (ret < 0)
		child_fail(plan, ret, "gid");
	ret = RAW(SYS_setresuid, uid, uid, uid);
	if (ret < 0)
		child_fail(plan, ret, "uid");
}

static void drop_new_privs(struct plan *plan)
{
	long ret = RAW(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1);

	if (ret < 0)
		child_fail(plan, ret, "no_new_privs");
}

/*
 * To the thread that made it, as the kernel does it: a launcher with such children stays
 * as long as its engine.  Its program may have ended a moment ago: then no signal comes.
 */
static void bind_to_parent(struct plan *plan)
{
	long ret = RAW(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);

	if (ret == 0 && RAW(SYS_getppid, 0) != plan->setup->self)
		ret = -ESRCH;
	if (ret < 0)
		child_fail(plan, ret, "bound");
}

/* A change of user takes back what was bound before it. */
void child_set_credentials(struct plan *plan)
{
	const struct usp_options *options = &plan->spec->options;

	if (options->set & USP_SET_CREDENTIALS)
		become(plan);
	if (options->flags & USP_FLAG_NO_NEW_PRIVS)
		drop_new_privs(plan);
	if (options->flags & USP_FLAG_BOUND)
		bind_to_parent(plan);
}

void child_set_umask(struct plan *plan)
{
	const struct usp_options *options = &plan->spec->options;

	if (options->set & USP_SET_UMASK)
		RAW(SYS_umask, options->umask);
	else if (plan->setup->reset_umask)
		RAW(SYS_umask, UMASK_USUAL);
}
