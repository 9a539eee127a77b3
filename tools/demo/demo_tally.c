/*
 * Clocks, percentiles and the count of errors.
 */
#include "demo.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t read_clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t demo_now_ns(void)
{
	return read_clock_ns(CLOCK_MONOTONIC);
}

int demo_tally_init(struct demo_tally *tally, const struct demo_work *work)
{
	*tally = (struct demo_tally){
		.latency_ns = calloc(work->n_jobs, sizeof(uint64_t)),
		.call_ns = calloc(work->n_jobs, sizeof(uint64_t)),
	};
	return tally->latency_ns && tally->call_ns ? 0 : -ENOMEM;
}

void demo_tally_done(struct demo_tally *tally)
{
	free(tally->latency_ns);
	free(tally->call_ns);
}

void demo_tally_error(struct demo_tally *tally, const char *format, ...)
{
	va_list args;

	if (tally->errors++)
		return;
	va_start(args, format);
	vsnprintf(tally->failure, sizeof(tally->failure), format, args);
	va_end(args);
}

struct demo_stopwatch demo_round_begin(const struct demo_tally *tally)
{
	return (struct demo_stopwatch){
		.wall_ns = demo_now_ns(),
		.cpu_ns = read_clock_ns(CLOCK_THREAD_CPUTIME_ID),
		.n_jobs = tally->n_jobs,
	};
}

void demo_round_end(struct demo_tally *tally, struct demo_stopwatch begin,
		    uint64_t idle_ns)
{
	uint64_t wall_ns = demo_now_ns() - begin.wall_ns;

	tally->busy_ns += wall_ns - idle_ns;
	tally->cpu_ns += read_clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin.cpu_ns;
	tally->rates[tally->n_rates++] =
		(double)(tally->n_jobs - begin.n_jobs) * 1e9 / (double)wall_ns;
}

static int compare_u64(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

uint64_t demo_percentile(uint64_t *values, unsigned n_values, unsigned percent)
{
	if (!n_values)
		return 0;
	qsort(values, n_values, sizeof(*values), compare_u64);
	return values[(n_values * percent + 99) / 100 - 1];
}

static int compare_double(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

double demo_median_rate(struct demo_tally *tally)
{
	unsigned n = tally->n_rates;

	if (!n)
		return 0;
	qsort(tally->rates, n, sizeof(tally->rates[0]), compare_double);
	return (tally->rates[(n - 1) / 2] + tally->rates[n / 2]) / 2;
}
