/*
 * Many clients of one daemon, each with so many jobs in flight, and how long each job
 * took from its request to its end.
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include <stdint.h>

struct crowd;

struct crowd_options {
	const char *socket;
	const char *const *argv; /* of each job */
	unsigned clients;
	unsigned depth; /* in flight, of each client */
	unsigned jobs;	/* of each client and round */
};

/* What a round was like. */
struct crowd_round {
	uint64_t p50_ns, p99_ns, max_ns;
	double jobs_per_s;
};

/* Returns NULL and says why on stderr.  @options is borrowed until crowd_free(). */
struct crowd *crowd_new(const struct crowd_options *options);
void crowd_free(struct crowd *crowd); /* NULL is fine */

/* Run the jobs of all clients.  Returns 0, or -errno when one went wrong; says why. */
int crowd_run(struct crowd *crowd, struct crowd_round *ret_round);

#endif
