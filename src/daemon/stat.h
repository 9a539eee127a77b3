/*
 * What the daemon tells about itself.
 */
#ifndef DAEMON_STAT_H
#define DAEMON_STAT_H

#include <stdbool.h>
#include "base/annotate.h"

struct buf;
struct daemon;

/* More than the text ever is: it does not grow with what the daemon has to do. */
#define STAT_BYTES_MAX (64u << 10)

/* Append the numbers, as Prometheus reads them or as one JSON object.
 * Returns 0, -ENOMEM or -EMSGSIZE. */
int stat_write(const struct daemon *d, bool json, struct buf *out) REACTOR_ONLY;

#endif
