/*
 * A daemon that is nobody's child: its end is seen by a pidfd.
 */
#include "support/private.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/daemon.h"
#include "support/wait.h"
#include "sys/fd.h"
#include "sys/sock.h"

#define ARGS_MAX 16

void private_find(struct private_daemon *daemon, const char *socket)
{
	int fd = sys_socket_connect(socket);

	cr_assert(ge(int, fd, 0), "nobody listens on %s", socket);
	cr_assert(lt(sz, strlen(socket), sizeof(daemon->socket)));
	strcpy(daemon->socket, socket);
	cr_assert(eq(int, sys_socket_peer(fd, NULL, NULL, &daemon->pid), 0));
	daemon->pidfd = (int)syscall(SYS_pidfd_open, daemon->pid, 0);
	cr_assert(ge(int, daemon->pidfd, 0));
	sys_close(fd);
}

void private_start(struct private_daemon *daemon, const char *socket,
		   const char *const *args)
{
	const char *all[ARGS_MAX] = { "--private", "--background", "--stop-after",
				      "60s" };
	const struct daemon_options options = { .socket = socket, .args = all };
	char text[1024];
	int n = 4;

	for (; args && *args; args++)
		all[n++] = *args;
	cr_assert(lt(int, n, ARGS_MAX));
	cr_assert(eq(int, daemon_try_with(&options, text, sizeof(text)), 0), "%s", text);
	private_find(daemon, socket);
}

void private_expect_ended(struct private_daemon *daemon)
{
	cr_assert(wait_fd(daemon->pidfd, POLLIN, 3 * WAIT_MS), "it does not end");
	cr_expect(eq(int, access(daemon->socket, F_OK), -1), "the socket file is left");
	close(daemon->pidfd);
}
