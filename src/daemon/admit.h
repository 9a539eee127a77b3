/*
 * Who may come in, and how many.
 */
#ifndef DAEMON_ADMIT_H
#define DAEMON_ADMIT_H

#include "base/annotate.h"

struct daemon;

void admit_init(struct daemon *daemon) REACTOR_ONLY;

/* A connection: it becomes a session, or is told why not.  Takes @fd. */
void admit_connection(struct daemon *daemon, int fd) REACTOR_ONLY;

/* Nobody comes any more. */
void admit_stop(struct daemon *daemon) REACTOR_ONLY;

#endif
