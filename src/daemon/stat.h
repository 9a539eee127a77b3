/*
 * What the daemon tells about itself.
 */
#ifndef DAEMON_STAT_H
#define DAEMON_STAT_H

#include <stdbool.h>
#include "base/annotate.h"

struct buf;
struct daemon;

/* More than the text ever is: it grows with pools of different names alone, up to
 * POOL_NAMES_MAX. */
#define STAT_BYTES_MAX (768u << 10)

/* Append the numbers, as Prometheus reads them or as one JSON object.
 * Returns 0, -ENOMEM or -EMSGSIZE. */
int stat_write(const struct daemon *d, bool json, struct buf *out) REACTOR_ONLY;

#endif
