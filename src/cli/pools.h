/*
 * A pool of a daemon, by its name: found, and shared with who opened it.
 */
#ifndef CLI_POOLS_H
#define CLI_POOLS_H

#include <jansson.h>
#include <uringspawn/client.h>

/* What the daemon lists of it, of this user's first; NULL: there is none. */
const json_t *pools_find(const json_t *pools, const char *name);

/* The same, once; the caller's, or NULL: why was said. */
json_t *pools_look(struct usp_client *client, const char *name);

/*
 * Open it, by options with which it is made, or, without .member, shared, and wait until
 * it is there.  The options' on_opened and user are set here.
 * Returns 0, or -errno: why was said.
 */
int pools_open(struct usp_client *client, const struct usp_pool_options *options,
	       struct usp_pool **ret_pool);

/* Share it. */
int pools_share(struct usp_client *client, const char *name, struct usp_pool **ret_pool);

#endif
