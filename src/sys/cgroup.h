/*
 * Control groups, version 2: found, made, read, killed and removed.
 *
 * A group is a directory, and a descriptor of it; what is read and written is small
 * files in it, by names relative to that descriptor, so that a test can put a directory
 * of plain files there.  A controller that is not on has no files: what it would have
 * told is UINT64_MAX.
 *
 * Every call may wait for the kernel's lock of all groups: not for the reactor.
 */
#ifndef SYS_CGROUP_H
#define SYS_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <uringspawn/spawn.h>

#define CGROUP_PATH_BYTES 4096

/* Controllers, as bits. */
enum {
	CGROUP_CPU = 1,
	CGROUP_MEMORY = 2,
	CGROUP_PIDS = 4,
};

/* Where version 2 is mounted for this process, alone or beside version 1. */
struct cgroup_place {
	char mount[CGROUP_PATH_BYTES]; /* the mount point */
	char own[CGROUP_PATH_BYTES];   /* the directory of the group this process is in */
};

/*
 * From /proc/self, or a directory with the files "mountinfo" and "cgroup" of it.
 * Returns 0, -ENOENT: there is none, or this process's group is not below any mount of
 * it; -EROFS: it is mounted read-only; -ENAMETOOLONG.
 */
int sys_cgroup_find(const char *proc_self, struct cgroup_place *ret_place);

/* A group in that of @parent_fd.  Returns 0, -EEXIST, -EACCES, -EROFS, -EAGAIN: there
 * are as many as there may be. */
int sys_cgroup_make(int parent_fd, const char *name);

/* @name: relative to @parent_fd, or absolute with -1.  A descriptor, or -errno. */
int sys_cgroup_open(int parent_fd, const char *name);

/* SIGKILL to all in it and below; takes a single descriptor for a moment.
 * Returns 0; -ENOENT: it is not there, or this is before Linux 5.14; or -errno. */
int sys_cgroup_kill(int parent_fd, const char *name);

/*
 * Remove an empty group and all that is below it.
 * Returns 0, -ENOENT: it was not there; -EBUSY: somebody is in it.
 */
int sys_cgroup_remove(int parent_fd, const char *name);

/* Of the controllers that the group may use, those that can be set for groups in it
 * are on afterwards: the result, as bits. */
unsigned sys_cgroup_enable(int dir_fd);

/* Set what is not zero.  @ret_file: on failure the name of the file at fault.
 * Returns 0, -EOPNOTSUPP: the controller is not on; or -errno. */
int sys_cgroup_limit(int dir_fd, const struct usp_cgroup *limits, const char **ret_file);

struct cgroup_state {
	bool populated; /* somebody is in it or below */
	bool frozen;
	bool nested; /* there are groups below it */
};

/* Returns 0 or -errno. */
int sys_cgroup_state(int dir_fd, struct cgroup_state *ret_state);

/* Let those in it run, whoever froze them. */
int sys_cgroup_thaw(int dir_fd);

/* What all that ever were in it used. */
void sys_cgroup_usage(int dir_fd, struct usp_cgroup_usage *ret_usage);

/*
 * The pids of those that are in it or below, as far as @max of them are concerned.
 * Returns how many there are, or -errno.
 */
int sys_cgroup_members(int dir_fd, pid_t *ret_pids, unsigned max);

/* Is @pid in the group that is @directory below some other, or in one below it?  False
 * when it cannot be told. */
bool sys_cgroup_holds(const char *directory, pid_t pid);

#endif
