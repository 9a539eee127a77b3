/*
 * Percentiles and medians.  The median of rounds rather than their mean: one
 * round in which the machine did something else must not move the result.
 */
#include "cli/bench_stats.h"

#include <stdlib.h>

static int compare_u64(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static int compare_double(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The smallest value that @percent of all values do not exceed. */
static uint64_t nearest_rank(const uint64_t *sorted, size_t n_values, unsigned percent)
{
	size_t rank = (n_values * percent + 99) / 100;

	return sorted[rank ? rank - 1 : 0];
}

struct bench_percentiles bench_percentiles(uint64_t *values, size_t n_values)
{
	if (!n_values)
		return (struct bench_percentiles){ 0 };
	qsort(values, n_values, sizeof(*values), compare_u64);
	return (struct bench_percentiles){
		.p50 = nearest_rank(values, n_values, 50),
		.p90 = nearest_rank(values, n_values, 90),
		.p99 = nearest_rank(values, n_values, 99),
		.max = values[n_values - 1],
	};
}

struct bench_spread bench_spread(double *values, size_t n_values)
{
	if (!n_values)
		return (struct bench_spread){ 0 };
	qsort(values, n_values, sizeof(*values), compare_double);
	size_t upper = n_values / 2, lower = (n_values - 1) / 2;

	return (struct bench_spread){
		.median = (values[lower] + values[upper]) / 2,
		.min = values[0],
		.max = values[n_values - 1],
	};
}
