/*
 * The cgroups of an engine's jobs: directories of a home that is its own, below the
 * cgroup that this process is in.
 *
 * The home is called uringspawn-PID-START, by this process's number and start, so that
 * one whose owner is gone can be told: what a process that crashed left behind is killed
 * and removed by the next one.  It is made when the first job needs it.
 *
 * Thread: a launcher's or the janitor's, of any descriptor table: nothing is kept open.
 * Only cgroups_open() and cgroups_close() are the reactor's.
 */
#ifndef LAUNCH_CGROUPS_H
#define LAUNCH_CGROUPS_H

#include <stdbool.h>
#include <uringspawn/spawn.h>
#include "sys/cgroup.h"

struct cgroups;

/* The directory of one job.  A zeroed one is not there yet. */
struct cgroup_dir {
	unsigned number;		/* its name; 0: not made */
	bool limited;			/* limits were set */
	bool killed;			/* cgroups_kill() was used on it */
	struct usp_cgroup_usage before; /* what jobs used that had it before */
};

int cgroups_open(struct cgroups **ret_cgroups); /* 0 or -ENOMEM */

/* Remove the home.  All directories in it were removed.  NULL is fine. */
void cgroups_close(struct cgroups *c);

/*
 * Make the home if there is none.
 * Returns 0, -ENOENT: no cgroup v2; -EROFS, -EACCES, -EPERM: none that may be written
 * to; or -errno of what may pass, as -EMFILE.
 */
int cgroups_ready(struct cgroups *c);

/*
 * May a directory serve one job after another?  Not where peaks are kept, which cannot
 * be set back; and not when all in it were killed: Linux 6.18 then kills whoever is
 * cloned into it from elsewhere, at once.
 */
bool cgroups_recycle(const struct cgroups *c, const struct cgroup_dir *dir);

/*
 * Make @dir, unless it is there, and set @limits.
 * @ret_what: on failure, the file or the name that it is about.
 * Returns 0, or -errno; -EOPNOTSUPP: there is no controller for a limit.
 */
int cgroups_make(struct cgroups *c, struct cgroup_dir *dir,
		 const struct usp_cgroup *limits, const char **ret_what);

/* A descriptor of an existing cgroup, by its path below the mount point, or -errno. */
int cgroups_open_path(const char *path);

/* A descriptor of @dir, or -errno. */
int cgroups_open_dir(struct cgroups *c, const struct cgroup_dir *dir);

/* SIGKILL to all in @dir.  As sys_cgroup_kill(). */
int cgroups_kill(struct cgroups *c, struct cgroup_dir *dir);

/* Remove @dir, which is not there afterwards.  Returns 0, or -EBUSY: somebody is in it. */
int cgroups_remove(struct cgroups *c, struct cgroup_dir *dir);

/* Is @pid in @dir? */
bool cgroups_hold(struct cgroups *c, const struct cgroup_dir *dir, pid_t pid);

/*
 * Look for homes whose owners are gone, kill who is in them and remove them.
 * Returns how many are still there, because some are not dead yet; ask again then.
 * @ret_cleared grows by those that were removed.
 */
unsigned cgroups_sweep(unsigned *ret_cleared);

/* The home's directory, for tests and messages; "" before it is made. */
const char *cgroups_home(const struct cgroups *c);

#endif
