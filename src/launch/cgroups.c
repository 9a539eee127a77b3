/*
 * The cgroups of an engine's jobs.  Dialect: launcher.
 */
#include "launch/cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "sys/fd.h"
#include "sys/proc.h"

#define HOME_PREFIX "uringspawn-"

/* A path of the home, and of a directory in it, whose name is a number. */
#define HOME_BYTES (CGROUP_PATH_BYTES + 128)
#define PATH_BYTES (HOME_BYTES + 16)

/* The inode of the first PID namespace (include/linux/proc_ns.h). */
#define FIRST_PID_NAMESPACE 0xEFFFFFFC

struct cgroups {
	pthread_mutex_t lock;  /* held while the home is made */
	_Atomic bool ready;    /* the rest is there, and stays as it is */
	int error;	       /* why there will be none */
	unsigned controllers;  /* on in the home */
	_Atomic unsigned last; /* number given to a directory */
	char home_name[64];
	char home[HOME_BYTES];
};

/* Engines of this process, each of which has a home of its own. */
static _Atomic unsigned engines;

int cgroups_open(struct cgroups **ret_cgroups)
{
	struct cgroups *c = mem_zalloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	*ret_cgroups = c;
	return 0;
}

void cgroups_close(struct cgroups *c)
{
	if (!c)
		return;
	if (c->ready)
		(void)sys_cgroup_remove(AT_FDCWD, c->home);
	pthread_mutex_destroy(&c->lock);
	mem_free(c);
}

/* ---- the home ------------------------------------------------------------ */

/*
 * Numbers of processes are those of a PID namespace: what is in another one than the
 * first says which, so that nobody takes the home of a stranger for one left behind.
 */
static void namespace_suffix(char *ret_suffix, size_t size)
{
	struct stat st;

	*ret_suffix = '\0';
	if (stat("/proc/self/ns/pid", &st) == 0 && st.st_ino != FIRST_PID_NAMESPACE)
		snprintf(ret_suffix, size, ".%ju", (uintmax_t)st.st_ino);
}

static int name_home(struct cgroups *c)
{
	char suffix[24], number[16] = "";
	struct proc self;
	int ret = sys_proc_stat(getpid(), &self);
	unsigned n = atomic_fetch_add(&engines, 1);

	if (ret < 0)
		return ret;
	namespace_suffix(suffix, sizeof(suffix));
	if (n > 0)
		snprintf(number, sizeof(number), "-%u", n);
	snprintf(c->home_name, sizeof(c->home_name), HOME_PREFIX "%d-%" PRIu64 "%s%s",
		 (int)self.pid, self.start, suffix, number);
	return 0;
}

/*
 * Whoever may make a directory may still not be allowed to put processes there: that
 * takes the right to write to cgroup.procs of what both places have in common.
 */
static int may_enter(const char *own)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s/cgroup.procs", own);
	return access(path, W_OK) < 0 ? -errno : 0;
}

static int make_home(struct cgroups *c)
{
	struct cgroup_place place;
	int ret = sys_cgroup_find("/proc/self", &place), fd;

	if (ret == 0)
		ret = may_enter(place.own);
	if (ret == 0)
		ret = name_home(c);
	if (ret < 0)
		return ret;
	snprintf(c->home, sizeof(c->home), "%s/%s", place.own, c->home_name);
	ret = sys_cgroup_make(AT_FDCWD, c->home);
	if (ret < 0)
		return ret;
	fd = sys_cgroup_open(AT_FDCWD, c->home);
	if (fd < 0) {
		(void)sys_cgroup_remove(AT_FDCWD, c->home);
		return fd;
	}
	c->controllers = sys_cgroup_enable(fd);
	sys_close(fd);
	return 0;
}

/* Worth to be tried again when the next job comes. */
static bool may_pass(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM ||
	       error == -EAGAIN || error == -EINTR;
}

int cgroups_ready(struct cgroups *c)
{
	int ret;

	if (c->ready)
		return 0;
	pthread_mutex_lock(&c->lock);
	ret = c->error;
	if (!c->ready && ret == 0) {
		ret = make_home(c);
		c->ready = ret == 0;
		c->error = may_pass(ret) ? 0 : ret;
	}
	pthread_mutex_unlock(&c->lock);
	return ret;
}

const char *cgroups_home(const struct cgroups *c)
{
	return c->ready ? c->home : "";
}

/* ---- directories --------------------------------------------------------- */

static void path_of(const struct cgroups *c, const struct cgroup_dir *dir, char *ret_path)
{
	snprintf(ret_path, PATH_BYTES, "%s/%u", c->home, dir->number);
}

