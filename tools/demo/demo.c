/*
 * What uringspawn does for a server, in one table: a daemon starts programs for
 * this process, which counts what that costs its own thread; in between, the
 * same programs are started by posix_spawn().  Every byte is looked at.
 */
#include "demo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uringspawn/client.h>

#define FILE_BYTES (163u << 10)

enum { ECHO, CAT, N_WORKS };
enum { DAEMON, POSIX, N_SIDES };

volatile sig_atomic_t demo_stopped;

static unsigned char file_bytes[FILE_BYTES];
static struct demo_place place;

static char *echo_argv[] = { "echo", "hi", NULL };
static char *cat_argv[] = { "cat", place.file, NULL };

static const struct demo_work works[N_WORKS] = {
	[ECHO] = { "echo hi", "/bin/echo", echo_argv, (const unsigned char *)"hi\n", 3,
		   10000 },
	[CAT] = { "cat of 163 KiB", "/bin/cat", cat_argv, file_bytes, FILE_BYTES, 500 },
};

static struct demo_tally tallies[N_WORKS][N_SIDES];

static void on_signal(int signal)
{
	(void)signal;
	demo_stopped = 1;
}

/* Bytes in which no two places look alike, so that a lost or a moved one shows. */
static void fill_file_bytes(void)
{
	uint32_t state = 1;

	for (size_t i = 0; i < FILE_BYTES; i++) {
		state = state * 1664525u + 1013904223u;
		file_bytes[i] = (unsigned char)(state >> 24);
	}
}

static int run_side(struct usp_client *client, unsigned work, unsigned side)
{
	unsigned n_jobs = works[work].n_jobs / DEMO_ROUNDS;
	struct demo_tally *tally = &tallies[work][side];

	if (side == DAEMON)
		return demo_usp_round(client, &works[work], n_jobs, tally);
	return demo_posix_round(&works[work], n_jobs, tally);
}

/* The sides take turns, and take turns in beginning. */
static int run_rounds(struct usp_client *client)
{
	int ret = 0;

	for (unsigned round = 0; round < DEMO_ROUNDS; round++)
		for (unsigned work = 0; work < N_WORKS; work++)
			for (unsigned i = 0; i < N_SIDES; i++) {
				ret = run_side(client, work, (round + i) % N_SIDES);
				if (ret < 0 || demo_stopped)
					return ret;
			}
	return 0;
}

/* ---- the table ----------------------------------------------------------- */

static double us_per_job(uint64_t ns, const struct demo_tally *tally)
{
	return tally->n_jobs ? (double)ns / 1000.0 / tally->n_jobs : 0;
}

static double us_percentile(uint64_t *values, const struct demo_tally *tally,
			    unsigned percent)
{
	return (double)demo_percentile(values, tally->n_jobs, percent) / 1000.0;
}

static void print_work(unsigned work)
{
	struct demo_tally *ours = &tallies[work][DAEMON], *posix = &tallies[work][POSIX];

	printf("%u x %s, %u in flight\n", works[work].n_jobs, works[work].title,
	       DEMO_IN_FLIGHT);
	printf("  %-40s %12.0f %12.0f\n", "programs per second", demo_median_rate(ours),
	       demo_median_rate(posix));
	printf("  %-40s %12.1f %12.1f\n", "request to end, p50, ms",
	       us_percentile(ours->latency_ns, ours, 50) / 1000.0,
	       us_percentile(posix->latency_ns, posix, 50) / 1000.0);
	printf("  %-40s %12.1f %12.1f\n", "request to end, p99, ms",
	       us_percentile(ours->latency_ns, ours, 99) / 1000.0,
	       us_percentile(posix->latency_ns, posix, 99) / 1000.0);
	printf("  %-40s %12.1f %12.1f\n", "main thread: in the spawn call, p50, us",
	       us_percentile(ours->call_ns, ours, 50),
	       us_percentile(posix->call_ns, posix, 50));
	printf("  %-40s %12.1f %12.1f\n", "main thread: not in poll(), per job, us",
	       us_per_job(ours->busy_ns, ours), us_per_job(posix->busy_ns, posix));
	printf("  %-40s %12.1f %12.1f\n", "main thread: CPU time per job, us",
	       us_per_job(ours->cpu_ns, ours), us_per_job(posix->cpu_ns, posix));
}

/* @return the number of errors. */
static unsigned print_table(void)
{
	unsigned long long n_jobs = 0, bytes = 0;
	unsigned errors = 0;

	printf("%-42s %12s %12s\n", "", "uringspawnd", "posix_spawn");
	for (unsigned work = 0; work < N_WORKS; work++) {
		print_work(work);
		for (unsigned side = 0; side < N_SIDES; side++) {
			n_jobs += tallies[work][side].n_jobs;
			bytes += tallies[work][side].bytes;
			errors += tallies[work][side].errors;
		}
	}
	printf("every byte checked: %llu jobs, %llu bytes, %u errors\n", n_jobs, bytes,
	       errors);
	return errors;
}

static void print_first_errors(void)
{
	for (unsigned work = 0; work < N_WORKS; work++)
		for (unsigned side = 0; side < N_SIDES; side++)
			if (tallies[work][side].failure[0])
				fprintf(stderr, "demo: %s\n",
					tallies[work][side].failure);
}

/* ---- the whole ----------------------------------------------------------- */

static int init_tallies(void)
{
	int ret = 0;

	for (unsigned work = 0; work < N_WORKS && !ret; work++)
		for (unsigned side = 0; side < N_SIDES && !ret; side++)
			ret = demo_tally_init(&tallies[work][side], &works[work]);
	return ret;
}

static int run(void)
{
	struct usp_client *client = NULL;
	int ret = demo_place_init(&place, file_bytes, FILE_BYTES);

	if (ret < 0) {
		fprintf(stderr, "demo: no temporary directory: %s\n", strerror(-ret));
		return ret;
	}
	ret = demo_place_connect(&place, &client);
	if (!ret)
		ret = run_rounds(client);
	usp_client_free(client);
	int stopped = demo_place_done(&place);

	return ret ? ret : stopped;
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	bool failed;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	fill_file_bytes();
	failed = init_tallies() < 0 || run() < 0;
	if (!failed && !demo_stopped)
		failed = print_table() > 0 || fflush(stdout) != 0;
	print_first_errors();
	for (unsigned work = 0; work < N_WORKS; work++)
		for (unsigned side = 0; side < N_SIDES; side++)
			demo_tally_done(&tallies[work][side]);
	if (demo_stopped)
		fprintf(stderr, "demo: interrupted\n");
	return failed || demo_stopped ? 1 : 0;
}
