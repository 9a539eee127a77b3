/*
 * A TCP socket that listens on this machine alone.
 */
#ifndef SYS_TCP_H
#define SYS_TCP_H

#include <sys/socket.h>

struct tcp_address {
	struct sockaddr_storage bytes;
	socklen_t size;
};

/*
 * "127.0.0.1:9100", "localhost:9100", "[::1]:9100"; port 0: any that is free.
 * Opens nothing.  Returns 0, or -EINVAL: it is no address with a port; -EACCES: it is
 * not one of loopback.
 */
int tcp_address(const char *text, struct tcp_address *ret_address);

/* Returns a close-on-exec descriptor, or -EADDRINUSE, -EACCES and what bind() else
 * gives. */
int sys_tcp_listen(const struct tcp_address *address, int backlog);

/* The port that @fd listens on. */
int sys_tcp_port(int fd);

#endif
