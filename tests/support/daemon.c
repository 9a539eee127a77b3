/*
 * Start, look at, and stop a real daemon.  It is found in the build folder that the
 * test was built in, so a sanitized test drives a sanitized daemon.
 */
#include "support/daemon.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "support/tmpdir.h"
#include "support/wait.h"

#define ARGS_MAX 32

/* Put the descriptors where it expects them, and say so as a service manager does. */
static void pass_fds(const struct daemon_options *options)
{
	char text[16];

	for (unsigned i = 0; i < options->n_fds; i++)
		dup2(fcntl(options->fds[i], F_DUPFD_CLOEXEC, 100), 3 + (int)i);
	if (!options->activated)
		return;
	snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("LISTEN_PID", text, 1);
	snprintf(text, sizeof(text), "%u", options->n_fds);
	setenv("LISTEN_FDS", text, 1);
	if (options->fd_names)
		setenv("LISTEN_FDNAMES", options->fd_names, 1);
}

/* The daemon dies with the test, so that one that fails leaves nothing running. */
static void become_daemon(const struct daemon_options *options, const char *const *argv,
			  int err_fd)
{
	dup2(err_fd, 2);
	pass_fds(options);
	for (const char *const *env = options->env; env && *env; env++)
		putenv((char *)*env);
	if (options->uid && (setresgid(options->uid, options->uid, options->uid) < 0 ||
			     setresuid(options->uid, options->uid, options->uid) < 0))
		_exit(126);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

/* Jobs that a test leaves are not waited for, unless it says so. */
static pid_t launch(const struct daemon_options *options, int *ret_err_fd)
{
	const char *argv[ARGS_MAX] = { BUILD_DIR "/uringspawnd", "--stop-after", "0" };
	const char *const *args = options->args;
	int fds[2], n = 3;
	pid_t pid;

	if (options->socket) {
		argv[n++] = "--socket";
		argv[n++] = options->socket;
	}
	for (; args && *args; args++) {
		cr_assert(lt(int, n, ARGS_MAX - 1));
		argv[n++] = *args;
	}
	cr_assert(eq(int, pipe2(fds, O_CLOEXEC), 0));
	pid = fork();
	cr_assert(ge(int, pid, 0));
	if (pid == 0)
		become_daemon(options, argv, fds[1]);
	close(fds[1]);
	*ret_err_fd = fds[0];
	return pid;
}

/* Read until @text has come, or the end, or too long a time.  Returns the bytes read. */
static size_t read_until(int fd, const char *text, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = 0;
	while (n < size - 1 && wait_fd(fd, POLLIN, WAIT_MS)) {
		ssize_t ret = read(fd, buf + n, size - 1 - n);

		if (ret <= 0)
			break;
		n += (size_t)ret;
		buf[n] = 0;
		if (text && strstr(buf, text))
			break;
	}
	return n;
}

void daemon_launch(struct running_daemon *d, const struct daemon_options *options)
{
	const char *socket = options->socket ? options->socket : "@";

	cr_assert(lt(sz, strlen(socket), sizeof(d->socket)));
	strcpy(d->socket, socket);
	d->pid = launch(options, &d->err_fd);
	d->pidfd = (int)syscall(SYS_pidfd_open, d->pid, 0);
	cr_assert(ge(int, d->pidfd, 0));
}

bool daemon_becomes_ready(struct running_daemon *d)
{
	const char *ready;

	read_until(d->err_fd, ")\n", d->said, sizeof(d->said));
	ready = strstr(d->said, "ready on ");
	if (ready)
		cr_assert(eq(int, sscanf(ready, "%*[^(](%15[a-z_])", d->backend), 1),
			  "the daemon says: %s", d->said);
	return ready;
}

void daemon_start_with(struct running_daemon *d, const struct daemon_options *options)
{
	daemon_launch(d, options);
	cr_assert(daemon_becomes_ready(d), "the daemon says: %s", d->said);
}

void daemon_start_on(struct running_daemon *d, const char *socket,
		     const char *const *args)
{
	const struct daemon_options options = { .socket = socket, .args = args };

	daemon_start_with(d, &options);
}

void daemon_start(struct running_daemon *d, const char *const *args)
{
	daemon_start_on(d, tmpdir_path("socket"), args);
}

int daemon_try_with(const struct daemon_options *options, char *ret_text, size_t size)
{
	int err_fd, status;
	pid_t pid = launch(options, &err_fd);

	read_until(err_fd, NULL, ret_text, size);
	close(err_fd);
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, !!WIFEXITED(status), 1), "the daemon was ended by a signal: %s",
		  ret_text);
	return WEXITSTATUS(status);
}

