/*
 * Closing descriptors where a sandbox forbids close_range().  Dialect: child.
 *
 * /proc lists those that there are: to try every number up to the limit would take
 * minutes where the limit is high.
 */
#include <fcntl.h>
#include <stdint.h>
#include "launch/child_parts.h"

/* As the kernel writes it: include/linux/dirent.h. */
struct raw_dirent {
	uint64_t ino;
	int64_t off;
	unsigned short size;
	unsigned char type;
	char name[];
};

/* "." and ".." are no numbers. */
static unsigned number(const char *name)
{
	unsigned n = 0;

	if (*name < '0' || *name > '9')
		return ~0U;
	for (; *name; name++)
		n = n * 10 + (unsigned)(*name - '0');
	return n;
}

struct range {
	unsigned first, last;
	unsigned except; /* the directory that is read */
};

/* Close what is listed in @bytes of @list; how many. */
static long close_listed(const char *list, long bytes, const struct range *range)
{
	long closed = 0;

	for (long at = 0; at < bytes;) {
		const struct raw_dirent *entry = (const struct raw_dirent *)(list + at);
		unsigned fd = number(entry->name);

		at += entry->size;
		if (fd == ~0U || fd < range->first || fd > range->last ||
		    fd == range->except)
			continue;
		RAW(SYS_close, fd);
		closed++;
	}
	return closed;
}

/*
 * A directory that changes while it is read may leave out what was there all the time:
 * it is read again until there is nothing to close.
 */
long child_close_listed(unsigned first, unsigned last)
{
	char list[1024] __attribute__((aligned(8)));
	long directory = RAW(SYS_openat, AT_FDCWD, "/proc/self/fd",
			     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct range range = { first, last, (unsigned)directory };
	long closed, bytes;

	if (directory < 0)
		return directory;
	do {
		closed = 0;
		RAW(SYS_lseek, directory, 0, 0);
		while ((bytes = RAW(SYS_getdents64, directory, list, sizeof(list))) > 0)
			closed += close_listed(list, bytes, &range);
	} while (closed > 0 && bytes == 0);
	RAW(SYS_close, directory);
	return bytes;
}
