/*
 * A daemon on a socket of its own, in a directory of its own, and the end of
 * all of it.
 */
#include "demo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uringspawn/client.h>

#define START_NS UINT64_C(5000000000)
#define STOP_MS	 10000

static int write_file(const char *path, const unsigned char *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int ret = 0;

	if (fd < 0)
		return -errno;
	while (size && !ret) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0) {
			ret = -errno;
		} else {
			bytes += n;
			size -= (size_t)n;
		}
	}
	if (close(fd) < 0 && !ret)
		ret = -errno;
	return ret;
}

int demo_place_init(struct demo_place *place, const unsigned char *bytes, size_t size)
{
	const char *parent = getenv("TMPDIR");
	int ret;

	*place = (struct demo_place){ .daemon_pidfd = -1 };
	/* A socket's path has 107 bytes. */
	if (!parent || parent[0] != '/' || strlen(parent) > 60)
		parent = "/tmp";
	snprintf(place->directory, sizeof(place->directory), "%s/uringspawn-demo-XXXXXX",
		 parent);
	if (!mkdtemp(place->directory)) {
		ret = -errno;
		place->directory[0] = '\0';
		return ret;
	}
	snprintf(place->socket, sizeof(place->socket), "%s/socket", place->directory);
	snprintf(place->file, sizeof(place->file), "%s/bytes", place->directory);
	ret = write_file(place->file, bytes, size);
	if (ret < 0)
		demo_place_done(place);
	return ret;
}

/* The daemon of the same build: it lies beside this program. */
static int find_daemon(char *path, size_t size)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return -errno;
	self[length] = '\0';
	*strrchr(self, '/') = '\0';
	if (snprintf(path, size, "%s/uringspawnd", self) >= (int)size)
		return -ENAMETOOLONG;
	return access(path, X_OK) < 0 ? -errno : 0;
}

/*
 * In a group of its own, so that Ctrl-C reaches the demo and the demo stops the
 * daemon; and ended by the kernel should the demo be killed.
 */
static void become_daemon(const char *path, const char *socket, pid_t parent)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent)
		execl(path, "uringspawnd", "--socket", socket, (char *)NULL);
	_exit(127);
}

static int start_daemon(struct demo_place *place)
{
	char path[PATH_MAX];
	pid_t parent = getpid();
	int ret = find_daemon(path, sizeof(path));

	if (ret < 0) {
		fprintf(stderr, "demo: no uringspawnd beside this program: %s\n",
			strerror(-ret));
		return ret;
	}
	place->daemon_pid = fork();
	if (place->daemon_pid == 0)
		become_daemon(path, place->socket, parent);
	if (place->daemon_pid > 0)
		place->daemon_pidfd = (int)syscall(SYS_pidfd_open, place->daemon_pid, 0);
	if (place->daemon_pidfd >= 0)
		return 0;
	ret = -errno;
	fprintf(stderr, "demo: the daemon: %s\n", strerror(-ret));
	return ret;
}

int demo_place_connect(struct demo_place *place, struct usp_client **ret_client)
{
	uint64_t give_up_ns = demo_now_ns() + START_NS;
	int ret = start_daemon(place);

	if (ret < 0)
		return ret;
	for (;;) {
		struct pollfd died = { place->daemon_pidfd, POLLIN, 0 };

		ret = usp_client_open(place->socket, ret_client);
		if (ret != -ENOENT && ret != -ECONNREFUSED)
			break;
		/* Not there yet: look again soon, or at once when it will never be. */
		if (poll(&died, 1, 5) > 0 || demo_stopped || demo_now_ns() > give_up_ns)
			break;
	}
	if (ret < 0)
		fprintf(stderr, "demo: the daemon does not answer: %s\n", strerror(-ret));
	return ret;
}

/* @return 0 when it ended as a daemon that was asked to should. */
static int stop_daemon(struct demo_place *place)
{
	struct pollfd ended = { place->daemon_pidfd, POLLIN, 0 };
	uint64_t give_up_ns = demo_now_ns() + STOP_MS * UINT64_C(1000000);
	siginfo_t info = { 0 };
	int n;

	if (place->daemon_pid <= 0)
		return 0;
	/* Not reaped yet, so the number cannot be anybody else's. */
	kill(place->daemon_pid, SIGTERM);
	do {
		n = place->daemon_pidfd < 0 ? 1 : poll(&ended, 1, STOP_MS);
	} while (n < 0 && errno == EINTR && demo_now_ns() < give_up_ns);
	if (n <= 0)
		kill(place->daemon_pid, SIGKILL);
	while (waitid(P_PID, (id_t)place->daemon_pid, &info, WEXITED) < 0 &&
	       errno == EINTR)
		;
	if (place->daemon_pidfd >= 0)
		close(place->daemon_pidfd);
	place->daemon_pid = 0;
	place->daemon_pidfd = -1;
	if (info.si_code == CLD_EXITED && info.si_status == 0)
		return 0;
	fprintf(stderr, "demo: the daemon ended with %s %d\n",
		info.si_code == CLD_EXITED ? "code" : "signal", info.si_status);
	return -EIO;
}

int demo_place_done(struct demo_place *place)
{
	int ret = stop_daemon(place);

	if (!place->directory[0])
		return ret;
	unlink(place->file);
	/* The daemon removes its socket; one that was killed does not. */
	unlink(place->socket);
	if (rmdir(place->directory) < 0) {
		fprintf(stderr, "demo: %s: %s\n", place->directory, strerror(errno));
		ret = -EIO;
	}
	place->directory[0] = '\0';
	return ret;
}
