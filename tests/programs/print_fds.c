/*
 * Prints the numbers of its open descriptors, one a line; with -l also what each is:
 * its type, how it may be used, and
 *
 *   the size of a regular file        of what is open for appending: append
 *   of what does not block: nonblock  of what exec would close: cloexec
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const char *type_of(const struct stat *stat)
{
	if (S_ISFIFO(stat->st_mode))
		return "pipe";
	if (S_ISSOCK(stat->st_mode))
		return "socket";
	if (S_ISREG(stat->st_mode))
		return "file";
	if (S_ISCHR(stat->st_mode))
		return stat->st_rdev == makedev(1, 3) ? "null" : "device";
	return "other";
}

static void tell(int fd, int fd_flags)
{
	static const char *const modes[] = { "r", "w", "rw", "?" };
	int flags = fcntl(fd, F_GETFL);
	struct stat stat;

	fstat(fd, &stat);
	printf(" %s %s", type_of(&stat), modes[flags & O_ACCMODE]);
	if (S_ISREG(stat.st_mode))
		printf(" %ld", (long)stat.st_size);
	if (flags & O_APPEND)
		printf(" append");
	if (flags & O_NONBLOCK)
		printf(" nonblock");
	if (fd_flags & FD_CLOEXEC)
		printf(" cloexec");
}

int main(int argc, char **argv)
{
	int details = argc > 1 && strcmp(argv[1], "-l") == 0;

	for (int fd = 0; fd < 65536; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0)
			continue;
		printf("%d", fd);
		if (details)
			tell(fd, flags);
		printf("\n");
	}
	return fflush(stdout) ? 1 : 0;
}
