/*
 * One socket that clients connect to.
 */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/annotate.h"
#include "daemon/log.h"
#include "reactor/reactor.h"
#include "sys/sock.h"

struct daemon;

struct listener {
	struct owner owner;
	struct daemon *daemon;
	int slot;
	bool stopped;
	bool closed; /* the socket is */
	int last_fd; /* handed over: what is there is accepted by it, once; or -1 */
	struct op accept;
	struct timer retry; /* accepting failed; again a little later */
	struct log_repeat failed;
	char name[SOCKET_NAME_BYTES];
	/* The socket file is the daemon's to remove, as long as it is still this one. */
	bool owns_file;
	dev_t device;
	ino_t inode;
};

/*
 * Take over the listening socket @fd, which is taken.  @owns_file: a daemon, this one
 * or one before it, made its file.  Returns 0 or -errno.
 */
int listener_open(struct listener *l, struct daemon *daemon, int fd,
		  bool owns_file) REACTOR_ONLY;

void listener_accept(struct listener *l) REACTOR_ONLY;

/* Accept nothing more, and remove the socket file unless @keep_file; closed is true
 * when that is done. */
void listener_stop(struct listener *l, bool keep_file) REACTOR_ONLY;

/*
 * Another process accepts from now on.  A connection wakes one of those who wait for
 * it: those of which this daemon was told, and the other was not, are still accepted.
 * Takes @fd, the socket.
 */
void listener_hand_over(struct listener *l, int fd) REACTOR_ONLY;

#endif
