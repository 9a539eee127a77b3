/*
 * The limits in force, called as the options that set them.
 */
#include "daemon/limits.h"

#include "daemon/daemon.h"
#include "engine/engine.h"
#include "pool/pool.h"

static const char *const names[LIMITS] = {
	[LIMIT_QUEUED] = "--queue-max",	     [LIMIT_OWNER_QUEUED] = "--client-queue-max",
	[LIMIT_DESCRIPTORS] = "descriptors", [LIMIT_OWNER_JOBS] = "--client-jobs-max",
	[LIMIT_BYTES] = "--bytes-max",	     [LIMIT_OWNER_BYTES] = "--client-bytes-max",
};

void limits_set(struct daemon *d, const struct config_limits *limits)
{
	const struct admission_limits admission = {
		.running_max = limits->jobs_max,
		.queued_max = limits->queue_max,
		.owner_running_max = limits->client_running_max,
		.owner_queued_max = limits->client_queue_max,
		.turn_launches = limits->turn_launches,
		.names = names,
	};

	d->limits = *limits;
	engine_set_limits(d->engine, &admission);
	pool_budget_set(d->pool_budget, limits->pool_members_max);
}
