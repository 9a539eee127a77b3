/*
 * The socket that clients connect to: who may come in, and how many.
 */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/annotate.h"
#include "reactor/reactor.h"

struct daemon;

struct listener {
	struct owner owner;
	struct daemon *daemon;
	int slot;
	bool stopped;
	bool closed; /* the socket is */
	bool told;   /* that accepting fails: once is enough */
	struct op accept;
	struct timer retry;    /* accepting failed; again a little later */
	struct timer greeting; /* when the oldest connection must have said HELLO */
	const char *name;
	dev_t device; /* of the socket file, which is removed only if it is still this one
		       */
	ino_t inode;
};

/*
 * Listen on @name, which must stay.  Returns 0, or -EADDRINUSE: somebody listens
 * there; -EACCES, -ENOENT, -ENAMETOOLONG, and what bind() else gives.
 */
int listener_open(struct listener *l, struct daemon *daemon,
		  const char *name) REACTOR_ONLY;

/* Accept nothing more and remove the socket file; closed is true when that is done. */
void listener_stop(struct listener *l) REACTOR_ONLY;

#endif
