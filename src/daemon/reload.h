/*
 * SIGHUP: the limits are read again.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "base/annotate.h"

struct daemon;

/* Without a file of options nothing happens.  What is wrong with it is logged, and the
 * old limits stay. */
void reload(struct daemon *daemon) REACTOR_ONLY;

#endif
