#include "sys/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "base/alloc.h"
#include "sys/fd.h"

/* How long a full backlog is waited for, and another daemon that starts just now. */
enum { PATIENCE_MS = 1000, LOCK_PATIENCE_MS = 5000, RETRY_MS = 10 };

int socket_address(const char *name, struct sockaddr_un *ret_addr, socklen_t *ret_size)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	bool abstract = name[0] == '@';
	size_t size = strlen(name);

	if (size == 0 || (abstract && size == 1))
		return -EINVAL;
	/* A path keeps room for its NUL, so that others can print it. */
	if (size > sizeof(addr.sun_path) - (abstract ? 0 : 1))
		return -ENAMETOOLONG;

	memcpy(addr.sun_path, name, size);
	if (abstract)
		addr.sun_path[0] = '\0';
	*ret_addr = addr;
	*ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size +
				(abstract ? 0 : 1));
	return 0;
}

int socket_default(char *path, size_t size)
{
	const char *named = getenv("URINGSPAWN_SOCKET");
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char text[PATH_MAX];
	int n;

	if (named && *named)
		n = snprintf(text, sizeof(text), "%s", named);
	else if (runtime && *runtime)
		n = snprintf(text, sizeof(text), "%s/uringspawn.sock", runtime);
	else
		n = snprintf(text, sizeof(text), "/run/uringspawn/uringspawn.sock");
	if (n < 0 || (size_t)n >= sizeof(text) || (size_t)n >= size)
		return -ENAMETOOLONG;

	memcpy(path, text, (size_t)n + 1);
	return 0;
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static int connect_within(int fd, const struct sockaddr_un *addr, socklen_t size, long ms)
{
	struct timeval limit = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	struct timeval none = { 0 };
	int ret;

	/* The kernel waits for room in the backlog as long as a send may take. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))
		return -errno;
	do
		ret = connect(fd, (const struct sockaddr *)addr, size) ? -errno : 0;
	while (ret == -EINTR);
	if (ret)
		return ret;
	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none)) ? -errno : 0;
}

int sys_socket_connect(const char *name)
{
	struct sockaddr_un addr;
	socklen_t size;
	int fd, ret;

	ret = socket_address(name, &addr, &size);
	if (ret)
		return ret;
	fd = new_socket();
	if (fd < 0)
		return fd;

	ret = connect_within(fd, &addr, size, PATIENCE_MS);
	if (ret) {
		sys_close(fd);
		return ret;
	}
	return fd;
}

/*
 * Hold the directory of @path, so that two daemons that start at once do not both
 * find the same stale socket and the second one remove the first one's new one.
 * Returns the descriptor that holds the lock; -EBUSY when somebody keeps it.
 */
static int lock_directory(const char *path)
{
	struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
	const char *slash = strrchr(path, '/');
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)] = ".";
	int fd;

	if (slash)
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path + 1), path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB); waited += RETRY_MS) {
		int ret = errno == EWOULDBLOCK ? -EBUSY : -errno;

		if ((ret != -EBUSY && ret != -EINTR) || waited >= LOCK_PATIENCE_MS) {
			sys_close(fd);
			return ret;
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

/* Remove the socket file when nobody listens on it. */
static int remove_stale(const struct sockaddr_un *addr, socklen_t size)
{
	struct stat st;
	int fd, ret;

	if (lstat(addr->sun_path, &st))
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	fd = new_socket();
	if (fd < 0)
		return fd;

	/* With a full backlog the answer is -EAGAIN: somebody listens. */
	ret = connect_within(fd, addr, size, 1);
	sys_close(fd);
	if (ret != -ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(addr->sun_path) ? -errno : 0;
}

static int bind_new(int fd, const struct sockaddr_un *addr, socklen_t size, int backlog)
{
	/* The mode of the unbound socket becomes that of its file: there is no
	 * moment at which others could connect. */
	if (fchmod(fd, 0600))
		return -errno;
	if (bind(fd, (const struct sockaddr *)addr, size))
		return -errno;
	return listen(fd, backlog) ? -errno : 0;
}

static int bind_path(int fd, const char *path, const struct sockaddr_un *addr,
		     socklen_t size, int backlog)
{
	int lock = lock_directory(path), ret;

	if (lock < 0)
		return lock;
	ret = bind_new(fd, addr, size, backlog);
	if (ret == -EADDRINUSE) {
		ret = remove_stale(addr, size);
		if (!ret)
			ret = bind_new(fd, addr, size, backlog);
	}
	sys_close(lock);
	return ret;
}

int sys_socket_listen(const char *name, int backlog)
{
	struct sockaddr_un addr;
	socklen_t size;
	int fd, ret;

	ret = socket_address(name, &addr, &size);
	if (ret)
		return ret;
	fd = new_socket();
	if (fd < 0)
		return fd;

	if (name[0] == '@')
		ret = bind_new(fd, &addr, size, backlog);
	else
		ret = bind_path(fd, name, &addr, size, backlog);
	if (ret) {
		sys_close(fd);
		return ret;
	}
	return fd;
}

int sys_socket_peer(int fd, uid_t *ret_uid, gid_t *ret_gid, pid_t *ret_pid)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size))
		return -errno;
	if (ret_uid)
		*ret_uid = cred.uid;
	if (ret_gid)
		*ret_gid = cred.gid;
	if (ret_pid)
		*ret_pid = cred.pid;
	return 0;
}