int daemon_try(const char *const *args, char *ret_text, size_t size)
{
	const struct daemon_options options = { .args = args };

	return daemon_try_with(&options, ret_text, size);
}

void daemon_expect_said(struct running_daemon *d, const char *text, char *ret_text,
			size_t size)
{
	read_until(d->err_fd, text, ret_text, size);
	cr_assert(ne(ptr, strstr(ret_text, text), NULL), "the daemon says: %s", ret_text);
}

void daemon_signal(const struct running_daemon *d, int signal)
{
	cr_assert(eq(int, (int)syscall(SYS_pidfd_send_signal, d->pidfd, signal, NULL, 0),
		     0));
}

int daemon_ended(struct running_daemon *d, char *ret_text, size_t size)
{
	siginfo_t info = { 0 };

	cr_assert(wait_fd(d->pidfd, POLLIN, WAIT_MS), "the daemon does not stop");
	cr_assert(eq(int, waitid(P_PIDFD, (id_t)d->pidfd, &info, WEXITED), 0));
	read_until(d->err_fd, NULL, ret_text, size);
	cr_assert(eq(int, info.si_code, CLD_EXITED), "the daemon says: %s", ret_text);
	close(d->pidfd);
	close(d->err_fd);
	return info.si_status;
}

void daemon_stopped(struct running_daemon *d)
{
	char text[4096];
	int code = daemon_ended(d, text, sizeof(text));

	cr_assert(code == 0 || code == 3, "exit code %d, the daemon says: %s", code,
		  text);
	if (d->socket[0] != '@')
		cr_assert(eq(int, access(d->socket, F_OK), -1),
			  "the socket file is left");
}

void daemon_stop(struct running_daemon *d)
{
	daemon_signal(d, SIGTERM);
	daemon_stopped(d);
}

/* The line "NAME: KIB kB" of its status. */
static long status_kib(const struct running_daemon *d, const char *name)
{
	size_t length = strlen(name);
	char path[64], line[256];
	long kib = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)d->pid);
	file = fopen(path, "re");
	cr_assert(ne(ptr, file, NULL));
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, name, length) == 0 && line[length] == ':')
			kib = strtol(line + length + 1, NULL, 10);
	fclose(file);
	return kib;
}

long daemon_rss_kib(const struct running_daemon *d)
{
	return status_kib(d, "VmRSS");
}

long daemon_peak_kib(const struct running_daemon *d)
{
	return status_kib(d, "VmHWM");
}

int daemon_open_fds(const struct running_daemon *d)
{
	char path[64];
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)d->pid);
	dir = opendir(path);
	cr_assert(ne(ptr, dir, NULL));
	for (struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			n++;
	closedir(dir);
	return n;
}

/* What its descriptor @fd says of itself, when that is a ring; NULL else. */
static FILE *open_ring_info(const struct running_daemon *d, const char *fd)
{
	char path[300], name[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)d->pid, fd);
	if (readlink(path, name, sizeof(name) - 1) < 0 || !strstr(name, "[io_uring]"))
		return NULL;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)d->pid, fd);
	return fopen(path, "re");
}

/* The lines after UserFiles that have a number and a name. */
static int count_user_files(FILE *info)
{
	char line[256], file[64];
	bool inside = false;
	int n = 0, slot;

	while (fgets(line, sizeof(line), info)) {
		if (strncmp(line, "UserFiles:", 10) == 0)
			inside = true;
		else if (strncmp(line, "UserBufs:", 9) == 0)
			return n;
		else if (inside && sscanf(line, " %d: %63s", &slot, file) == 2)
			n += strcmp(file, "<none>") != 0;
	}
	return -1;
}

int daemon_direct_fds(const struct running_daemon *d)
{
	char path[64];
	int n = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)d->pid);
	dir = opendir(path);
	cr_assert(ne(ptr, dir, NULL));
	for (struct dirent *entry; n < 0 && (entry = readdir(dir));) {
		FILE *info = open_ring_info(d, entry->d_name);

		if (info) {
			n = count_user_files(info);
			fclose(info);
		}
	}
	closedir(dir);
	return n;
}

/* Children belong to the thread that made them. */
int daemon_children(const struct running_daemon *d)
{
	char path[300];
	int pid, n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)d->pid);
	dir = opendir(path);
	cr_assert(ne(ptr, dir, NULL));
	for (struct dirent *entry; (entry = readdir(dir));) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)d->pid,
			 entry->d_name);
		file = entry->d_name[0] == '.' ? NULL : fopen(path, "re");
		while (file && fscanf(file, "%d", &pid) == 1)
			n++;
		if (file)
			fclose(file);
	}
	closedir(dir);
	return n;
}
