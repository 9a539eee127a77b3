/*
 * A command that returns once the daemon serves, and leaves it behind.
 */
#include "daemon/background.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/err.h"
#include "daemon/log.h"
#include "sys/fd.h"

/* Of a daemon that was killed before it was ready. */
#define EXIT_CANNOT_START 1

#define FIRST_INHERITED (STDERR_FILENO + 1)

static int ready_fd = -1; /* a byte goes through it */

static int complain(const char *what)
{
	log_say(LOG_LEVEL_ERROR, "cannot %s: %s (%s)", what, strerror(errno),
		err_name(errno));
	return EXIT_CANNOT_START;
}

/* ---- what was inherited -------------------------------------------------- */

static bool is_kept(const struct background_kept *kept, int fd)
{
	for (unsigned i = 0; i < kept->n_fds; i++)
		if (kept->fds[i] == fd)
			return true;
	return false;
}

/* The least of those that are kept from @from on; -1: none is. */
static int next_kept(const struct background_kept *kept, int from)
{
	int next = -1;

	for (unsigned i = 0; i < kept->n_fds; i++)
		if (kept->fds[i] >= from && (next < 0 || kept->fds[i] < next))
			next = kept->fds[i];
	return next;
}

/* Where close_range() is refused /proc tells what there is to close. */
static void close_listed(const struct background_kept *kept)
{
	DIR *dir = opendir("/proc/self/fd");

	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		int fd = atoi(entry->d_name);

		if (fd >= FIRST_INHERITED && fd != dirfd(dir) && !is_kept(kept, fd))
			sys_close(fd);
	}
	closedir(dir);
}

static void close_others(const struct background_kept *kept)
{
	int from = FIRST_INHERITED, next;

	for (; (next = next_kept(kept, from)) >= 0; from = next + 1)
		if (next > from && close_range((unsigned)from, (unsigned)next - 1, 0) < 0)
			break;
	if (next >= 0 || close_range((unsigned)from, ~0u, 0) < 0)
		close_listed(kept);
}

/* What is opened later is not to be taken for a standard stream. */
static void fill_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < FIRST_INHERITED);
	sys_close(fd);
}

/* ---- the command --------------------------------------------------------- */

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
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	log_say(LOG_LEVEL_ERROR, "the daemon was ended by signal %d before it served",
		WTERMSIG(status));
	return EXIT_CANNOT_START;
}

int background_enter(const struct background_kept *kept)
{
	int fds[2];
	pid_t child;

	close_others(kept);
	fill_standard();
	signal(SIGCHLD, SIG_DFL); /* ignored, it would take the exit code away */
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

/* ---- the daemon ---------------------------------------------------------- */

/* A log is kept where nobody waits for its end. */
static bool is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static void give_up_streams(void)
{
	int null_fd = sys_open_null();

	if (null_fd < 0)
		return;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fd != STDERR_FILENO || !is_file(fd))
			(void)dup2(null_fd, fd);
	sys_close(null_fd);
}

void background_ready(void)
{
	if (ready_fd < 0)
		return;
	(void)!chdir("/");
	give_up_streams();
	(void)!write(ready_fd, "", 1); /* a parent that is gone does not wait */
	sys_close(ready_fd);
	ready_fd = -1;
}
