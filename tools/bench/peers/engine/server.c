/*
 * A program for each request, by an embedded engine: an HTTP/1.1 server whose one
 * thread accepts, spawns and answers.
 *
 * The engine's descriptor stands in the server's own epoll set beside its sockets.
 * Whatever is asked of the engine takes effect in its next turn, so the loop turns it
 * once after all sockets were looked at, and not for each of them.
 */
#include "server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include "connection.h"
#include "program.h"

#define EVENTS_MAX     256
#define BALLAST_MB_MAX (1ul << 20)

int server_watch(struct server *server, int fd, uint32_t events, struct watch *watch)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	return epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* ---- start and end ------------------------------------------------------- */

static void on_signal(void *owner, uint32_t events)
{
	(void)events;
	((struct server *)owner)->stopping = true;
}

static int open_signals(struct server *server)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	server->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	return server->signal_fd < 0 ? -errno : 0;
}

static void on_engine_work(void *owner, uint32_t events)
{
	(void)events;
	((struct server *)owner)->engine_due = true;
}

static int watch_engine_and_signals(struct server *server)
{
	int engine_fd = usp_engine_fd(server->engine);
	int ret;

	if (engine_fd < 0)
		return engine_fd;
	server->engine_work = (struct watch){ on_engine_work, server };
	server->signals = (struct watch){ on_signal, server };
	ret = server_watch(server, engine_fd, EPOLLIN, &server->engine_work);
	if (ret < 0)
		return ret;
	return server_watch(server, server->signal_fd, EPOLLIN, &server->signals);
}

/* Memory that a server may hold, touched. */
static int hold_ballast(struct server *server)
{
	const char *text = getenv("BENCH_BALLAST_MB");
	char *end = NULL;
	size_t megabytes = text ? strtoul(text, &end, 10) : 0;

	if (text && (end == text || *end || megabytes > BALLAST_MB_MAX)) {
		fprintf(stderr, "server: BENCH_BALLAST_MB is no size: '%s'\n", text);
		return -EINVAL;
	}
	server->ballast = malloc(megabytes << 20);
	if (!server->ballast && megabytes)
		return -ENOMEM;
	memset(server->ballast, 1, megabytes << 20);
	return 0;
}

static int server_open(struct server *server)
{
	int ret;

	*server = (struct server){ .listen_fd = -1, .signal_fd = -1 };
	STAILQ_INIT(&server->due);
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ret = server->epoll_fd < 0 ? -errno : open_signals(server);
	if (ret == 0)
		ret = usp_engine_new(NULL, &server->engine);
	if (ret == 0)
		ret = program_open_routes(server);
	if (ret == 0)
		ret = hold_ballast(server);
	if (ret == 0)
		ret = watch_engine_and_signals(server);
	return ret < 0 ? ret : server_listen(server);
}

/* Those that are due by now; who has more to do is due again. */
static void step_due(struct server *server)
{
	STAILQ_HEAD(, connection) due = STAILQ_HEAD_INITIALIZER(due);
	struct connection *c;

	STAILQ_CONCAT(&due, &server->due);
	while ((c = STAILQ_FIRST(&due))) {
		STAILQ_REMOVE_HEAD(&due, due_link);
		connection_step(c);
	}
}

/* The programs that still run are killed, and their ends told, before this returns. */
static void server_close(struct server *server)
{
	struct connection *c;

	program_close_routes(server);
	server->engine = usp_engine_free(server->engine);
	for (c = LIST_FIRST(&server->connections); c; c = LIST_NEXT(c, link))
		connection_break(c);
	step_due(server);
	close(server->listen_fd);
	close(server->signal_fd);
	close(server->epoll_fd);
	free(server->ballast);
}

/* ---- the loop ------------------------------------------------------------ */

static int look_at_sockets(struct server *server)
{
	struct epoll_event events[EVENTS_MAX];
	int wait_ms = server->engine_due || !STAILQ_EMPTY(&server->due) ? 0 : -1;
	int n = epoll_wait(server->epoll_fd, events, EVENTS_MAX, wait_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		const struct watch *watch = events[i].data.ptr;

		watch->on_ready(watch->owner, events[i].events);
	}
	return 0;
}

static int server_run(struct server *server)
{
	int ret = 0;

	while (ret == 0 && !server->stopping) {
		ret = look_at_sockets(server);
		step_due(server);
		if (ret == 0 && server->engine_due) {
			server->engine_due = false;
			ret = usp_engine_turn(server->engine);
		}
		/* What the turn told leaves together. */
		step_due(server);
	}
	return ret;
}

int main(void)
{
	struct server server;
	int ret = server_open(&server);

	if (ret == 0)
		ret = server_run(&server);
	server_close(&server);
	if (ret < 0)
		fprintf(stderr, "server: %s\n", strerror(-ret));
	return ret < 0;
}
