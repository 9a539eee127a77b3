/*
 * A real daemon on a socket in the test's temporary directory.
 */
#ifndef SUPPORT_DAEMON_H
#define SUPPORT_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct running_daemon {
	pid_t pid;
	int pidfd;
	int err_fd; /* the reading end of its stderr */
	char socket[108];
	char backend[16]; /* as it says when it is ready */
	char said[512];	  /* until it was ready */
};

/* How to start it; zeroed, without a socket and as it is. */
struct daemon_options {
	const char *socket; /* for --socket; NULL: it is not named */
	const char *const *args;
	const int *fds; /* that it has from 3 on */
	unsigned n_fds;
	bool activated; /* as a service manager passes them */
	const char *fd_names;
	const char *const *env; /* NAME=VALUE, on top of the test's */
	uid_t uid;		/* 0: the test's */
};

/*
 * Start it with @args (NULL-terminated, or NULL) beside --socket, and wait until it
 * says that it is ready.
 */
void daemon_start(struct running_daemon *daemon, const char *const *args);

/* Start it on the socket of this name. */
void daemon_start_on(struct running_daemon *daemon, const char *socket,
		     const char *const *args);

/* Start it, and wait until it is ready, or (false) until it says nothing more. */
void daemon_launch(struct running_daemon *daemon, const struct daemon_options *options);
bool daemon_becomes_ready(struct running_daemon *daemon);

/* Both, for one that becomes ready. */
void daemon_start_with(struct running_daemon *daemon,
		       const struct daemon_options *options);

/* Run it until it ends by itself, with what it says on stderr.  Returns its exit code. */
int daemon_try(const char *const *args, char *ret_text, size_t size);
int daemon_try_with(const struct daemon_options *options, char *ret_text, size_t size);

/*
 * Stop it by SIGTERM and check what is left: its exit code is 0, or 3 when jobs of the
 * test were running, and the socket file and its children are gone.
 */
void daemon_stop(struct running_daemon *daemon);

/* The same after a signal that was sent already. */
void daemon_stopped(struct running_daemon *daemon);

/* It ends by itself: its exit code, and what it said since it was ready. */
int daemon_ended(struct running_daemon *daemon, char *ret_text, size_t size);

/* Read on until it has said @text; what came until then is in @ret_text. */
void daemon_expect_said(struct running_daemon *daemon, const char *text, char *ret_text,
			size_t size);

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
