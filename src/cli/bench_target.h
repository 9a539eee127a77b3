/*
 * Who is asked for programs: an engine of our own, or a daemon.
 */
#ifndef CLI_BENCH_TARGET_H
#define CLI_BENCH_TARGET_H

#include <stddef.h>
#include <uringspawn/client.h>
#include <uringspawn/spawn.h>

#include "cli/bench_options.h"

struct bench_target {
	struct usp_engine *engine; /* one of the two, the other is NULL */
	struct usp_client *client;
};

/** @return 0, or -errno, and @error says what was wrong */
int bench_target_open(struct bench_target *target, const struct bench_options *options,
		      char *error, size_t error_size);
void bench_target_close(struct bench_target *target);

int bench_target_spawn(struct bench_target *target, const struct usp_options *options,
		       struct usp_process **ret_process);
int bench_target_keep(struct bench_target *target, const struct usp_options *options,
		      struct usp_template **ret_template);

/** What is there now, without a wait. */
int bench_target_turn(struct bench_target *target);
/** Its descriptor, and what of poll()'s it is to be watched for now; or -errno. */
int bench_target_fd(struct bench_target *target, short *ret_events);
/** Until it is stopped, or nothing is left to wait for. */
int bench_target_run(struct bench_target *target);
/** Ends bench_target_run().  May be called by a signal handler of its thread. */
void bench_target_stop(struct bench_target *target);

const char *bench_target_backend(const struct bench_target *target);
const char *bench_target_error(const struct bench_target *target);

#endif
