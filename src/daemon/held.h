/*
 * STDIN of a job that no process has taken yet, counted by stream.
 */
#ifndef DAEMON_HELD_H
#define DAEMON_HELD_H

#include <stddef.h>
#include "base/list.h"

struct held {
	struct list streams; /* those that something was ever held of */
	size_t bytes;	     /* of all */
};

void held_init(struct held *held);
void held_done(struct held *held);

/* So much more.  Returns 0 or -ENOMEM. */
int held_add(struct held *held, int stream, size_t bytes);

/* So much was taken; 0: nothing is held any more.  Returns what is not held now. */
size_t held_take(struct held *held, int stream, size_t bytes);

/* What was added last is not held after all: as held_take(), and a stream of which
 * nothing is left is forgotten. */
size_t held_undo(struct held *held, int stream, size_t bytes);

#endif
