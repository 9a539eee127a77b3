/*
 * LISTEN_PID says for whom, LISTEN_FDS how many, LISTEN_FDNAMES their names with
 * colons between.
 */
#include "daemon/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int number_of(const char *text, long max, long *ret_number)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || end == text || *end || number < 0)
		return -EINVAL;
	if (number > max)
		return -E2BIG;
	*ret_number = number;
	return 0;
}

/* More names than descriptors mean nothing, fewer leave some without. */
static void take_names(struct activation *a, const char *names)
{
	for (unsigned i = 0; names && i < a->n_fds; i++) {
		size_t length = strcspn(names, ":");

		snprintf(a->names[i], sizeof(a->names[i]), "%.*s", (int)length, names);
		names = names[length] ? names + length + 1 : NULL;
	}
}

static int take_fds(struct activation *a)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	long number, n;
	int ret;

	if (!pid || !fds)
		return 0;
	ret = number_of(pid, INT32_MAX, &number);
	if (ret < 0 || number != getpid())
		return ret < 0 ? -EINVAL : 0;
	ret = number_of(fds, CONFIG_SOCKETS_MAX, &n);
	if (ret < 0)
		return ret;
	for (int fd = ACTIVATION_FIRST_FD; fd < ACTIVATION_FIRST_FD + n; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return -errno;
	a->n_fds = (unsigned)n;
	take_names(a, getenv("LISTEN_FDNAMES"));
	return 0;
}

int activation_take(struct activation *ret_activation)
{
	struct activation activation = { 0 };
	int ret = take_fds(&activation);

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_PIDFDID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (ret == 0)
		*ret_activation = activation;
	return ret;
}
