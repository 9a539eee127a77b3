/*
 * `uringspawn pool resize` and `uringspawn pool close`.
 */
#include <errno.h>
#include <stdio.h>
#include <uringspawn/client.h>
#include "base/clock.h"
#include "cli/jobs.h"
#include "cli/pool_command.h"
#include "cli/pools.h"

static const char resize_usage[] =
	"Usage: uringspawn pool resize NAME [OPTIONS]\n"
	"Change how many processes a pool has; those above the new maximum are let go as\n"
	"they become idle.  What is not said stays as it is.\n"
	"\n"
	"  --socket PATH   of the daemon at PATH (or @NAME), not the default one\n"
	"  --min N         so many at least\n"
	"  --max N         so many at most; 0: as many as the daemon runs\n"
	"  --spare N       so many idle ones are kept ahead of need\n"
	"\n"
	"Exit code: 0, or 125 when it has not that size now: what was wrong is said.\n";

static const char close_usage[] =
	"Usage: uringspawn pool close NAME [--socket PATH] [--drain TIME]\n"
	"End a pool, for all who share it, and return when none of its processes is left.\n"
	"Uses that wait fail.\n"
	"\n"
	"  --socket PATH   of the daemon at PATH (or @NAME), not the default one\n"
	"  --drain TIME    uses that go on have so long to come to an end (5s)\n"
	"\n"
	"Exit code: 0, or 125 when there is no such pool, or no daemon that answers.\n";

#define DRAIN_NS_DEFAULT (5 * NS_PER_S)

/* ---- resize -------------------------------------------------------------------------- */

static const struct option resize_known[] = {
	POOL_OPTIONS_OF_ALL,
	{ "min", required_argument, NULL, POOL_MIN },
	{ "max", required_argument, NULL, POOL_MAX },
	{ "spare", required_argument, NULL, POOL_SPARE },
	{ 0 },
};

static unsigned spare_of(const json_t *pool)
{
	unsigned spare = (unsigned)jobs_number(pool, "spare");

	return spare ? spare : USP_POOL_NO_SPARE;
}

static void complete_size(struct pool_command *command, const json_t *pool)
{
	if (!command->has_min)
		command->min = (unsigned)jobs_number(pool, "min");
	if (!command->has_max)
		command->max = (unsigned)jobs_number(pool, "max");
	if (!command->has_spare)
		command->spare = spare_of(pool);
}

/* What the daemon says to it is not told; what the pool is afterwards is. */
static int expect_size(struct usp_client *client, const struct pool_command *command)
{
	json_t *pool = pools_look(client, command->pool);
	bool is_so = pool && jobs_number(pool, "min") == command->min &&
		     jobs_number(pool, "max") == command->max &&
		     spare_of(pool) == command->spare;

	if (pool && !is_so)
		fprintf(stderr,
			"uringspawn: pool '%s' was not resized: the daemon allows fewer "
			"(--pool-members-max)\n",
			command->pool);
	json_decref(pool);
	return is_so ? 0 : POOL_CODE_OURS;
}

static int too_large(const struct pool_command *command)
{
	bool min = command->min > command->max;

	fprintf(stderr, "uringspawn: of pool '%s' %s %u would be more than --max %u\n",
		command->pool, min ? "--min" : "--spare",
		min ? command->min : command->spare, command->max);
	return POOL_CODE_OURS;
}

static int resize(struct usp_client *client, struct pool_command *command)
{
	json_t *now = pools_look(client, command->pool);
	struct usp_pool *pool;
	int code = POOL_CODE_OURS;

	if (now && !pools_share(client, command->pool, &pool)) {
		complete_size(command, now);
		if (usp_pool_resize(pool, command->min, command->max, command->spare))
			code = too_large(command);
		else
			code = expect_size(client, command);
		usp_client_pool_leave(pool);
	}
	json_decref(now);
	return code;
}

int pool_command_resize(int argc, char **argv)
{
	struct pool_command command = { .name = "pool resize",
					.usage = resize_usage,
					.known = resize_known,
					.has_name = true };
	int code;
	struct usp_client *client = pool_command_begin(argc, argv, &command, &code);

	if (!client)
		return code;
	if (command.has_min || command.has_max || command.has_spare)
		code = resize(client, &command);
	else
		fputs("uringspawn: pool resize needs --min, --max or --spare\n", stderr);
	usp_client_free(client);
	return code;
}

/* ---- close ----------------------------------------------------------------------------- */

static const struct option close_known[] = {
	POOL_OPTIONS_OF_ALL,
	{ "drain", required_argument, NULL, POOL_DRAIN },
	{ 0 },
};

static void on_closed(void *user)
{
	*(bool *)user = true;
}

int pool_command_close(int argc, char **argv)
{
	struct pool_command command = { .name = "pool close",
					.usage = close_usage,
					.known = close_known,
					.has_name = true,
					.drain_ns = DRAIN_NS_DEFAULT };
	int code;
	struct usp_client *client = pool_command_begin(argc, argv, &command, &code);
	struct usp_pool *pool;
	bool closed = false;

	if (client && !pools_share(client, command.pool, &pool)) {
		usp_pool_close(pool, command.drain_ns, on_closed, &closed);
		if (usp_client_run(client) || !closed)
			fprintf(stderr, "uringspawn: lost the daemon: %s\n",
				usp_client_error(client));
		else
			code = 0;
	}
	usp_client_free(client);
	return code;
}
