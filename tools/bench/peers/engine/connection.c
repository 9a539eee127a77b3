/*
 * One client.  Events say what is possible, connection_step() does it.
 *
 * No connection is closed for being silent: this server's clients are a benchmark's.
 */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "answer.h"
#include "program.h"

/* Less waits for the end of the engine's turn, since more may follow in it. */
#define DIRECT_BYTES 4096

/* Of one connection, before others have their turn. */
#define ADVANCES_MAX 16

void connection_due(struct connection *c)
{
	if (!c->due)
		STAILQ_INSERT_TAIL(&c->server->due, c, due_link);
	c->due = true;
}

void connection_break(struct connection *c)
{
	c->broken = true;
	connection_due(c);
}

static void on_ready(void *owner, uint32_t events)
{
	struct connection *c = owner;

	if (events & (EPOLLERR | EPOLLHUP))
		c->broken = true;
	if (events & EPOLLIN)
		c->readable = true;
	connection_due(c);
}

int connection_open(struct server *server, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	int ret = -ENOMEM;

	if (c) {
		c->server = server;
		c->fd = fd;
		c->watch = (struct watch){ on_ready, c };
		ret = server_watch(server, fd, EPOLLIN | EPOLLOUT | EPOLLET, &c->watch);
	}
	if (ret < 0) {
		close(fd);
		free(c);
		return ret;
	}
	LIST_INSERT_HEAD(&server->connections, c, link);
	server->n_connections++;
	return 0;
}

/* ---- out ----------------------------------------------------------------- */

void connection_send(struct connection *c, const struct iovec *pieces, int n)
{
	size_t size = 0;
	int ret;

	if (c->broken)
		return;
	for (int i = 0; i < n; i++)
		size += pieces[i].iov_len;
	if (size < DIRECT_BYTES)
		ret = outgoing_add(&c->out, pieces, n);
	else
		ret = outgoing_send(&c->out, c->fd, pieces, n);
	if (ret < 0)
		c->broken = true;
	connection_due(c);
}

/* What left for the socket is credit for the program: a slow client slows it down. */
static void send_waiting(struct connection *c)
{
	if (!c->broken && c->out.size && outgoing_send(&c->out, c->fd, NULL, 0) < 0)
		c->broken = true;
	if (c->process)
		program_credit(c);
}

/* ---- in ------------------------------------------------------------------ */

/* @return whether something came, or may be there */
static bool receive(struct connection *c)
{
	ssize_t ret;

	if (!c->readable)
		return false;
	ret = recv(c->fd, c->in + c->in_size, sizeof(c->in) - c->in_size, MSG_DONTWAIT);
	if (ret > 0)
		c->in_size += (size_t)ret;
	else if (ret == 0)
		c->ended = c->last = true;
	else if (errno == EAGAIN)
		c->readable = false;
	else if (errno != EINTR)
		c->broken = true;
	return c->readable;
}

/* @return whether there may be more to do */
static bool take_request(struct connection *c)
{
	struct request request;
	int ret = request_parse(c->in, c->in_size, &request);

	if (ret == 0)
		return receive(c);
	c->last = ret < 0 || request.close;
	if (ret < 0) {
		answer_whole(c, -ret, "");
		return true;
	}
	if (!slice_is(request.method, "GET") || !program_start(c, request.target))
		answer_whole(c, 404, "");
	c->in_size -= (size_t)ret;
	memmove(c->in, c->in + ret, c->in_size);
	return true;
}

static bool has_answered(const struct connection *c)
{
	return !c->broken && !c->process && !c->out.size;
}

/*
 * The client closes first: input that nobody has read by our close could cost it what was
 * sent last.
 *
 * @return whether there may be more to do
 */
static bool drop_input(struct connection *c)
{
	if (c->ended || (!c->shut && shutdown(c->fd, SHUT_WR) < 0))
		c->broken = true;
	c->shut = true;
	c->in_size = 0;
	return !c->broken && receive(c);
}

/* ---- all that is possible ------------------------------------------------ */

static void lose(struct connection *c)
{
	/* Closing alone does not end the watch while a program that is just started has a
	 * copy; what it told then would be told of whoever has this memory next. */
	epoll_ctl(c->server->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
	close(c->fd);
	c->fd = -1;
	outgoing_done(&c->out);
	if (c->process) {
		usp_process_kill(c->process);
		c->server->engine_due = true;
	}
}

static void release(struct connection *c)
{
	struct server *server = c->server;

	LIST_REMOVE(c, link);
	free(c);
	server_left(server);
}

/* @return whether there may be more to do */
static bool go_on(struct connection *c)
{
	send_waiting(c);
	if (!has_answered(c))
		return false;
	return c->last ? drop_input(c) : take_request(c);
}

void connection_step(struct connection *c)
{
	bool more = true;

	for (int i = 0; i < ADVANCES_MAX && more; i++)
		more = go_on(c);
	if (c->broken && c->fd >= 0)
		lose(c);
	c->due = false;
	if (c->fd < 0 && !c->process)
		release(c);
	else if (more)
		connection_due(c);
}
