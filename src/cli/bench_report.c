/*
 * The result as a table for people and as one JSON object for programs.  Times in
 * both are microseconds, rates are jobs in a second.
 */
#include "cli/bench_report.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "base/annotate.h"
#include "cli/bench_stats.h"

static double us(uint64_t ns)
{
	return (double)ns / 1000.0;
}

static double cpu_us_per_job(const struct bench_side *side)
{
	return side->n_latencies ? us(side->cpu_ns) / (double)side->n_latencies : 0;
}

static uint64_t all_errors(const struct bench_result *result)
{
	uint64_t errors = 0;

	for (int i = 0; i < BENCH_N_SIDES; i++)
		errors += result->sides[i].errors;
	return errors;
}

static int flush(void)
{
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -EIO;
}

/* ---- text ---------------------------------------------------------------- */

static void print_side(struct bench_side *side)
{
	struct bench_percentiles latency =
		bench_percentiles(side->latency_ns, side->n_latencies);
	struct bench_spread rate = bench_spread(side->rates, side->n_rates);
	char spread[40];

	snprintf(spread, sizeof(spread), "%.0f - %.0f", rate.min, rate.max);
	printf("%-11s %9u %9zu %9.0f  %-17s %9.0f %9.0f %9.0f %9.0f %7llu\n", side->name,
	       side->in_flight, side->n_latencies, rate.median, spread, us(latency.p50),
	       us(latency.p90), us(latency.p99), us(latency.max),
	       (unsigned long long)side->errors);
}

static void print_ratio(struct bench_result *result, enum bench_side_index to)
{
	struct bench_spread ratio = bench_spread(result->ratios[to], result->n_ratios);

	printf("  %.2f of %s (%.2f - %.2f)\n", ratio.median, result->sides[to].name,
	       ratio.min, ratio.max);
}

/*
 * The bare loop's rate says how even the machine was: it does one thing, and
 * the same thing, in every round.
 */
static void print_doubt(struct bench_side *bare)
{
	struct bench_spread rate = bench_spread(bare->rates, bare->n_rates);

	if (rate.max > rate.min * 1.3)
		printf("the rounds of %s differ by a factor of %.1f: what else does this "
		       "machine do?\n",
		       bare->name, rate.max / rate.min);
}

int bench_report_text(struct bench_result *result, const struct bench_options *options)
{
	struct bench_side *ours = &result->sides[BENCH_OURS];

	printf("%s: %u jobs on each side in %u rounds, stdout and stderr %s%s%s%s\n\n",
	       options->argv[0], options->n_jobs, options->n_rounds,
	       options->pipes ? "pipes" : "/dev/null",
	       result->backend ? ", back end " : "",
	       result->backend ? result->backend : "",
	       result->interrupted ? "; interrupted" : "");
	printf("%-11s %9s %9s %9s  %-17s %9s %9s %9s %9s %7s\n", "", "in flight", "jobs",
	       "jobs/s", "(min - max)", "p50 us", "p90 us", "p99 us", "max us", "errors");
	for (int i = 0; i < BENCH_N_SIDES; i++)
		print_side(&result->sides[i]);
	if (result->n_ratios) {
		printf("\nthe %s's rate, median of the rounds:\n", ours->name);
		print_ratio(result, BENCH_BARE);
		print_ratio(result, BENCH_POSIX_SPAWN);
		print_ratio(result, BENCH_FORK);
	}
	printf("the %s thread: %.1f us of CPU per job\n",
	       options->socket ? "client's" : "engine's", cpu_us_per_job(ours));
	printf("output: %llu bytes on each side, errors: %llu\n",
	       (unsigned long long)ours->bytes, (unsigned long long)all_errors(result));
	print_doubt(&result->sides[BENCH_BARE]);
	if (result->failure[0])
		printf("first error: %s\n", result->failure);
	return flush();
}

/* ---- JSON ---------------------------------------------------------------- */

/* Adds rate and latency to @object. */
static int add_side(json_t *object, struct bench_side *side)
{
	struct bench_percentiles latency =
		bench_percentiles(side->latency_ns, side->n_latencies);
	struct bench_spread rate = bench_spread(side->rates, side->n_rates);
	json_t *more = json_pack(
		"{s:f, s:f, s:f, s:{s:f, s:f, s:f, s:f}, s:I, s:I}", "jobs_per_s",
		rate.median, "jobs_per_s_min", rate.min, "jobs_per_s_max", rate.max,
		"latency_us", "p50", us(latency.p50), "p90", us(latency.p90), "p99",
		us(latency.p99), "max", us(latency.max), "output_bytes",
		(json_int_t)side->bytes, "errors", (json_int_t)side->errors);
	int ret = json_object_update(object, more);

	json_decref(more);
	return ret;
}

/* Our rate to that of the peer @name, as three numbers of @object. */
static int add_ratio(json_t *object, const char *name, const struct bench_spread *ratio)
{
	const struct {
		const char *suffix;
		double value;
	} numbers[] = { { "", ratio->median },
			{ "_min", ratio->min },
			{ "_max", ratio->max } };
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(numbers) && ret == 0; i++) {
		char key[40];

		snprintf(key, sizeof(key), "ratio_to_%s%s", name, numbers[i].suffix);
		ret = json_object_set_new(object, key, json_real(numbers[i].value));
	}
	return ret;
}

static int add_peer(json_t *object, struct bench_result *result,
		    enum bench_side_index index)
{
	struct bench_side *side = &result->sides[index];
	struct bench_spread ratio = bench_spread(result->ratios[index], result->n_ratios);
	json_t *peer = json_pack("{s:i}", "threads", (int)side->in_flight);

	if (!peer || add_side(peer, side) < 0) {
		json_decref(peer);
		return -1;
	}
	if (json_object_set_new(object, side->name, peer) < 0)
		return -1;
	return add_ratio(object, side->name, &ratio);
}

static int add_all(json_t *object, struct bench_result *result,
		   const struct bench_options *options)
{
	struct bench_side *ours = &result->sides[BENCH_OURS];
	json_t *rest = json_pack(
		"{s:s, s:s?, s:i, s:i, s:i, s:s, s:i, s:f, s:b, s:I, s:s}", "side",
		ours->name, "back_end", result->backend, "jobs", (int)options->n_jobs,
		"depth", (int)options->depth, "launchers", (int)options->n_launchers,
		"stdio", options->pipes ? "pipe" : "null", "rounds",
		(int)options->n_rounds, "reactor_cpu_us_per_job", cpu_us_per_job(ours),
		"interrupted", (int)result->interrupted, "errors",
		(json_int_t)all_errors(result), "failure", result->failure);
	int ret = add_side(object, ours);

	for (int i = BENCH_OURS + 1; i < BENCH_N_SIDES && ret == 0; i++)
		ret = add_peer(object, result, i);
	if (ret == 0)
		ret = json_object_update(object, rest);
	json_decref(rest);
	return ret;
}

int bench_report_json(struct bench_result *result, const struct bench_options *options)
{
	json_t *object = json_object();
	int ret = -ENOMEM;

	if (object && add_all(object, result, options) == 0) {
		ret = json_dumpf(object, stdout,
				 JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0
			      ? -EIO
			      : 0;
		putchar('\n');
	}
	json_decref(object);
	return ret < 0 ? ret : flush();
}
