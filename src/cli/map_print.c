#include "cli/map_print.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

void map_print_open(struct map_print *print)
{
	for (int stream = 1; stream <= 2; stream++) {
		struct stat stat;

		print->waits[stream] = fstat(stream, &stat) || !S_ISREG(stat.st_mode);
	}
}

/* A signal that comes while nobody reads is not kept waiting with us. */
static int wait_for_room(struct map_print *print, int stream)
{
	struct pollfd p[2] = {
		{ .fd = stream, .events = POLLOUT },
		{ .fd = print->signal_fd, .events = POLLIN },
	};

	while (poll(p, 2, -1) < 0 || !p[0].revents)
		if (p[1].revents && !print->on_signal(print->user))
			return -EINTR;
	return 0;
}

int map_print(struct map_print *print, int stream, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		size_t part = size;
		ssize_t n;

		/* So much never blocks, once there is room. */
		if (print->waits[stream]) {
			int ret = wait_for_room(print, stream);

			if (ret)
				return ret;
			part = part < PIPE_BUF ? part : PIPE_BUF;
		}
		n = write(stream, at, part);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n > 0) {
			at += n;
			size -= (size_t)n;
		}
	}
	return 0;
}
