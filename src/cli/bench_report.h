/*
 * What a benchmark found, and how it is told.
 */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/bench_options.h"

enum bench_side_index {
	BENCH_OURS, /* the engine or the daemon */
	BENCH_BARE,
	BENCH_POSIX_SPAWN,
	BENCH_FORK,
	BENCH_N_SIDES,
};

/* All rounds of one side. */
struct bench_side {
	const char *name;
	unsigned in_flight; /* jobs at one time */
	uint64_t *latency_ns;
	size_t n_latencies; /* jobs that ended */
	double *rates;	    /* jobs/s, one for each round */
	unsigned n_rates;
	uint64_t errors;
	uint64_t bytes; /* of output */
	uint64_t cpu_ns;
};

struct bench_result {
	struct bench_side sides[BENCH_N_SIDES];
	double *ratios[BENCH_N_SIDES]; /* our rate to that side's, one for each round */
	unsigned n_ratios;
	const char *backend; /* of the engine; NULL: a daemon's, which is not known */
	bool interrupted;
	char failure[400]; /* the first thing that went wrong, or "" */
};

/* Write to stdout.  Sorts what it is given.  @return 0, or -errno: it could not be
 * written. */
int bench_report_text(struct bench_result *result, const struct bench_options *options);
int bench_report_json(struct bench_result *result, const struct bench_options *options);

#endif
