#include "uringspawn-trace/target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GRACE_MS = 2000 };

static void read_name(pid_t pid, char *name, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	snprintf(name, size, "?");
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(name, (int)size, file))
		name[strcspn(name, "\n")] = '\0';
	fclose(file);
}

static int add(struct targets *targets, pid_t pid, struct failure *why)
{
	int fd;

	if (targets->n == TARGETS_MAX)
		return failure_set(why, CODE_USAGE, "more than %d processes",
				   TARGETS_MAX);
	fd = pidfd_open(pid, 0);
	if (fd < 0 && errno == ESRCH)
		return failure_set(why, CODE_USAGE, "there is no process %d", (int)pid);
	if (fd < 0 && (errno == EINVAL || errno == ENOENT))
		return failure_set(why, CODE_USAGE, "%d is a thread, not a process",
				   (int)pid);
	if (fd < 0)
		return failure_of_errno(why, -errno, "pidfd_open()");
	targets->pids[targets->n] = pid;
	targets->pidfds[targets->n] = fd;
	read_name(pid, targets->names[targets->n], sizeof(targets->names[0]));
	targets->n++;
	return 0;
}

int target_find(struct targets *targets, const pid_t *pids, size_t n, struct failure *why)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		ret = add(targets, pids[i], why);
	return ret;
}

/* ---- a command ----------------------------------------------------------- */

/* Waits for the byte, executes, and answers the errno when it cannot. */
__attribute__((noreturn)) static void be_command(char *const *command,
						 const sigset_t *mask, int fd)
{
	char go;
	int error;

	if (read(fd, &go, 1) != 1)
		_exit(0);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(command[0], command);
	error = errno;
	(void)!write(fd, &error, sizeof(error));
	_exit(127);
}

int target_start(struct targets *targets, char *const *command, const sigset_t *mask,
		 struct failure *why)
{
	int ends[2], ret;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return failure_of_errno(why, -errno, "socketpair()");
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		be_command(command, mask, ends[1]);
	}
	close(ends[1]);
	targets->go_fd = ends[0];
	if (pid < 0)
		return failure_of_errno(why, -errno, "fork()");
	targets->started = true;
	ret = add(targets, pid, why);
	snprintf(targets->names[0], sizeof(targets->names[0]), "%s",
		 strrchr(command[0], '/') ? strrchr(command[0], '/') + 1 : command[0]);
	return ret;
}

/* As execvp() finds it. */
static void search_path(const char *name, char *ret_path, size_t size)
{
	const char *dir = getenv("PATH");

	snprintf(ret_path, size, "%s", name);
	if (strchr(name, '/') || !dir)
		return;
	for (; *dir; dir += *dir == ':') {
		size_t n = strcspn(dir, ":");

		snprintf(ret_path, size, "%.*s/%s", n ? (int)n : 1, n ? dir : ".", name);
		if (access(ret_path, X_OK) == 0)
			return;
		dir += n;
	}
}

void target_program(const struct targets *targets, char *const *command, char *ret_path,
		    size_t size)
{
	if (command)
		search_path(command[0], ret_path, size);
	else if (targets->n)
		snprintf(ret_path, size, "/proc/%d/exe", (int)targets->pids[0]);
	else
		snprintf(ret_path, size, "PATH");
}

void target_directory(const struct targets *targets, char *ret_path, size_t size)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/cwd",
		 targets->n ? (int)targets->pids[0] : (int)getpid());
	n = readlink(link, ret_path, size - 1);
	if (n <= 0)
		n = snprintf(ret_path, size, "/");
	ret_path[n] = '\0';
}

int target_go(struct targets *targets, struct failure *why)
{
	char go = 1;
	int error;

	if (!targets->started)
		return 0;
	if (send(targets->go_fd, &go, 1, MSG_NOSIGNAL) == 1 &&
	    read(targets->go_fd, &error, sizeof(error)) == sizeof(error))
		return failure_set(why, CODE_USAGE, "the command cannot be run: %s",
				   strerrordesc_np(error));
	return 0;
}

void target_end(struct targets *targets)
{
	struct pollfd end = { .fd = targets->pidfds[0], .events = POLLIN };

	if (!targets->started || targets->n == 0)
		return;
	pidfd_send_signal(targets->pidfds[0], SIGTERM, NULL, 0);
	if (poll(&end, 1, GRACE_MS) == 0)
		pidfd_send_signal(targets->pidfds[0], SIGKILL, NULL, 0);
	while (waitpid(targets->pids[0], NULL, 0) < 0 && errno == EINTR)
		;
}

bool target_all_gone(const struct targets *targets)
{
	for (size_t i = 0; i < targets->n; i++) {
		struct pollfd end = { .fd = targets->pidfds[i], .events = POLLIN };

		if (poll(&end, 1, 0) == 0)
			return false;
	}
	return true;
}

void target_close(struct targets *targets)
{
	for (size_t i = 0; i < targets->n; i++)
		close(targets->pidfds[i]);
	if (targets->started)
		close(targets->go_fd);
	targets->n = 0;
}
