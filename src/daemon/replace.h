/*
 * One daemon takes the place of another: the listening sockets go from the old one to
 * the new one, and no connection is turned away meanwhile.
 *
 * The new one asks (REPLACE, arg 0) and is given the sockets (REPLACED).  Both accept
 * from then on.  When the new one is ready it says so (REPLACE, arg 1), and the old one
 * accepts nothing more.  If it never says so, the old one goes on as if nothing had
 * happened.
 */
#ifndef DAEMON_REPLACE_H
#define DAEMON_REPLACE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/annotate.h"
#include "daemon/config.h"
#include "reactor/reactor.h"

struct daemon;
struct frame;
struct peer;
struct session;

/* ---- the old one --------------------------------------------------------- */

struct takeover {
	struct session *session; /* of the daemon that asked; NULL: nobody did */
	bool complete;		 /* all descriptors are there */
	bool given;		 /* it has the sockets */
	struct op install;
	unsigned n_fds;
	/* The listeners', then, until they are given, the session's own. */
	int fds[CONFIG_SOCKETS_MAX + 1];
};

/* A REPLACE of this session. */
void takeover_frame(struct session *s, const struct frame *frame) REACTOR_ONLY;

/* Frames have left for this session. */
void takeover_sent(struct session *s) REACTOR_ONLY;

/* This session asks for nothing more, if it ever did. */
void takeover_forget(struct session *s) REACTOR_ONLY;

/* Somebody else may listen on its sockets. */
bool takeover_is_given(const struct daemon *daemon);

/* ---- the new one --------------------------------------------------------- */

/* Zeroed: nothing. */
struct handed_over {
	bool by_somebody;
	int link_fd; /* the connection to who handed them over */
	unsigned n;
	int fds[CONFIG_SOCKETS_MAX];
	uint32_t owned; /* bit i: the file of socket i is a daemon's to remove */
};

/*
 * Ask the daemon that listens on @name for its sockets; blocks for some seconds at
 * most.  When nobody listens there nothing is handed over.  What goes wrong is logged.
 *
 * @return 0 or -errno; -EPERM: somebody else's daemon listens there
 */
int replace_ask(const char *name, const struct peer *self,
		struct handed_over *ret_handed_over);

/* It serves now: the other one is let go.  Nothing happens when there is none. */
void replace_confirm(struct handed_over *handed_over);

#endif
