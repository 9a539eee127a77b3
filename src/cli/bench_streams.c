/*
 * Output that the caller of a job reads itself, by epoll, as a program with an event loop
 * of its own does.
 */
#include "cli/bench_streams.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"

enum { EVENTS_MAX = 64, LIMIT_MS = 100 };

#define READ_BYTES (64u << 10)

struct stream {
	struct list link;
	int fd;
	void *owner;
};

struct bench_streams {
	int epoll_fd;
	int watched_fd; /* -1: none */
	short watched_events;
	bench_streams_fn *on_bytes;
	struct list all;
	char buffer[READ_BYTES]; /* what is read goes here and nowhere else */
};

int bench_streams_new(bench_streams_fn *on_bytes, struct bench_streams **ret_streams)
{
	struct bench_streams *streams = mem_alloc(sizeof(*streams));

	if (!streams)
		return -ENOMEM;
	streams->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (streams->epoll_fd < 0) {
		int error = errno;

		mem_free(streams);
		return -error;
	}
	streams->watched_fd = -1;
	streams->on_bytes = on_bytes;
	list_init(&streams->all);
	*ret_streams = streams;
	return 0;
}

static void stream_close(struct bench_streams *streams, struct stream *stream)
{
	list_remove(&stream->link);
	/* Closing alone does not do it while a child or a daemon has a copy for a moment. */
	epoll_ctl(streams->epoll_fd, EPOLL_CTL_DEL, stream->fd, NULL);
	close(stream->fd);
	mem_free(stream);
}

void bench_streams_free(struct bench_streams *streams)
{
	if (!streams)
		return;
	list_each(link, next, &streams->all)
		stream_close(streams, container_of(link, struct stream, link));
	close(streams->epoll_fd);
	mem_free(streams);
}

int bench_streams_watch(struct bench_streams *streams, int fd, short events)
{
	struct epoll_event event = { .events = (uint32_t)events };
	bool known = streams->watched_fd == fd;

	if (known && streams->watched_events == events)
		return 0;
	if (epoll_ctl(streams->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd,
		      &event) < 0)
		return -errno;
	streams->watched_fd = fd;
	streams->watched_events = events;
	return 0;
}

int bench_streams_add(struct bench_streams *streams, int fd, void *owner)
{
	struct stream *stream = mem_alloc(sizeof(*stream));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = stream };

	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	*stream = (struct stream){ .fd = fd, .owner = owner };
	list_append(&streams->all, &stream->link);
	if (epoll_ctl(streams->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		int error = errno;

		stream_close(streams, stream);
		return -error;
	}
	return 0;
}

int bench_streams_pipe(struct bench_streams *streams, void *owner,
		       struct usp_stdio *ret_stdio)
{
	int fds[2];
	int ret;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	ret = bench_streams_add(streams, fds[0], owner);
	if (ret < 0) {
		close(fds[1]);
		return ret;
	}
	*ret_stdio = (struct usp_stdio){ .kind = USP_STDIO_FD, .fd = fds[1] };
	return 0;
}

/* One piece: the others have their turn, too. */
static int read_some(struct bench_streams *streams, struct stream *stream)
{
	ssize_t n = read(stream->fd, streams->buffer, READ_BYTES);
	void *owner = stream->owner;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	/* Before its owner hears of it, who may begin the next one. */
	if (n == 0)
		stream_close(streams, stream);
	streams->on_bytes(owner, (size_t)n);
	return 0;
}

int bench_streams_turn(struct bench_streams *streams)
{
	struct epoll_event events[EVENTS_MAX];
	int n_events = epoll_wait(streams->epoll_fd, events, EVENTS_MAX, LIMIT_MS);
	int ret = 0;

	if (n_events < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n_events && ret == 0; i++)
		if (events[i].data.ptr)
			ret = read_some(streams, events[i].data.ptr);
	return ret;
}
