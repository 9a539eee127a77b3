/*
 * One who asks an engine for processes: the engine's own program, or a client of a
 * daemon.  Who it is and how it is heard is its owner's; here it is a place in line.
 */
#ifndef ENGINE_OWNER_H
#define ENGINE_OWNER_H

#include "base/list.h"

struct admission_owner {
	struct list waiting; /* of process.queue_link, in the order they came */
	struct list link;    /* of the list that it stands in */
	struct list *stands; /* admission.round or .held; NULL: nothing of it waits */
	unsigned running, queued;
	unsigned turn_left; /* launches left of its turn */
};

/* It may be freed when none of its processes is left. */
static inline void admission_owner_init(struct admission_owner *owner)
{
	*owner = (struct admission_owner){ 0 };
	list_init(&owner->waiting);
	list_init(&owner->link);
}

#endif
