/*
 * The engine compared with itself: variants take turns, round by round, and each is
 * told as a ratio to the first one in the same round.
 */
#include "cli/bench_compare.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/bench_load.h"
#include "cli/bench_stats.h"
#include "cli/bench_usp.h"

#define VARIANTS_MAX 4
#define WARM_UP_JOBS 32u

struct variant {
	const char *name;
	struct bench_options options;
	bool loaded;
	struct bench_usp *usp;
	uint64_t *latency_ns;
	size_t n_latencies;
	double *rates, *ratios;
	uint64_t bytes;	 /* of output, of the last round */
	uint64_t cpu_ns; /* of the thread that asks */
};

struct comparison {
	const struct bench_job *job;
	struct variant variants[VARIANTS_MAX];
	unsigned n_variants, n_rounds;
	char *error;
	size_t error_size;
};

bool bench_is_comparison(const struct bench_options *options)
{
	return options->all_policies || options->cgroups || options->templates ||
	       options->outputs || options->n_live || options->n_descriptors;
}

/* ---- variants ------------------------------------------------------------ */

static void add_variant(struct comparison *c, const char *name,
			const struct bench_options *options, bool loaded)
{
	c->variants[c->n_variants++] = (struct variant){
		.name = name,
		.options = *options,
		.loaded = loaded,
	};
}

static void choose_variants(struct comparison *c, const struct bench_options *options)
{
	struct bench_options with = *options;

	if (options->cgroups) {
		add_variant(c, "no cgroup", options, false);
		with.cgroup = true;
		add_variant(c, "one for each", &with, false);
		return;
	}
	if (options->templates) {
		add_variant(c, "in each request", options, false);
		with.in_template = true;
		add_variant(c, "in a template", &with, false);
		return;
	}
	if (options->outputs) {
		add_variant(c, "relayed", options, false);
		with.output = BENCH_OUTPUT_HANDED_OVER;
		add_variant(c, "handed over", &with, false);
		with.output = BENCH_OUTPUT_OURS;
		add_variant(c, "the caller's", &with, false);
		return;
	}
	if (!options->all_policies) {
		add_variant(c, "without a load", options, false);
		add_variant(c, "under the load", options, true);
		return;
	}
	for (int i = 0; i < VARIANTS_MAX; i++) {
		with.policy = (enum usp_policy)i;
		add_variant(c, usp_policy_name(with.policy), &with, false);
	}
}

static int open_variant(struct comparison *c, struct variant *v)
{
	const struct bench_options *options = &v->options;

	v->latency_ns = mem_alloc(options->n_jobs * sizeof(*v->latency_ns));
	v->rates = mem_alloc(options->n_rounds * sizeof(*v->rates));
	v->ratios = mem_alloc(options->n_rounds * sizeof(*v->ratios));
	if (v->latency_ns && v->rates && v->ratios)
		return bench_usp_open(options, &v->usp, c->error, c->error_size);
	snprintf(c->error, c->error_size, "%s", strerror(ENOMEM));
	return -ENOMEM;
}

static void close_variant(struct variant *v)
{
	bench_usp_close(v->usp);
	mem_free(v->latency_ns);
	mem_free(v->rates);
	mem_free(v->ratios);
}

/* ---- rounds -------------------------------------------------------------- */

static int run_jobs(struct comparison *c, struct variant *v, unsigned n_jobs,
		    struct bench_round *round)
{
	int ret = bench_usp_run(v->usp, c->job, n_jobs, round);

	if (ret < 0)
		snprintf(c->error, c->error_size, "%s: %s", v->name, strerror(-ret));
	else if (round->failure[0]) {
		snprintf(c->error, c->error_size, "%s: %s", v->name, round->failure);
		ret = -ECHILD;
	}
	return ret;
}

/* Some jobs first that do not count: the load took the caches. */
static int run_variant(struct comparison *c, struct variant *v, unsigned n_jobs)
{
	struct bench_round round = { .latency_ns = v->latency_ns + v->n_latencies };
	struct bench_load *load = NULL;
	uint64_t unused_ns[WARM_UP_JOBS];
	struct bench_round warm_up = { .latency_ns = unused_ns };
	int ret = 0;

	if (v->loaded)
		ret = bench_load_start(v->usp, &v->options, &load, c->error,
				       c->error_size);
	if (ret == 0)
		ret = run_jobs(c, v, WARM_UP_JOBS, &warm_up);
	if (ret == 0)
		ret = run_jobs(c, v, n_jobs, &round);
	bench_load_stop(load);
	if (ret < 0)
		return ret;
	v->n_latencies += round.done;
	v->bytes = round.bytes;
	v->cpu_ns += round.cpu_ns;
	v->rates[c->n_rounds] = (double)round.done * (double)NS_PER_S /
				(double)(round.wall_ns ? round.wall_ns : 1);
	return 0;
}

