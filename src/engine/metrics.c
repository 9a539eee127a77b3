/*
 * What has become of an engine's processes, in numbers.
 *
 * Counting is a few additions and a search among 27 bounds: no allocation, no call
 * of the kernel.
 */
#include "engine/metrics.h"

#include "base/clock.h"

/* 1, 2 and 5 of each power of ten, from 10 us to 5000 s. */
#define DECADE(ns) 1 * (ns), 2 * (ns), 5 * (ns)

static const uint64_t bounds_ns[] = {
	DECADE(10 * NS_PER_US),	 DECADE(100 * NS_PER_US),
	DECADE(NS_PER_MS),	 DECADE(10 * NS_PER_MS),
	DECADE(100 * NS_PER_MS), DECADE(NS_PER_S),
	DECADE(10 * NS_PER_S),	 DECADE(100 * NS_PER_S),
	DECADE(1000 * NS_PER_S), UINT64_MAX,
};

_Static_assert(ARRAY_SIZE(bounds_ns) == USP_HISTOGRAM_BUCKETS, "a bound for each bucket");

uint64_t usp_histogram_bound_ns(unsigned bucket)
{
	return bucket < USP_HISTOGRAM_BUCKETS ? bounds_ns[bucket] : UINT64_MAX;
}

/* The first bucket whose bound @ns is not above. */
static unsigned bucket_of(uint64_t ns)
{
	unsigned low = 0, high = USP_HISTOGRAM_BUCKETS - 1;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (ns <= bounds_ns[middle])
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

void histogram_add(struct usp_histogram *h, uint64_t ns)
{
	h->counts[bucket_of(ns)]++;
	h->sum_ns += ns;
}

static void add(uint64_t *counts, unsigned n, unsigned i)
{
	counts[i < n ? i : 0]++;
}

void metrics_count(struct metrics *m, const struct usp_end *end, enum usp_stage failed)
{
	bool let_in = failed != USP_STAGE_VALIDATE && failed != USP_STAGE_ADMISSION;

	add(m->ended, USP_STATS_REASONS, end->reason);
	if (failed)
		add(m->failed, USP_STATS_STAGES, failed);
	for (int i = 0; i < 3; i++)
		m->bytes[i] += end->bytes[i];
	if (let_in || end->reason != USP_REASON_FAILED)
		histogram_add(&m->queue, end->timings.queued_ns);
	if (let_in)
		histogram_add(&m->launch, end->timings.launch_ns);
	if (!failed) {
		histogram_add(&m->run, end->timings.running_ns);
		histogram_add(&m->drain, end->timings.drain_ns);
	}
}
