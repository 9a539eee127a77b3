/*
 * What every struct usp_pool starts with, whoever keeps it.
 */
#ifndef API_POOL_H
#define API_POOL_H

#include <uringspawn/pool.h>

/* The public calls of one kind of pool, arguments checked. */
struct pool_verbs {
	/* As usp_spawn(), of @options as this library knows them, which ask for a use. */
	int (*use)(struct usp_pool *pool, const struct usp_options *options,
		   struct usp_process **ret_process);
	int (*resize)(struct usp_pool *pool, unsigned min, unsigned max, unsigned spare);
	void (*close)(struct usp_pool *pool, uint64_t drain_ns,
		      void (*on_closed)(void *user), void *user);
	int (*stats)(const struct usp_pool *pool, struct usp_pool_stats *ret_stats);
};

/* Embedded as the first member of an engine's pool and of a client's. */
struct usp_pool {
	const struct pool_verbs *verbs;
	const void *home; /* the engine or the client that it belongs to */
};

#endif
