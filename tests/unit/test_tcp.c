/*
 * sys/tcp.c: addresses of this machine, and a socket that listens there.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/clean.h"
#include "sys/fd.h"
#include "sys/tcp.h"

static const struct row {
	const char *text;
	int want;
} rows[] = {
	{ "127.0.0.1:9100", 0 },
	{ "127.9.9.9:0", 0 },
	{ "localhost:65535", 0 },
	{ "[::1]:9100", 0 },
	{ "0.0.0.0:9100", -EACCES },
	{ "10.0.0.1:9100", -EACCES },
	{ "[::]:9100", -EACCES },
	{ "[2001:db8::1]:1", -EACCES },
	{ "", -EINVAL },
	{ ":9100", -EINVAL },
	{ "127.0.0.1", -EINVAL },
	{ "127.0.0.1:", -EINVAL },
	{ "127.0.0.1:65536", -EINVAL },
	{ "127.0.0.1:-1", -EINVAL },
	{ "127.0.0.1:+1", -EINVAL },
	{ "127.0.0.1:1x", -EINVAL },
	{ "127.0.0.1:99999999999999999999", -EINVAL },
	{ "127.1:80", -EINVAL },
	{ "::1:9100", -EINVAL },
	{ "[127.0.0.1]:80", -EINVAL },
	{ "[]:80", -EINVAL },
	{ "[::1:80", -EINVAL },
	{ "example.org:80", -EINVAL },
	{ "0123456789012345678901234567890123456789012345678901234567890:1", -EINVAL },
};

Test(tcp, an_address_is_one_of_loopback_with_a_port)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tcp_address address;

		cr_expect(eq(int, tcp_address(rows[i].text, &address), rows[i].want),
			  "'%s'", rows[i].text);
	}
}

static int connect_to(int family, int port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons((uint16_t)port),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret = family == AF_INET ? connect(fd, (struct sockaddr *)&v4, sizeof(v4))
				    : connect(fd, (struct sockaddr *)&v6, sizeof(v6));

	close(fd);
	return ret ? -errno : 0;
}

CLEAN_TEST(tcp, somebody_can_connect_to_it)
{
	struct tcp_address address;
	int fd;

	cr_assert(eq(int, tcp_address("localhost:0", &address), 0));
	fd = sys_tcp_listen(&address, 4);
	cr_assert(ge(int, fd, 0));
	cr_assert(lt(int, 0, sys_tcp_port(fd)));
	cr_expect(eq(int, connect_to(AF_INET, sys_tcp_port(fd)), 0));
	close(fd);
}

CLEAN_TEST(tcp, also_over_ipv6_where_that_is_there)
{
	struct tcp_address address;
	int fd;

	cr_assert(eq(int, tcp_address("[::1]:0", &address), 0));
	fd = sys_tcp_listen(&address, 4);
	if (fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT)
		cr_skip("no IPv6 on this machine");
	cr_assert(ge(int, fd, 0));
	cr_expect(eq(int, connect_to(AF_INET6, sys_tcp_port(fd)), 0));
	close(fd);
}

CLEAN_TEST(tcp, a_port_that_is_taken_is_an_error)
{
	struct tcp_address address;
	int fd;

	cr_assert(eq(int, tcp_address("127.0.0.1:0", &address), 0));
	fd = sys_tcp_listen(&address, 4);
	cr_assert(ge(int, fd, 0));
	((struct sockaddr_in *)&address.bytes)->sin_port =
		htons((uint16_t)sys_tcp_port(fd));
	cr_expect(eq(int, sys_tcp_listen(&address, 4), -EADDRINUSE));
	close(fd);
}
