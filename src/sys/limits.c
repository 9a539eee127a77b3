/*
 * Which limit of the system is in the way.
 *
 * The kernel says EAGAIN for all of them.  Those that can be looked at are looked at;
 * the user's own limit, for which it would have to be known how many processes the user
 * has, is named when it is the only one left that there is.
 */
#include "sys/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "sys/cgroup.h"

#define PIDS_V1_MOUNT "/sys/fs/cgroup/pids"

/* The text of a small file.  False: it cannot be read. */
static bool read_text(const char *path, char *ret_text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, ret_text, size - 1);
	close(fd);
	ret_text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* The number in a file of a group, UINT64_MAX for "max", or @otherwise. */
static uint64_t read_number(const char *directory, const char *name, uint64_t otherwise)
{
	char path[PATH_MAX], text[32];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path) ||
	    !read_text(path, text, sizeof(text)))
		return otherwise;
	return strncmp(text, "max", 3) == 0 ? UINT64_MAX : strtoull(text, NULL, 10);
}

/* Is the group at @path, which is changed, full, or one that it is in, up to @mount? */
static bool is_full(char *path, size_t mount_bytes)
{
	for (;;) {
		char *slash = strrchr(path, '/');

		if (read_number(path, "pids.current", 0) >=
		    read_number(path, "pids.max", UINT64_MAX))
			return true;
		if (!slash || (size_t)(slash - path) < mount_bytes)
			return false;
		*slash = '\0';
	}
}

static bool is_full_v2(void)
{
	struct cgroup_place place;

	return sys_cgroup_find("/proc/self", &place) == 0 &&
	       is_full(place.own, strlen(place.mount));
}

/* A line of /proc/self/cgroup: number, controllers, path. */
static bool is_full_v1(void)
{
	char text[PATH_MAX], path[PATH_MAX + sizeof(PIDS_V1_MOUNT)];
	char *own, *end;

	if (!read_text("/proc/self/cgroup", text, sizeof(text)))
		return false;
	own = strstr(text, ":pids:");
	if (!own)
		return false;
	own += strlen(":pids:");
	end = strchr(own, '\n');
	if (end)
		*end = '\0';
	snprintf(path, sizeof(path), PIDS_V1_MOUNT "%s", own);
	return is_full(path, strlen(PIDS_V1_MOUNT));
}

/* The fourth field of loadavg is running/all, of threads. */
static bool is_system_full(void)
{
	char text[128];
	unsigned long all;

	if (!read_text("/proc/loadavg", text, sizeof(text)) ||
	    sscanf(text, "%*s %*s %*s %*u/%lu", &all) != 1)
		return false;
	return all >= read_number("/proc/sys/kernel", "threads-max", UINT64_MAX);
}

/* Root has no such limit, and hardly ever loses that right. */
static bool has_user_limit(void)
{
	struct rlimit limit;

	return geteuid() != 0 && getrlimit(RLIMIT_NPROC, &limit) == 0 &&
	       limit.rlim_cur != RLIM_INFINITY;
}

const char *sys_process_limit(void)
{
	if (is_full_v2() || is_full_v1())
		return "pids.max";
	if (is_system_full())
		return "kernel.threads-max";
	return has_user_limit() ? "RLIMIT_NPROC" : "";
}
