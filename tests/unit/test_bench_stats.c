/*
 * What a pile of measurements comes to: src/cli/bench_stats.c.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/annotate.h"
#include "cli/bench_stats.h"

Test(bench_stats, no_values_give_zeros)
{
	struct bench_percentiles latency = bench_percentiles(NULL, 0);
	struct bench_spread rate = bench_spread(NULL, 0);

	cr_assert(eq(u64, latency.p50, 0));
	cr_assert(eq(u64, latency.max, 0));
	cr_assert(eq(dbl, rate.median, 0));
	cr_assert(eq(dbl, rate.max, 0));
}

Test(bench_stats, one_value_is_every_percentile)
{
	uint64_t value = 7;
	struct bench_percentiles latency = bench_percentiles(&value, 1);

	cr_assert(eq(u64, latency.p50, 7));
	cr_assert(eq(u64, latency.p90, 7));
	cr_assert(eq(u64, latency.p99, 7));
	cr_assert(eq(u64, latency.max, 7));
}

/* 1..n_values, the largest first: the answer can be read off the question. */
static struct bench_percentiles of_first_numbers(size_t n_values)
{
	uint64_t values[1000];

	for (size_t i = 0; i < n_values; i++)
		values[i] = n_values - i;
	return bench_percentiles(values, n_values);
}

static const struct {
	size_t n_values;
	uint64_t p50, p90, p99, max;
} rows[] = {
	{ 2, 1, 2, 2, 2 },	   { 10, 5, 9, 10, 10 },
	{ 11, 6, 10, 11, 11 },	   { 100, 50, 90, 99, 100 },
	{ 101, 51, 91, 100, 101 }, { 1000, 500, 900, 990, 1000 },
};

ParameterizedTestParameters(bench_stats, percentiles_are_nearest_ranks)
{
	static size_t number[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(rows));
}

ParameterizedTest(size_t *number, bench_stats, percentiles_are_nearest_ranks)
{
	struct bench_percentiles latency = of_first_numbers(rows[*number].n_values);

	cr_assert(eq(u64, latency.p50, rows[*number].p50));
	cr_assert(eq(u64, latency.p90, rows[*number].p90));
	cr_assert(eq(u64, latency.p99, rows[*number].p99));
	cr_assert(eq(u64, latency.max, rows[*number].max));
}

Test(bench_stats, values_beyond_32_bits_keep_their_order)
{
	uint64_t values[] = { UINT64_MAX, 1, UINT64_C(1) << 40 };
	struct bench_percentiles latency = bench_percentiles(values, 3);

	cr_assert(eq(u64, latency.p50, UINT64_C(1) << 40));
	cr_assert(eq(u64, latency.max, UINT64_MAX));
}

Test(bench_stats, the_median_of_an_odd_number_is_the_one_in_the_middle)
{
	double values[] = { 900, 10, 30 };
	struct bench_spread rate = bench_spread(values, 3);

	cr_assert(eq(dbl, rate.median, 30));
	cr_assert(eq(dbl, rate.min, 10));
	cr_assert(eq(dbl, rate.max, 900));
}

Test(bench_stats, the_median_of_an_even_number_is_the_mean_of_two)
{
	double values[] = { 4, 1, 3, 2 };

	cr_assert(eq(dbl, bench_spread(values, 4).median, 2.5));
}

Test(bench_stats, fractions_are_not_taken_for_equal)
{
	double values[] = { 0.7, 0.2, 0.4 };

	cr_assert(eq(dbl, bench_spread(values, 3).median, 0.4));
}
