/*
 * The jobs of all clients, by numbers of the daemon's own: listed, and ended, for who may.
 */
#ifndef DAEMON_LISTING_H
#define DAEMON_LISTING_H

#include <stdint.h>
#include <sys/types.h>
#include "base/annotate.h"

struct buf;
struct job;
struct session;

/* More than one answer ever is. */
#define LISTING_BYTES_MAX (64u << 10)

/* @job has a process: it gets a number.  Without memory it has none, and is not listed. */
void listing_add(struct job *job);
void listing_remove(struct job *job);

/*
 * Append one JSON object: jobs that @s may see, in the order in which they came, from
 * behind the number @after on, 0: the first; and behind which to ask for more, 0: there
 * are none.  Returns 0, -ENOMEM or -EMSGSIZE.
 */
int listing_write(const struct session *s, uint32_t after, struct buf *out) REACTOR_ONLY;

/* The job of that number, if @s may end it, or NULL. */
struct job *listing_find(const struct session *s, uint32_t number);

/* Append up to @max bytes of @name in quotes; those that are no ASCII letters are told by
 * their number.  128 bytes at most. */
int listing_put_text(struct buf *out, const char *name, size_t max);

/* Append what a process has used, as members of an object: null where there is none, or
 * /proc does not tell. */
int listing_put_usage(struct buf *out, pid_t pid);

#endif
