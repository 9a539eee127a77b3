/*
 * Descriptors and processes as such.  Whatever is opened here is close-on-exec, and the
 * caller's to close.
 */
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A daemon whose queue of connections is full answers when it gets to it, or not at all. */
#define CONNECT_SECONDS 5

/* Returns the length of the address, or 0: the name is too long, or has a NUL in it. */
static socklen_t address_of(char *path, size_t size, struct sockaddr_un *ret_address)
{
	bool abstract = path[0] == '@';
	/* A name in the file system ends with a NUL, one in the abstract space does not. */
	size_t room = sizeof(ret_address->sun_path) - !abstract;

	if (size == 0 || size > room || strlen(path) != size)
		return 0;
	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->sun_family = AF_UNIX;
	memcpy(ret_address->sun_path, path, size);
	if (abstract)
		ret_address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + !abstract);
}

static int connect_to(const struct sockaddr_un *address, socklen_t size)
{
	struct timeval limit = { .tv_sec = CONNECT_SECONDS };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	while (ret == 0 && connect(fd, (const struct sockaddr *)address, size) < 0)
		if (errno != EINTR)
			ret = -1;
	if (ret == 0)
		ret = fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	if (ret < 0) {
		ret = -errno;
		(void)close(fd);
		return ret;
	}
	return fd;
}

/* connect(path) -> fd, non-blocking */
static napi_value do_connect(napi_env env, napi_callback_info info)
{
	napi_value arguments[VALUE_ARGUMENTS_MAX];
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];
	struct sockaddr_un address;
	size_t size = 0;
	socklen_t length;
	int fd;

	if (!value_arguments(env, info, 1, arguments))
		return NULL;
	if (!value_is(env, arguments[0], napi_string)) {
		value_refuse(env, "the path is not a string");
		return NULL;
	}
	if (!value_ok(env, napi_get_value_string_utf8(env, arguments[0], path,
						      sizeof(path), &size)))
		return NULL;
	length = address_of(path, size, &address);
	fd = length == 0 ? -EINVAL : connect_to(&address, length);
	return fd < 0 ? value_throw_errno(env, -fd, "connect", path)
		      : value_of_int(env, fd);
}

/* socketpair() -> [ours, theirs]: ours does not block, theirs does */
static napi_value do_socketpair(napi_env env, napi_callback_info info)
{
	int pair[2];
	napi_value list;

	(void)info;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return value_throw_errno(env, errno, "socketpair", NULL);
	if (fcntl(pair[0], F_SETFL, O_RDWR | O_NONBLOCK) < 0) {
		value_throw_errno(env, errno, "fcntl", NULL);
		list = NULL;
	} else {
		list = value_of_fds(env, pair, 2);
	}
	if (!list) {
		(void)close(pair[0]);
		(void)close(pair[1]);
	}
	return list;
}

static bool one_int(napi_env env, napi_callback_info info, const char *what, int *ret)
{
	napi_value arguments[VALUE_ARGUMENTS_MAX];

	return value_arguments(env, info, 1, arguments) &&
	       value_int(env, arguments[0], what, ret);
}

/* dup(fd) -> fd */
static napi_value do_dup(napi_env env, napi_callback_info info)
{
	int fd;

	if (!one_int(env, info, "the descriptor", &fd))
		return NULL;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? value_throw_errno(env, errno, "dup", NULL)
		      : value_of_int(env, fd);
}

/* setBlocking(fd): for everybody who has the same open file. */
static napi_value do_set_blocking(napi_env env, napi_callback_info info)
{
	int fd, flags;

	if (!one_int(env, info, "the descriptor", &fd))
		return NULL;
	flags = fcntl(fd, F_GETFL);
	if (flags >= 0 && flags & O_NONBLOCK)
		flags = fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	if (flags < 0)
		return value_throw_errno(env, errno, "fcntl", NULL);
	return value_undefined(env);
}

/* closeFd(fd) */
static napi_value do_close(napi_env env, napi_callback_info info)
{
	int fd;

	if (!one_int(env, info, "the descriptor", &fd))
		return NULL;
	/* After EINTR it is closed: Linux has let go of the number by then. */
	if (close(fd) < 0 && errno != EINTR)
		return value_throw_errno(env, errno, "close", NULL);
	return value_undefined(env);
}

static bool set_int(napi_env env, napi_value object, const char *name, int64_t number)
{
	napi_value value = value_of_int(env, number);

	return value && value_ok(env, napi_set_named_property(env, object, name, value));
}

/* peer(fd) -> {pid, uid, gid} of who connected or listened at the other end */
static napi_value do_peer(napi_env env, napi_callback_info info)
{
	struct ucred who;
	socklen_t size = sizeof(who);
	napi_value object;
	int fd;

	if (!one_int(env, info, "the descriptor", &fd))
		return NULL;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return value_throw_errno(env, errno, "getsockopt", NULL);
	if (!value_ok(env, napi_create_object(env, &object)) ||
	    !set_int(env, object, "pid", who.pid) ||
	    !set_int(env, object, "uid", who.uid) ||
	    !set_int(env, object, "gid", who.gid))
		return NULL;
	return object;
}

/* getpgid(pid) -> the process group of a process; 0 is this one */
static napi_value do_getpgid(napi_env env, napi_callback_info info)
{
	int pid;
	pid_t group;

	if (!one_int(env, info, "the pid", &pid))
		return NULL;
	group = getpgid(pid);
	return group < 0 ? value_throw_errno(env, errno, "getpgid", NULL)
			 : value_of_int(env, group);
}

/* Returns the umask, or -errno: umask() itself could only be read by writing it. */
static int read_umask(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	int found = -ENOSYS;

	if (!status)
		return -errno;
	while (found < 0 && fgets(line, sizeof(line), status))
		if (strncmp(line, "Umask:", 6) == 0)
			found = (int)strtoul(line + 6, NULL, 8);
	(void)fclose(status);
	return found;
}

/* umask() -> the umask of this process, which is not changed for a moment either */
static napi_value do_umask(napi_env env, napi_callback_info info)
{
	int mask = read_umask();

	(void)info;
	return mask < 0 ? value_throw_errno(env, -mask, "umask", NULL)
			: value_of_int(env, mask);
}

bool descriptor_export(napi_env env, napi_value exports)
{
	const napi_property_descriptor functions[] = {
		{ .utf8name = "connect", .method = do_connect },
		{ .utf8name = "socketpair", .method = do_socketpair },
		{ .utf8name = "dup", .method = do_dup },
		{ .utf8name = "setBlocking", .method = do_set_blocking },
		{ .utf8name = "closeFd", .method = do_close },
		{ .utf8name = "peer", .method = do_peer },
		{ .utf8name = "getpgid", .method = do_getpgid },
		{ .utf8name = "umask", .method = do_umask },
	};

	return value_ok(env, napi_define_properties(
				     env, exports, sizeof(functions) / sizeof(*functions),
				     functions));
}
