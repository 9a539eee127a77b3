/*
 * What one client can do to the others of a daemon:  fair SOCKET PROGRAMS
 *
 * Rounds without a hostile client and with one take turns, so that what else the
 * machine does is in both.  PROGRAMS is the folder of true, flood and sleep_forever.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "crowd.h"
#include "support/hostile.h"

enum {
	ROUNDS = 7, /* of each kind */
	CLIENTS = 200,
	JOBS = 50,
	ALONE_DEPTH = 32,
	ALONE_JOBS = 5000,
	MISDEEDS_PER_S = 1000,
};

/* The programs that run, by their paths. */
struct programs {
	char program[512], flood[512], sleeper[512];
};

/* ---- the hostile one ------------------------------------------------------ */

static void misbehave(struct hostile *h, bool misdeeds)
{
	const struct timespec pause = { .tv_nsec = NS_PER_S / MISDEEDS_PER_S };

	for (;;) {
		if (misdeeds)
			hostile_step(h);
		nanosleep(&pause, NULL);
	}
}

/* In a process of its own.  @misdeeds: else it only never reads.  Returns its pid. */
static pid_t hostile_start(const char *socket, const struct programs *programs,
			   bool misdeeds)
{
	struct hostile hostile;
	char ready = 0;
	int pipe_fds[2];
	pid_t pid;

	if (pipe(pipe_fds) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		hostile_open(&hostile, socket, programs->flood, programs->sleeper);
		(void)!write(pipe_fds[1], "r", 1);
		misbehave(&hostile, misdeeds);
	}
	(void)!read(pipe_fds[0], &ready, 1);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return pid;
}

static void hostile_stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- rounds --------------------------------------------------------------- */

/* The rounds of one kind. */
struct side {
	double p50_ms[ROUNDS], p99_ms[ROUNDS], rate[ROUNDS];
};

static void note(struct side *side, int i, const struct crowd_round *round)
{
	side->p50_ms[i] = (double)round->p50_ns / NS_PER_MS;
	side->p99_ms[i] = (double)round->p99_ns / NS_PER_MS;
	side->rate[i] = round->jobs_per_s;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(const double *values)
{
	double sorted[ROUNDS];

	memcpy(sorted, values, sizeof(sorted));
	qsort(sorted, ROUNDS, sizeof(sorted[0]), by_size);
	return sorted[ROUNDS / 2];
}

/* The median of the ratios of a round to the one before it. */
static double median_ratio(const double *with, const double *without)
{
	double ratios[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		ratios[i] = with[i] / without[i];
	return median(ratios);
}

static int run_pair(struct crowd *crowd, const struct programs *programs,
		    const char *socket, bool misdeeds, int i, struct side *quiet,
		    struct side *beside)
{
	struct crowd_round round;
	pid_t pid;
	int ret = crowd_run(crowd, &round);

	if (ret < 0)
		return ret;
	note(quiet, i, &round);
	pid = hostile_start(socket, programs, misdeeds);
	ret = crowd_run(crowd, &round);
	hostile_stop(pid);
	if (ret == 0)
		note(beside, i, &round);
	return ret;
}

static int compare(const struct crowd_options *options, const struct programs *programs,
		   bool misdeeds)
{
	struct crowd *crowd = crowd_new(options);
	struct crowd_round warm;
	struct side quiet, beside;
	int ret = crowd ? crowd_run(crowd, &warm) : -1;

	for (int i = 0; ret == 0 && i < ROUNDS; i++)
		ret = run_pair(crowd, programs, options->socket, misdeeds, i, &quiet,
			       &beside);
	crowd_free(crowd);
	if (ret < 0)
		return ret;
	printf("  %-12s %10s %10s %10s\n", "", "without", "with", "ratio");
	printf("  %-12s %10.2f %10.2f %10.2f\n", "p50, ms", median(quiet.p50_ms),
	       median(beside.p50_ms), median_ratio(beside.p50_ms, quiet.p50_ms));
	printf("  %-12s %10.2f %10.2f %10.2f\n", "p99, ms", median(quiet.p99_ms),
	       median(beside.p99_ms), median_ratio(beside.p99_ms, quiet.p99_ms));
	printf("  %-12s %10.0f %10.0f %10.2f\n", "jobs/s", median(quiet.rate),
	       median(beside.rate), median_ratio(beside.rate, quiet.rate));
	return 0;
}

int main(int argc, char **argv)
{
	struct programs programs;
	const char *const job[] = { programs.program, NULL };
	struct crowd_options many = {
		.argv = job, .clients = CLIENTS, .depth = 1, .jobs = JOBS
	};
	struct crowd_options alone = {
		.argv = job, .clients = 1, .depth = ALONE_DEPTH, .jobs = ALONE_JOBS
	};

	if (argc != 3) {
		fputs("usage: fair SOCKET PROGRAMS\n", stderr);
		return 2;
	}
	many.socket = alone.socket = argv[1];
	snprintf(programs.program, sizeof(programs.program), "%s/true", argv[2]);
	snprintf(programs.flood, sizeof(programs.flood), "%s/flood", argv[2]);
	snprintf(programs.sleeper, sizeof(programs.sleeper), "%s/sleep_forever", argv[2]);
	printf("%d clients with %d jobs each, without and with one that does its worst\n"
	       "(never reads %d endless outputs; %d times a second garbage, a frame "
	       "without an end,\nor gone as soon as it asked); medians of %d rounds\n",
	       CLIENTS, JOBS, HOSTILE_JOBS, MISDEEDS_PER_S, ROUNDS);
	if (compare(&many, &programs, true) < 0)
		return 1;
	printf("\none client with %d jobs in flight, without and with one that is "
	       "stalled\n",
	       ALONE_DEPTH);
	return compare(&alone, &programs, false) < 0;
}
