#include "sys/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "sys/fd.h"

/* "ADDR:PORT", or "[ADDR]:PORT", in two.  Returns where the port begins, or NULL. */
static const char *split(const char *text, char *addr, size_t size)
{
	const char *colon = strrchr(text, ':');
	const char *start = text;
	size_t length;

	if (!colon || colon == text)
		return NULL;
	length = (size_t)(colon - text);
	if (*text == '[') {
		if (colon[-1] != ']' || length < 3)
			return NULL;
		start++;
		length -= 2;
	}
	if (length >= size)
		return NULL;
	memcpy(addr, start, length);
	addr[length] = 0;
	return colon + 1;
}

static bool parse_port(const char *text, in_port_t *ret_port)
{
	unsigned long port;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	port = strtoul(text, &end, 10);
	if (errno || *end || port > UINT16_MAX)
		return false;
	*ret_port = htons((uint16_t)port);
	return true;
}

int tcp_address(const char *text, struct tcp_address *ret_address)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	char addr[INET6_ADDRSTRLEN];
	const char *port = split(text, addr, sizeof(addr));
	in_port_t number;

	if (!port || !parse_port(port, &number))
		return -EINVAL;
	if (strcmp(addr, "localhost") == 0)
		strcpy(addr, "127.0.0.1");
	*ret_address = (struct tcp_address){ 0 };
	if (*text != '[' && inet_pton(AF_INET, addr, &v4.sin_addr) == 1) {
		v4.sin_port = number;
		memcpy(&ret_address->bytes, &v4, sizeof(v4));
		ret_address->size = sizeof(v4);
		return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET ? 0 : -EACCES;
	}
	if (*text == '[' && inet_pton(AF_INET6, addr, &v6.sin6_addr) == 1) {
		v6.sin6_port = number;
		memcpy(&ret_address->bytes, &v6, sizeof(v6));
		ret_address->size = sizeof(v6);
		return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ? 0 : -EACCES;
	}
	return -EINVAL;
}

static int listen_on(int fd, const struct tcp_address *address, int backlog)
{
	const int yes = 1;

	/* Connections that were closed a moment ago do not keep the port. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)))
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address->bytes, address->size))
		return -errno;
	return listen(fd, backlog) ? -errno : 0;
}

int sys_tcp_listen(const struct tcp_address *address, int backlog)
{
	int fd = socket(address->bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = listen_on(fd, address, backlog);
	if (ret) {
		sys_close(fd);
		return ret;
	}
	return fd;
}

int sys_tcp_port(int fd)
{
	struct tcp_address address = { .size = sizeof(address.bytes) };
	in_port_t port;

	if (getsockname(fd, (struct sockaddr *)&address.bytes, &address.size))
		return -errno;
	if (address.bytes.ss_family == AF_INET6)
		port = ((struct sockaddr_in6 *)&address.bytes)->sin6_port;
	else
		port = ((struct sockaddr_in *)&address.bytes)->sin_port;
	return ntohs(port);
}
