/*
 * The socket on 127.0.0.1 that clients connect to.
 */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "connection.h"

#define CONNECTIONS_MAX 4096

static void set_listening(struct server *server, bool listening)
{
	struct epoll_event event = { .events = listening ? EPOLLIN : 0,
				     .data.ptr = &server->listener };

	if (server->listening != listening)
		epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, server->listen_fd, &event);
	server->listening = listening;
}

void server_left(struct server *server)
{
	server->n_connections--;
	set_listening(server, true);
}

/* Where there is no room for one more, the next ones wait until somebody leaves. */
static void on_connect(void *owner, uint32_t events)
{
	struct server *server = owner;
	int ret = 0;

	(void)events;
	while (ret >= 0 && server->n_connections < CONNECTIONS_MAX) {
		int fd = accept4(server->listen_fd, NULL, NULL,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 &&
		    (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
			return;
		ret = fd < 0 ? -errno : connection_open(server, fd);
	}
	if (server->n_connections) {
		set_listening(server, false);
		return;
	}
	fprintf(stderr, "server: cannot accept: %s\n", strerror(-ret));
	server->stopping = true;
}

/* The port is on stdout, for whoever started this. */
static int bind_socket(int fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);

	/* Each accepted socket has the option from here. */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) ||
	    bind(fd, (struct sockaddr *)&address, size) || listen(fd, SOMAXCONN) ||
	    getsockname(fd, (struct sockaddr *)&address, &size))
		return -errno;
	printf("%d\n", ntohs(address.sin_port));
	return fflush(stdout) ? -errno : 0;
}

int server_listen(struct server *server)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = bind_socket(fd);
	if (ret == 0) {
		server->listener = (struct watch){ on_connect, server };
		ret = server_watch(server, fd, EPOLLIN, &server->listener);
	}
	if (ret < 0) {
		close(fd);
		return ret;
	}
	server->listen_fd = fd;
	server->listening = true;
	return 0;
}
