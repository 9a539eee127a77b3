/*
 * A command that returns once the daemon serves, and leaves it behind.
 */
#ifndef DAEMON_BACKGROUND_H
#define DAEMON_BACKGROUND_H

#include "daemon/config.h"

/* Descriptors from 3 on that were passed for a purpose. */
struct background_kept {
	int fds[2 * CONFIG_SOCKETS_MAX];
	unsigned n_fds;
};

/*
 * Go on in a child; before there is any thread.  Returns -1 in it; in the parent, when the
 * child is ready or over, the exit code that is to be returned.  What was inherited beside
 * the standard streams, and is not @kept, is closed.
 */
int background_enter(const struct background_kept *kept);

/*
 * It serves: hold nothing that it was started with, neither its streams, whose other end
 * somebody may read to the end, nor its working directory, and let the parent return.  (A
 * log that goes to a file goes on.)  Nothing happens in a daemon that is not in the
 * background.
 */
void background_ready(void);

#endif
