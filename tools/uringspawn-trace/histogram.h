/*
 * Lengths of time, counted so that any percentile can be told within 1 %, in a memory
 * that does not grow with their number.
 */
#ifndef TRACE_HISTOGRAM_H
#define TRACE_HISTOGRAM_H

#include <stdint.h>

/* 64 steps in each power of two, up to 2^42 ns (73 minutes); longer ones count as that. */
enum {
	HISTOGRAM_STEP_BITS = 6,
	HISTOGRAM_STEPS = 1 << HISTOGRAM_STEP_BITS,
	HISTOGRAM_POWERS = 42 - HISTOGRAM_STEP_BITS + 1,
};

struct histogram {
	uint64_t n, sum_ns, max_ns;
	uint32_t counts[HISTOGRAM_POWERS * HISTOGRAM_STEPS];
};

void histogram_add(struct histogram *h, uint64_t ns);

/* What @share (0 to 1) of all are not above; 0 when there are none. */
uint64_t histogram_percentile(const struct histogram *h, double share);

/* How many lie in [2^power, 2^(power+1)) units of @unit_ns; power 0 has those below, too. */
uint64_t histogram_between(const struct histogram *h, unsigned power, uint64_t unit_ns);

#endif
