#include "uringspawn-trace/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/annotate.h"

static const char *const places[] = { "/sys/kernel/tracing",
				      "/sys/kernel/debug/tracing" };

static int open_mounted(void)
{
	int ret = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		/* The directory is there also where nothing is mounted. */
		if (fd >= 0 && faccessat(fd, "events", X_OK, AT_EACCESS) == 0)
			return fd;
		if (fd < 0 || errno != ENOENT)
			ret = -errno;
		if (fd >= 0)
			close(fd);
	}
	return ret;
}

static int open_detached(void)
{
	int fs = fsopen("tracefs", FSOPEN_CLOEXEC), fd = -1, error;

	if (fs < 0)
		return -errno;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	error = errno;
	close(fs);
	return fd < 0 ? -error : fd;
}

int tracefs_open(void)
{
	int fd = open_mounted();

	return fd == -ENOENT ? open_detached() : fd;
}

int tracefs_id(int tracefs_fd, const char *name)
{
	char path[128], text[32] = "";
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "events/%s/id", name);
	fd = openat(tracefs_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	return size > 0 ? atoi(text) : -EIO;
}

int tracefs_event(int tracefs_fd, const char *name)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_TRACEPOINT,
	};
	int id = tracefs_id(tracefs_fd, name), fd;

	if (id < 0)
		return id;
	attr.config = (__u64)id;
	/* A program that is attached to it on one processor runs on all. */
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
