/*
 * Pools that the daemon keeps for this client.
 */
#ifndef CLIENT_POOL_H
#define CLIENT_POOL_H

#include <stdbool.h>
#include <uringspawn/client.h>
#include "wire/pool_frame.h"

struct remote;

/* A use of @pool, which is this client's, as @options ask for it; NULL: no memory. */
struct remote *client_pool_use(struct usp_pool *pool, const struct usp_options *options);

/* How a request names it. */
uint32_t client_pool_id(const struct usp_pool *pool);

/* Take what the daemon says of a pool, and tell it.  One that is no more is not told.
 * Returns 0 or -EPROTO. */
int client_pools_take(struct usp_client *client, const struct frame *frame);

/* Tell a daemon that has just greeted of all that were open.  Returns 0; -ENOMEM. */
int client_pools_send(struct usp_client *client);

/* The connection is lost: what it still owes will not come. */
void client_pools_lose(struct usp_client *client);

/* Tell of those that were closed when there was no connection. */
void client_pools_tell(struct usp_client *client);

/* The latter, of those that are being closed alone. */
void client_pools_end(struct usp_client *client);

/* The client is freed before they are: nobody keeps them any more. */
void client_pools_orphan(struct usp_client *client);

/* Is an answer to be told? */
bool client_pools_wait(const struct usp_client *client);

#endif