/* The kernel says how large they are when they do not fit. */
int sys_socket_peer_groups(int fd, gid_t **ret_groups, unsigned *ret_n)
{
	gid_t *groups = NULL;
	socklen_t size = 0;
	int ret = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size))
		ret = errno == ERANGE ? 0 : -errno;
	if (ret == 0 && size > 0) {
		groups = mem_alloc(size);
		if (!groups)
			return -ENOMEM;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size))
			ret = -errno;
	}
	if (ret < 0) {
		mem_free(groups);
		return ret;
	}
	*ret_groups = groups;
	*ret_n = (unsigned)(size / sizeof(*groups));
	return 0;
}

int sys_socket_pass_credentials(int fd)
{
	const int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) ? -errno : 0;
}

void sys_socket_send_space(int fd, int bytes)
{
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

/* A timeout of receiving is one of accepting as well. */
int sys_socket_share(int fd)
{
	const struct timeval moment = { .tv_usec = 1 };
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return -errno;
	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment)) ? -errno
										: 0;
}

static bool has_option(int fd, int option, int value)
{
	socklen_t size = sizeof(int);
	int is;

	return getsockopt(fd, SOL_SOCKET, option, &is, &size) == 0 && is == value;
}

bool sys_socket_listens(int fd)
{
	return has_option(fd, SO_DOMAIN, AF_UNIX) &&
	       has_option(fd, SO_TYPE, SOCK_STREAM) && has_option(fd, SO_ACCEPTCONN, 1);
}

int sys_socket_name(int fd, char ret_name[SOCKET_NAME_BYTES])
{
	struct sockaddr_un addr = { 0 };
	socklen_t size = sizeof(addr);
	size_t length;

	if (getsockname(fd, (struct sockaddr *)&addr, &size))
		return -errno;
	if (size > sizeof(addr))
		return -ENAMETOOLONG;
	length = size - offsetof(struct sockaddr_un, sun_path);
	memcpy(ret_name, addr.sun_path, length);
	ret_name[length] = '\0';
	if (length > 0 && ret_name[0] == '\0')
		ret_name[0] = '@';
	return 0;
}

/* Room for as many descriptors as a message can carry, and for credentials. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * SOCKET_FDS_MAX) +
		   CMSG_SPACE(sizeof(struct ucred))];
};

ssize_t sys_socket_send(int fd, const struct iovec *iov, unsigned n, const int *fds,
			unsigned n_fds, bool wait)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
	union control control;
	ssize_t ret;

	if (n_fds > SOCKET_FDS_MAX)
		return -EINVAL;
	if (n_fds) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		memset(control.bytes, 0, message.msg_controllen);

		struct cmsghdr *c = CMSG_FIRSTHDR(&message);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}

	do
		ret = sendmsg(fd, &message, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

/* Move the descriptors of @message to @fds.  Returns how many there were, which
 * may be more than @max: those are closed. */
static unsigned collect_fds(struct msghdr *message, int *fds, unsigned max)
{
	unsigned n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len;
		     at += sizeof(int)) {
			int fd;

			memcpy(&fd, (char *)c + at, sizeof(fd));
			if (n < max)
				fds[n] = fd;
			else
				sys_close(fd);
			n++;
		}
	}
	return n;
}

ssize_t sys_socket_recv(int fd, void *buf, size_t size, int *ret_fds, unsigned max_fds,
			unsigned *ret_n_fds, bool wait)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	union control control;
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t ret;
	unsigned n;

	do
		ret = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
	while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;

	n = collect_fds(&message, ret_fds, max_fds);
	if (n > max_fds || (message.msg_flags & MSG_CTRUNC)) {
		for (unsigned i = 0; i < n && i < max_fds; i++)
			sys_close(ret_fds[i]);
		return -EMSGSIZE;
	}
	*ret_n_fds = n;
	return ret;
}
