/*
 * From names and descriptors to listeners.
 */
#include "daemon/front.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/err.h"
#include "daemon/daemon.h"
#include "sys/fd.h"
#include "sys/proc.h"

#define BACKLOG 4096

/* Times that it tries to listen where somebody does. */
#define LISTEN_TRIES 20

static int complain(int error, const char *what, const char *name)
{
	log_say(LOG_LEVEL_ERROR, "cannot %s %s: %s (%s)", what, name, strerror(-error),
		err_name(-error));
	return error;
}

/* ---- sockets that are open ----------------------------------------------- */

/* Takes @fd, also when it fails. */
static int add(struct daemon *d, int fd, bool owns_file, const char *what) REACTOR_ONLY
{
	struct front *front = &d->front;
	int ret = -E2BIG;

	if (front->n < CONFIG_SOCKETS_MAX)
		ret = listener_open(&front->listeners[front->n], d, fd, owns_file);
	else
		sys_close(fd);
	if (ret < 0)
		return complain(ret, "listen on", what);
	front->n++;
	return 0;
}

/* A descriptor that somebody passed, and what he calls it. */
static int add_passed(struct daemon *d, int fd, const char *name) REACTOR_ONLY
{
	char what[96];

	snprintf(what, sizeof(what), "descriptor %d%s%s", fd, *name ? ", " : "", name);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return complain(-errno, "listen on", what);
	if (!sys_socket_listens(fd)) {
		log_say(LOG_LEVEL_ERROR, "%s is not a Unix stream socket that listens",
			what);
		return -EINVAL;
	}
	return add(d, fd, false, what);
}

static int add_all_passed(struct daemon *d,
			  const struct activation *activation) REACTOR_ONLY
{
	const struct config *config = d->config;
	int ret = 0;

	for (unsigned i = 0; ret == 0 && i < activation->n_fds; i++)
		ret = add_passed(d, ACTIVATION_FIRST_FD + (int)i, activation->names[i]);
	for (unsigned i = 0; ret == 0 && i < config->n_listen_fds; i++)
		ret = add_passed(d, config->listen_fds[i], "");
	return ret;
}

static int add_all_taken(struct daemon *d, const struct handed_over *taken) REACTOR_ONLY
{
	int ret = 0;

	for (unsigned i = 0; i < taken->n; i++)
		if (ret == 0)
			ret = add(d, taken->fds[i], taken->owned & (1u << i),
				  "a socket that was handed over");
		else
			sys_close(taken->fds[i]);
	return ret;
}

/* ---- names --------------------------------------------------------------- */

/* Two names may be one file. */
static bool is_same_file(const char *a, const char *b)
{
	struct stat of_a, of_b;

	return *a != '@' && *b != '@' && stat(a, &of_a) == 0 && stat(b, &of_b) == 0 &&
	       of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

static bool is_listened_on(const struct front *front, const char *name)
{
	for (unsigned i = 0; i < front->n; i++)
		if (!strcmp(front->listeners[i].name, name) ||
		    is_same_file(front->listeners[i].name, name))
			return true;
	return false;
}

/* Who listens there is still a process. */
static bool is_served(const char *name)
{
	int fd = sys_socket_connect(name);
	struct proc listener;
	pid_t pid = 0;

	if (fd < 0)
		return false;
	(void)sys_socket_peer(fd, NULL, NULL, &pid);
	sys_close(fd);
	return pid > 0 && sys_proc_stat(pid, &listener) == 0 && listener.state != 'Z' &&
	       listener.state != 'X';
}

/*
 * A daemon that was killed a moment ago may still seem to listen: the kernel takes
 * its ring apart, with the socket in it, some 50 ms later.
 */
static int listen_patiently(const char *name)
{
	const struct timespec pause = { .tv_nsec = 20 * (long)NS_PER_MS };
	int fd, tries = LISTEN_TRIES;

	while ((fd = sys_socket_listen(name, BACKLOG)) == -EADDRINUSE && --tries > 0 &&
	       !is_served(name))
		nanosleep(&pause, NULL);
	return fd;
}

/*
 * Who may connect is the daemon's to judge, once others than its own user may.  The umask
 * of a private one may be such that not even its own user could.
 */
static int set_mode(const struct config *config, const char *name)
{
	bool shared = config_is_shared(config);

	if (*name == '@' || (!shared && !config->is_private))
		return 0;
	return chmod(name, shared ? 0666 : 0600) < 0 ? -errno : 0;
}

static int add_named(struct daemon *d, const char *name) REACTOR_ONLY
{
	int fd = listen_patiently(name), ret;

	if (fd < 0)
		return complain(fd, "listen on", name);
	ret = set_mode(d->config, name);
	if (ret < 0) {
		complain(ret, "open to its clients", name);
		sys_close(fd);
	} else {
		ret = add(d, fd, true, name);
	}
	if (ret < 0 && *name != '@')
		unlink(name);
	return ret;
}

/* The directory that a socket of this name is in. */
static void parent_of(const char *path, char ret_dir[SOCKET_NAME_BYTES])
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		strcpy(ret_dir, ".");
	else if (slash == path)
		strcpy(ret_dir, "/");
	else
		snprintf(ret_dir, SOCKET_NAME_BYTES, "%.*s", (int)(slash - path), path);
}

