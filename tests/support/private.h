/*
 * A private daemon in the background, started by a command that returns.
 */
#ifndef SUPPORT_PRIVATE_H
#define SUPPORT_PRIVATE_H

#include <sys/types.h>

struct private_daemon {
	char socket[108];
	pid_t pid;
	int pidfd;
};

/* Start it on the socket of this name, with @args beside (NULL-terminated, or NULL). */
void private_start(struct private_daemon *daemon, const char *socket,
		   const char *const *args);

/* Who listens there. */
void private_find(struct private_daemon *daemon, const char *socket);

/* It ends by itself, and its socket file is gone. */
void private_expect_ended(struct private_daemon *daemon);

#endif
