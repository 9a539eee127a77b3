/*
 * Who still holds the pipes of a process that has exited: asked of /proc, by the
 * janitor.
 */
#ifndef PROCESS_HOLDERS_H
#define PROCESS_HOLDERS_H

#include <uringspawn/spawn.h>
#include "launch/janitor.h"
#include "process/channel.h"

/* How many of them are named. */
#define HOLDERS_MAX 16u

/* Pipes that are asked for; one process most often holds several of them. */
#define HOLDERS_LINKS_MAX 4u

struct holders;

typedef void holders_fn(struct holders *h);

/* Memory that is the janitor's while the errand is out. */
struct holders {
	struct errand errand;
	holders_fn *on_found;
	void *user;
	unsigned n_links;
	char links[HOLDERS_LINKS_MAX][STREAM_LINK_BYTES];
	struct usp_holder found[HOLDERS_MAX];
	unsigned n;    /* in found */
	uint32_t seen; /* those that found has no place for included */
};

/* Returns NULL when there is no memory. */
struct holders *holders_new(struct owner *owner, holders_fn *on_found, void *user);

/*
 * Ask for those of @c's channels that have a name, and have on_found called.  False:
 * there is no such channel, or nobody to ask, and nothing is called.
 */
bool holders_ask(struct holders *h, struct janitor *janitor,
		 const struct channels *c) REACTOR_ONLY;

void holders_free(struct holders *h); /* not while it is out; NULL is fine */

#endif
