/*
 * What the daemon tells about its pools.
 */
#ifndef DAEMON_POOL_STAT_H
#define DAEMON_POOL_STAT_H

#include "base/annotate.h"

struct buf;
struct daemon;
struct exposition;
struct session;
struct shared_pool;

/* Names that have numbers of their own; all others, and pools without one, are "". */
#define POOL_NAMES_MAX 32

/* One pool comes to its end: what it came to is not forgotten. */
void pool_stat_keep(const struct shared_pool *shared) REACTOR_ONLY;

/* The numbers of all, by name. */
void pool_stat_write(struct exposition *e, const struct daemon *d) REACTOR_ONLY;

/* Append the pools that the client of @s may see, as a JSON object.  Returns 0, -ENOMEM or
 * -EMSGSIZE. */
int pool_stat_list(const struct session *s, struct buf *out) REACTOR_ONLY;

#endif