bool cgroups_recycle(const struct cgroups *c, const struct cgroup_dir *dir)
{
	return !dir->limited && !dir->killed &&
	       !(c->controllers & (CGROUP_MEMORY | CGROUP_PIDS));
}

static int make_dir(struct cgroups *c, struct cgroup_dir *dir)
{
	struct cgroup_dir made = { .number = atomic_fetch_add(&c->last, 1) + 1 };
	char path[PATH_BYTES];
	int ret;

	path_of(c, &made, path);
	ret = sys_cgroup_make(AT_FDCWD, path);
	if (ret == 0)
		*dir = made;
	return ret;
}

static int limit_dir(struct cgroups *c, struct cgroup_dir *dir,
		     const struct usp_cgroup *limits, const char **ret_what)
{
	int fd, ret;

	if (!limits->memory_max_bytes && !limits->pids_max && !limits->cpu_milli)
		return 0;
	fd = cgroups_open_dir(c, dir);
	if (fd < 0)
		return fd;
	dir->limited = true;
	ret = sys_cgroup_limit(fd, limits, ret_what);
	sys_close(fd);
	return ret;
}

int cgroups_make(struct cgroups *c, struct cgroup_dir *dir,
		 const struct usp_cgroup *limits, const char **ret_what)
{
	int ret = dir->number ? 0 : make_dir(c, dir);

	*ret_what = c->home_name;
	return ret < 0 ? ret : limit_dir(c, dir, limits, ret_what);
}

int cgroups_open_dir(struct cgroups *c, const struct cgroup_dir *dir)
{
	char path[PATH_BYTES];

	path_of(c, dir, path);
	return sys_cgroup_open(AT_FDCWD, path);
}

int cgroups_open_path(const char *path)
{
	struct cgroup_place place;
	char full[PATH_BYTES];
	int ret = sys_cgroup_find("/proc/self", &place);

	if (ret < 0)
		return ret;
	ret = snprintf(full, sizeof(full), "%s/%s", place.mount, path);
	return ret < (int)sizeof(full) ? sys_cgroup_open(AT_FDCWD, full) : -ENAMETOOLONG;
}

int cgroups_kill(struct cgroups *c, struct cgroup_dir *dir)
{
	char path[PATH_BYTES];

	path_of(c, dir, path);
	dir->killed = true;
	return sys_cgroup_kill(AT_FDCWD, path);
}

int cgroups_remove(struct cgroups *c, struct cgroup_dir *dir)
{
	char path[PATH_BYTES];
	int ret;

	path_of(c, dir, path);
	ret = sys_cgroup_remove(AT_FDCWD, path);
	if (ret == -EBUSY)
		return ret;
	*dir = (struct cgroup_dir){ 0 };
	return 0;
}

bool cgroups_hold(struct cgroups *c, const struct cgroup_dir *dir, pid_t pid)
{
	char name[128];

	snprintf(name, sizeof(name), "%s/%u", c->home_name, dir->number);
	return sys_cgroup_holds(name, pid);
}

/* ---- what others left ---------------------------------------------------- */

/* The name of a home says who made it, and that one may still be there; where that cannot
 * be told, it is. */
static bool is_left_over(const char *name, const char *suffix)
{
	struct proc owner;
	uint64_t start;
	int pid, end = 0, ret;

	if (sscanf(name, HOME_PREFIX "%d-%" SCNu64 "%n", &pid, &start, &end) != 2 ||
	    strncmp(name + end, suffix, strlen(suffix)))
		return false;
	end += (int)strlen(suffix);
	if (name[end] != '\0' && name[end] != '-')
		return false;
	ret = sys_proc_stat(pid, &owner);
	return ret == -ESRCH || (ret == 0 && owner.start != start);
}

/* False: somebody in it is not dead yet. */
static bool clear_one(int own_fd, const char *name)
{
	int fd = sys_cgroup_open(own_fd, name);

	if (fd < 0)
		return true;
	(void)sys_cgroup_thaw(fd);
	sys_close(fd);
	(void)sys_cgroup_kill(own_fd, name);
	return sys_cgroup_remove(own_fd, name) != -EBUSY;
}

unsigned cgroups_sweep(unsigned *ret_cleared)
{
	struct cgroup_place place;
	struct names names;
	const char *name;
	char suffix[24];
	unsigned left = 0;
	int fd;

	if (sys_cgroup_find("/proc/self", &place) < 0)
		return 0;
	fd = sys_cgroup_open(AT_FDCWD, place.own);
	if (fd < 0)
		return 0;
	namespace_suffix(suffix, sizeof(suffix));
	names_init(&names, fd);
	while ((name = names_next(&names))) {
		if (!is_left_over(name, suffix))
			continue;
		if (clear_one(fd, name))
			++*ret_cleared;
		else
			left++;
	}
	sys_close(fd);
	return left;
}
