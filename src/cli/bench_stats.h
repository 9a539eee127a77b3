/*
 * What a pile of measurements comes to.  Pure functions.
 */
#ifndef CLI_BENCH_STATS_H
#define CLI_BENCH_STATS_H

#include <stddef.h>
#include <stdint.h>

struct bench_percentiles {
	uint64_t p50, p90, p99, max;
};

struct bench_spread {
	double median, min, max;
};

/* By nearest rank: each is one of the values, none is computed.  Sorts @values; all 0 for
 * none. */
struct bench_percentiles bench_percentiles(uint64_t *values, size_t n_values);

/* The mean of the two in the middle for an even number.  Sorts @values; all 0 for none.
 */
struct bench_spread bench_spread(double *values, size_t n_values);

#endif
