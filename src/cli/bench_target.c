/*
 * The same calls to an engine of our own and to a daemon.
 */
#include "cli/bench_target.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

static int open_engine(struct bench_target *target, const struct bench_options *options,
		       char *error, size_t error_size)
{
	struct usp_engine_options engine_options = {
		.size = sizeof(engine_options),
		.launchers = options->n_launchers,
		.running_max = options->n_live ? options->n_live + options->depth : 0,
		.policy = options->policy,
		.tables = options->tables,
	};
	int ret = usp_engine_new(&engine_options, &target->engine);

	if (ret < 0)
		snprintf(error, error_size,
			 "no engine: %s ('uringspawn doctor' says what is missing)",
			 strerror(-ret));
	return ret;
}

static int open_client(struct bench_target *target, const struct bench_options *options,
		       char *error, size_t error_size)
{
	int ret = usp_client_open(options->socket, &target->client);

	if (ret < 0)
		snprintf(error, error_size, "no daemon at '%s': %s", options->socket,
			 strerror(-ret));
	return ret;
}

int bench_target_open(struct bench_target *target, const struct bench_options *options,
		      char *error, size_t error_size)
{
	return options->socket ? open_client(target, options, error, error_size)
			       : open_engine(target, options, error, error_size);
}

void bench_target_close(struct bench_target *target)
{
	usp_client_free(target->client);
	usp_engine_free(target->engine);
}

int bench_target_spawn(struct bench_target *target, const struct usp_options *options,
		       struct usp_process **ret_process)
{
	return target->client ? usp_client_spawn(target->client, options, ret_process)
			      : usp_spawn(target->engine, options, ret_process);
}

int bench_target_keep(struct bench_target *target, const struct usp_options *options,
		      struct usp_template **ret_template)
{
	return target->client
		       ? usp_client_template_new(target->client, options, ret_template)
		       : usp_template_new(target->engine, options, ret_template);
}

int bench_target_turn(struct bench_target *target)
{
	return target->client ? usp_client_turn(target->client)
			      : usp_engine_turn(target->engine);
}

int bench_target_fd(struct bench_target *target, short *ret_events)
{
	if (!target->client) {
		*ret_events = POLLIN;
		return usp_engine_fd(target->engine);
	}
	*ret_events = usp_client_poll_events(target->client);
	return usp_client_fd(target->client);
}

int bench_target_run(struct bench_target *target)
{
	return target->client ? usp_client_run(target->client)
			      : usp_engine_run(target->engine);
}

void bench_target_stop(struct bench_target *target)
{
	if (target->client)
		usp_client_stop(target->client);
	else
		usp_engine_stop(target->engine);
}

const char *bench_target_backend(const struct bench_target *target)
{
	return target->engine ? usp_engine_backend(target->engine) : NULL;
}

const char *bench_target_error(const struct bench_target *target)
{
	return target->client ? usp_client_error(target->client) : "";
}