/* The directory of the standard socket is the daemon's to make. */
static void make_parent(const char *path, mode_t mode)
{
	char dir[SOCKET_NAME_BYTES];

	parent_of(path, dir);
	mkdir(dir, mode); /* whatever is wrong with it, listening says it */
}

/* For its user alone, whatever the umask is. */
static int make_own(const char *dir)
{
	if (mkdir(dir, 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(dir, 0700) < 0 ? -errno : 0;
}

/* A private socket is in a directory of its user's that nobody else may write to. */
static int make_private(const char *path)
{
	char dir[SOCKET_NAME_BYTES];
	struct stat st;
	int ret;

	if (*path == '@')
		return 0;
	parent_of(path, dir);
	ret = make_own(dir);
	if (ret < 0)
		return complain(ret, "make the directory", dir);
	if (lstat(dir, &st) < 0)
		return complain(-errno, "look at the directory", dir);
	if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022))
		return 0;
	log_say(LOG_LEVEL_ERROR,
		"cannot listen in %s: it is not a directory of user %u's own that nobody "
		"else may write to",
		dir, (unsigned)geteuid());
	return -EACCES;
}

int front_standard_name(struct config *config)
{
	int ret = socket_default(config->sockets[0], SOCKET_NAME_BYTES);

	if (ret == 0 && config->background && !strchr("/@", config->sockets[0][0]))
		ret = -EINVAL;
	if (ret == 0)
		config->n_sockets = 1;
	return ret;
}

static int add_all_named(struct daemon *d) REACTOR_ONLY
{
	struct config *config = d->config;
	int ret = 0;

	if (d->front.n == 0 && config->n_sockets == 0) {
		ret = front_standard_name(config);
		if (ret < 0)
			return complain(ret, "listen on", "the standard socket");
		if (config->sockets[0][0] != '@')
			make_parent(config->sockets[0],
				    config_is_shared(config) ? 0755 : 0700);
	}
	if (config->is_private)
		ret = make_private(config->sockets[0]);
	for (unsigned i = 0; ret == 0 && i < config->n_sockets; i++)
		if (!is_listened_on(&d->front, config->sockets[i]))
			ret = add_named(d, config->sockets[i]);
	return ret;
}

/* ---- all ----------------------------------------------------------------- */

int front_open(struct daemon *d, const struct activation *activation,
	       const struct handed_over *taken)
{
	struct front *front = &d->front;
	int ret = add_all_taken(d, taken);

	if (ret == 0)
		ret = add_all_passed(d, activation);
	if (ret == 0)
		ret = add_all_named(d);
	if (ret < 0)
		/* What was taken is still served by its owner. */
		for (unsigned i = 0; i < front->n; i++)
			listener_stop(&front->listeners[i], i < taken->n);
	return ret;
}

void front_accept(struct front *front)
{
	for (unsigned i = 0; i < front->n; i++)
		listener_accept(&front->listeners[i]);
}

void front_stop(struct front *front, bool keep_files)
{
	for (unsigned i = 0; i < front->n; i++)
		listener_stop(&front->listeners[i], keep_files);
}

void front_hand_over(struct front *front, const int *fds)
{
	for (unsigned i = 0; i < front->n; i++)
		listener_hand_over(&front->listeners[i], fds[i]);
}

bool front_closed(const struct front *front)
{
	for (unsigned i = 0; i < front->n; i++)
		if (!front->listeners[i].closed)
			return false;
	return true;
}

void front_names(const struct front *front, char *ret_text, size_t size)
{
	size_t used = 0;

	*ret_text = '\0';
	for (unsigned i = 0; i < front->n && used < size; i++) {
		int n = snprintf(ret_text + used, size - used, "%s%s", i ? ", " : "",
				 front->listeners[i].name);

		used += n > 0 ? (size_t)n : 0;
	}
}
