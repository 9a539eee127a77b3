/*
 * A real daemon on a socket in the test's temporary directory.
 */
#ifndef SUPPORT_DAEMON_H
#define SUPPORT_DAEMON_H

#include <sys/types.h>

struct running_daemon {
	pid_t pid;
	int pidfd;
	int err_fd; /* the reading end of its stderr */
	char socket[108];
	char backend[16]; /* as it says when it is ready */
	char said[512];	  /* on its stderr, until it was ready */
};

/*
 * Start it with @args (NULL-terminated, or NULL) beside --socket, and wait until it
 * says that it is ready.
 */
void daemon_start(struct running_daemon *daemon, const char *const *args);

/* Start it on the socket of this name. */
void daemon_start_on(struct running_daemon *daemon, const char *socket,
		     const char *const *args);

/* Run it until it ends by itself, with what it says on stderr.  Returns its exit code. */
int daemon_try(const char *const *args, char *ret_text, size_t size);

/*
 * Stop it by SIGTERM and check what is left: its exit code is 0, and the socket file
 * and its children are gone.
 */
void daemon_stop(struct running_daemon *daemon);

/* The same after a signal that was sent already. */
void daemon_stopped(struct running_daemon *daemon);

void daemon_signal(const struct running_daemon *daemon, int signal);

/* Memory that it has in use, in KiB: the "VmRSS" of its status. */
long daemon_rss_kib(const struct running_daemon *daemon);

/* The most that it ever had in use, in KiB: the "VmHWM". */
long daemon_peak_kib(const struct running_daemon *daemon);

/* The descriptors that it has open. */
int daemon_open_fds(const struct running_daemon *daemon);

/* Its direct descriptors, those in its ring's own table; -1 where the kernel does not
 * tell. */
int daemon_direct_fds(const struct running_daemon *daemon);

/* Its children, zombies included. */
int daemon_children(const struct running_daemon *daemon);

#endif
