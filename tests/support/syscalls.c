/*
 * Three counters of tracepoints that are read together.
 *
 * The numbers of the tracepoints are in tracefs.  Where it is not mounted, it is
 * mounted for a moment, in a mount namespace that only this process is in.
 */
#include "support/syscalls.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/tmpdir.h"

/* Open for as long as the test runs: the counters belong to the first of them. */
static int members[2] = { -1, -1 };

/* Returns the number of the tracepoint, or -errno. */
static int64_t tracepoint_id(const char *tracefs, const char *name)
{
	char path[300];
	long long id;
	FILE *file;
	int n;

	snprintf(path, sizeof(path), "%s/events/%s/id", tracefs, name);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	n = fscanf(file, "%lld", &id);
	fclose(file);
	return n == 1 ? id : -EINVAL;
}

/* Its place, or one where it was mounted, to be unmounted; NULL with errno. */
static const char *find_tracefs(bool *ret_mounted)
{
	static const char *const places[] = { "/sys/kernel/tracing",
					      "/sys/kernel/debug/tracing" };
	const char *dir;
	char events[64];

	*ret_mounted = false;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(events, sizeof(events), "%s/events", places[i]);
		if (access(events, X_OK) == 0)
			return places[i];
	}
	dir = tmpdir_path("tracefs");
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mkdir(dir, 0700) || mount("tracefs", dir, "tracefs", 0, NULL))
		return NULL;
	*ret_mounted = true;
	return dir;
}

static int read_ids(const char *const *names, int64_t *ids, size_t n)
{
	bool mounted;
	const char *tracefs = find_tracefs(&mounted);
	int ret = 0;

	if (!tracefs)
		return -errno;
	for (size_t i = 0; i < n && ret == 0; i++) {
		ids[i] = tracepoint_id(tracefs, names[i]);
		if (ids[i] < 0)
			ret = (int)ids[i];
	}
	if (mounted && umount2(tracefs, MNT_DETACH) == 0)
		rmdir(tracefs);
	return ret;
}

static int open_counter(int64_t id, pid_t tid, int group)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = (uint64_t)id,
		.read_format = PERF_FORMAT_GROUP,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, tid, -1, group,
			      PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int syscalls_open(pid_t tid)
{
	static const char *const names[] = { "raw_syscalls/sys_enter",
					     "io_uring/io_uring_queue_async_work" };
	char filter[32];
	int64_t ids[2];
	int fd, ret;

	ret = read_ids(names, ids, 2);
	if (ret < 0)
		return ret;
	snprintf(filter, sizeof(filter), "id==%d", SYS_io_uring_enter);
	fd = open_counter(ids[0], tid, -1);
	if (fd < 0)
		return fd;
	members[0] = open_counter(ids[0], tid, fd);
	members[1] = open_counter(ids[1], tid, fd);
	for (int i = 0; i < 2; i++)
		if (members[i] < 0)
			return members[i];
	if (ioctl(members[0], PERF_EVENT_IOC_SET_FILTER, filter) < 0)
		return -errno;
	return fd;
}

struct syscall_counts syscalls_read(int fd)
{
	struct syscall_counts counts;

	cr_assert(eq(int, (int)read(fd, &counts, sizeof(counts)), (int)sizeof(counts)));
	cr_assert(eq(u64, counts.n_counts, 3));
	return counts;
}

struct syscall_counts syscalls_between(const struct syscall_counts *before,
				       const struct syscall_counts *after)
{
	return (struct syscall_counts){
		.n_counts = after->n_counts,
		.all = after->all - before->all,
		.enters = after->enters - before->enters,
		.async_works = after->async_works - before->async_works,
	};
}
