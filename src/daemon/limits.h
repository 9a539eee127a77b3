/*
 * The limits in force: where they come from the configuration, and what the engine
 * has to know of them.
 */
#ifndef DAEMON_LIMITS_H
#define DAEMON_LIMITS_H

#include "base/annotate.h"

struct config_limits;
struct daemon;

/* From now on these hold.  What is there already stays. */
void limits_set(struct daemon *d, const struct config_limits *limits) REACTOR_ONLY;

#endif
