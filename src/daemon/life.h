/*
 * How the daemon's life goes on: it serves, is replaced, stops.  enum daemon_phase has
 * the drawing.
 */
#ifndef DAEMON_LIFE_H
#define DAEMON_LIFE_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/annotate.h"

struct daemon;

void life_init(struct daemon *daemon) REACTOR_ONLY;

/* Somebody wants it to stop; each time more urgently. */
void life_stop(struct daemon *daemon) REACTOR_ONLY;

/* The process @by listens in its place. */
void life_replaced(struct daemon *daemon, pid_t by) REACTOR_ONLY;

/* Go on if it is time.  To be called after each turn. */
void life_step(struct daemon *daemon) REACTOR_ONLY;

/* Nothing is left to be done. */
bool life_is_over(const struct daemon *daemon);

#endif