/* The same jobs have the same output, whatever they run under. */
static int check_bytes(struct comparison *c)
{
	for (unsigned i = 1; i < c->n_variants; i++) {
		if (c->variants[i].bytes == c->variants[0].bytes)
			continue;
		snprintf(c->error, c->error_size,
			 "%s: %llu bytes of output, and %s: %llu", c->variants[i].name,
			 (unsigned long long)c->variants[i].bytes, c->variants[0].name,
			 (unsigned long long)c->variants[0].bytes);
		return -EILSEQ;
	}
	return 0;
}

/* Every round begins with another variant. */
static int run_round(struct comparison *c, unsigned n_jobs)
{
	for (unsigned i = 0; i < c->n_variants; i++) {
		struct variant *v = &c->variants[(c->n_rounds + i) % c->n_variants];
		int ret = run_variant(c, v, n_jobs);

		if (ret < 0)
			return ret;
	}
	if (bench_stopped)
		return 0;
	if (check_bytes(c) < 0)
		return -EILSEQ;
	for (unsigned i = 0; i < c->n_variants; i++)
		c->variants[i].ratios[c->n_rounds] = c->variants[i].rates[c->n_rounds] /
						     c->variants[0].rates[c->n_rounds];
	c->n_rounds++;
	return 0;
}

/* ---- the report ---------------------------------------------------------- */

static double us(uint64_t ns)
{
	return (double)ns / 1000.0;
}

static double cpu_us_per_job(const struct variant *v)
{
	return v->n_latencies ? us(v->cpu_ns) / (double)v->n_latencies : 0;
}

static void print_text(struct comparison *c)
{
	printf("%-16s %9s %9s %9s %9s %9s   %s\n", "", "jobs/s", "p50 us", "p99 us",
	       "max us", "CPU us", "rate to the first (min - max)");
	for (unsigned i = 0; i < c->n_variants; i++) {
		struct variant *v = &c->variants[i];
		struct bench_spread rate = bench_spread(v->rates, c->n_rounds);
		struct bench_spread ratio = bench_spread(v->ratios, c->n_rounds);
		struct bench_percentiles latency =
			bench_percentiles(v->latency_ns, v->n_latencies);

		printf("%-16s %9.0f %9.0f %9.0f %9.0f %9.1f   %.2f (%.2f - %.2f)\n",
		       v->name, rate.median, us(latency.p50), us(latency.p99),
		       us(latency.max), cpu_us_per_job(v), ratio.median, ratio.min,
		       ratio.max);
	}
}

static int add_json(json_t *list, struct comparison *c, struct variant *v)
{
	struct bench_spread rate = bench_spread(v->rates, c->n_rounds);
	struct bench_spread ratio = bench_spread(v->ratios, c->n_rounds);
	struct bench_percentiles latency =
		bench_percentiles(v->latency_ns, v->n_latencies);

	return json_array_append_new(
		list, json_pack("{s:s, s:f, s:{s:f, s:f, s:f}, s:f, s:f, s:f, s:f, s:I}",
				"name", v->name, "jobs_per_s", rate.median, "latency_us",
				"p50", us(latency.p50), "p99", us(latency.p99), "max",
				us(latency.max), "ratio_to_first", ratio.median,
				"ratio_to_first_min", ratio.min, "ratio_to_first_max",
				ratio.max, "cpu_us_per_job", cpu_us_per_job(v),
				"output_bytes_per_round", (json_int_t)v->bytes));
}

static int print_json(struct comparison *c)
{
	json_t *list = json_array();
	int ret = list ? 0 : -1;

	for (unsigned i = 0; ret == 0 && i < c->n_variants; i++)
		ret = add_json(list, c, &c->variants[i]);
	if (ret == 0)
		ret = json_dumpf(list, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	json_decref(list);
	putchar('\n');
	return ret;
}

int bench_compare(const struct bench_options *options, const struct bench_job *job,
		  char *error, size_t error_size)
{
	struct comparison c = { .job = job, .error = error, .error_size = error_size };
	int ret = 0;

	choose_variants(&c, options);
	for (unsigned i = 0; ret == 0 && i < c.n_variants; i++)
		ret = open_variant(&c, &c.variants[i]);
	for (unsigned i = 0; ret == 0 && i < options->n_rounds && !bench_stopped; i++)
		ret = run_round(&c, options->n_jobs / options->n_rounds);
	if (ret == 0 && c.n_rounds > 0) {
		if (!options->json)
			print_text(&c);
		else if (print_json(&c) < 0)
			ret = -EIO;
	}
	if (ret == 0 && (fflush(stdout) || ferror(stdout)))
		ret = -EIO;
	if (ret == -EIO)
		snprintf(error, error_size, "the report could not be written");
	for (unsigned i = 0; i < c.n_variants; i++)
		close_variant(&c.variants[i]);
	return ret;
}
