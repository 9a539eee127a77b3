/*
 * A command that returns once the daemon serves, and leaves it behind.
 */
#include "daemon/background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/err.h"
#include "daemon/log.h"
#include "sys/fd.h"

/* Of a daemon that was killed before it was ready. */
#define EXIT_CANNOT_START 1

static int ready_fd = -1; /* a byte goes through it */

static int complain(const char *what)
{
	log_say(LOG_LEVEL_ERROR, "cannot %s: %s (%s)", what, strerror(errno),
		err_name(errno));
	return EXIT_CANNOT_START;
}

/* Returns the exit code. */
static int wait_for(pid_t child, int fd)
{
	ssize_t size;
	char byte;
	int status;

	do
		size = read(fd, &byte, 1);
	while (size < 0 && errno == EINTR);
	if (size == 1)
		return 0;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return complain("wait for the daemon");
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_CANNOT_START;
}

int background_enter(int keep_fds)
{
	int fds[2];
	pid_t child;

	if (!keep_fds)
		(void)close_range(STDERR_FILENO + 1, ~0u, 0);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return complain("start in the background");
	child = fork();
	if (child < 0)
		return complain("start in the background");
	if (child > 0) {
		sys_close(fds[1]);
		return wait_for(child, fds[0]);
	}
	sys_close(fds[0]);
	ready_fd = fds[1];
	return -1;
}

/* A log is kept where nobody waits for its end. */
static bool is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

void background_ready(void)
{
	int null_fd;

	if (ready_fd < 0)
		return;
	(void)!write(ready_fd, "", 1); /* a parent that is gone does not wait */
	sys_close(ready_fd);
	ready_fd = -1;
	(void)!chdir("/");
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0)
		return;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fd != STDERR_FILENO || !is_file(fd))
			(void)dup2(null_fd, fd);
	sys_close(null_fd);
}
