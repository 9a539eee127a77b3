/*
 * The cgroup that a plan's process starts in.  Dialect: launcher.
 */
#include <errno.h>
#include "launch/plan.h"

/* Without one it would not be what was asked for. */
static bool needs_cgroup(const struct usp_options *options)
{
	const struct usp_cgroup *limits = &options->cgroup;

	return (options->flags & USP_FLAG_CGROUP) || limits->memory_max_bytes ||
	       limits->pids_max || limits->cpu_milli;
}

/* There is none to be had by anybody, in contrast to: not now. */
static bool is_none_here(int error)
{
	return error == -ENOENT || error == -EROFS || error == -EACCES || error == -EPERM;
}

/* Of a clone into a cgroup: what it says of the cgroup alone. */
bool plan_cgroup_refused(const struct plan *plan, int error)
{
	return plan->cgroup_fd >= 0 && (error == -EACCES || error == -EBUSY ||
					error == -ENODEV || error == -EOPNOTSUPP);
}

/* Somebody removed a directory that was there: then it is made again. */
static int open_own_cgroup(struct plan *plan)
{
	struct cgroups *cgroups = plan->setup->cgroups;
	int ret, tries = 2;

	do {
		ret = cgroups_make(cgroups, plan->cgroup, &plan->spec->options.cgroup,
				   &plan->path);
		if (ret < 0)
			return ret;
		plan->cgroup_fd = cgroups_open_dir(cgroups, plan->cgroup);
		if (plan->cgroup_fd == -ENOENT)
			plan->cgroup->number = 0;
	} while (plan->cgroup_fd == -ENOENT && --tries > 0);
	return plan->cgroup_fd < 0 ? plan->cgroup_fd : 0;
}

int plan_open_cgroup(struct plan *plan)
{
	const struct usp_options *options = &plan->spec->options;
	int ret;

	if (options->cgroup.path) {
		plan->path = options->cgroup.path;
		plan->cgroup_fd = cgroups_open_path(options->cgroup.path);
		return plan->cgroup_fd < 0 ? plan->cgroup_fd : 0;
	}
	if (!plan->cgroup)
		return 0;
	ret = cgroups_ready(plan->setup->cgroups);
	if (is_none_here(ret) && !needs_cgroup(options))
		return 0;
	plan->path = "cgroup";
	if (plan->cgroups_full)
		return -EAGAIN;
	return ret < 0 ? ret : open_own_cgroup(plan);
}
