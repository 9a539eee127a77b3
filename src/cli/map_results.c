#include "cli/map_results.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_dir(const char *path)
{
	struct stat stat_;

	if (mkdir(path, 0777) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &stat_))
		return -errno;
	return S_ISDIR(stat_.st_mode) ? 0 : -ENOTDIR;
}

int map_results_prepare(const char *dir)
{
	return make_dir(dir);
}

static int open_file(const char *dir, uint64_t number, const char *name)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%llu/%s", dir,
			 (unsigned long long)number, name);
	int fd;

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return fd < 0 ? -errno : fd;
}

int map_results_open(const char *dir, uint64_t number, int ret_fds[2])
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%llu", dir, (unsigned long long)number);
	int ret, fd;

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	ret = make_dir(path);
	if (ret)
		return ret;
	fd = open_file(dir, number, "stdout");
	if (fd < 0)
		return fd;
	ret = open_file(dir, number, "stderr");
	if (ret < 0) {
		close(fd);
		return ret;
	}
	ret_fds[0] = fd;
	ret_fds[1] = ret;
	return 0;
}
