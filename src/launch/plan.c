/*
 * A plan's descriptors: taken from the spec, made for its pipes, closed again.
 */
#include "launch/plan.h"

#include "sys/fd.h"

void plan_init(struct plan *plan, struct spec *spec, const struct launch_setup *setup)
{
	plan->spec = spec;
	plan->setup = setup;
	plan->path = "";
	atomic_init(&plan->pidfd, -1);
	for (int i = 0; i < 3; i++) {
		plan->ours[i] = plan->theirs[i] = -1;
		if (!spec || spec->options.stdio[i].kind != USP_STDIO_FD)
			continue;
		plan->theirs[i] = spec->options.stdio[i].fd;
		spec->options.stdio[i].fd = -1;
	}
}

int plan_open(struct plan *plan)
{
	for (int i = 0; i < 3; i++) {
		int ends[2], ret;

		if (plan->spec->options.stdio[i].kind != USP_STDIO_PIPE)
			continue;
		ret = sys_pipe(ends);
		if (ret < 0)
			return ret;
		plan->ours[i] = ends[i == 0 ? 1 : 0];
		plan->theirs[i] = ends[i == 0 ? 0 : 1];
	}
	return 0;
}

static void close_all(int *fds)
{
	for (int i = 0; i < 3; i++) {
		sys_close(fds[i]);
		fds[i] = -1;
	}
}

void plan_close_theirs(struct plan *plan)
{
	close_all(plan->theirs);
}

void plan_close(struct plan *plan)
{
	close_all(plan->theirs);
	close_all(plan->ours);
	sys_close(atomic_exchange(&plan->pidfd, -1));
}

bool plan_started(const struct plan *plan)
{
	return plan->stage == USP_STAGE_EXEC && plan->error == 0 && plan->signal == 0;
}
