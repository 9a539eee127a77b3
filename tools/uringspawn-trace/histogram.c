#include "uringspawn-trace/histogram.h"

#include <stddef.h>
#include "base/annotate.h"

static size_t slot_of(uint64_t ns)
{
	size_t slot;
	unsigned power;

	if (ns < HISTOGRAM_STEPS)
		return ns;
	power = 63 - (unsigned)__builtin_clzll(ns) - HISTOGRAM_STEP_BITS;
	slot = (power + 1) * HISTOGRAM_STEPS + ((ns >> power) - HISTOGRAM_STEPS);
	return slot < HISTOGRAM_POWERS * HISTOGRAM_STEPS
		       ? slot
		       : HISTOGRAM_POWERS * HISTOGRAM_STEPS - 1;
}

/* The middle of what the slot stands for. */
static uint64_t value_of(size_t slot)
{
	size_t power = slot / HISTOGRAM_STEPS;

	if (power == 0)
		return slot;
	power--;
	return ((uint64_t)(HISTOGRAM_STEPS + slot % HISTOGRAM_STEPS) << power) +
	       ((UINT64_C(1) << power) >> 1);
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->n++;
	h->sum_ns += ns;
	if (ns > h->max_ns)
		h->max_ns = ns;
	h->counts[slot_of(ns)]++;
}

uint64_t histogram_percentile(const struct histogram *h, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)h->n), seen = 0;

	if (wanted >= h->n)
		wanted = h->n ? h->n - 1 : 0;
	for (size_t i = 0; i < ARRAY_SIZE(h->counts); i++) {
		seen += h->counts[i];
		if (seen > wanted)
			return value_of(i) < h->max_ns ? value_of(i) : h->max_ns;
	}
	return 0;
}

uint64_t histogram_between(const struct histogram *h, unsigned power, uint64_t unit_ns)
{
	uint64_t from = power ? unit_ns << power : 0, to = unit_ns << (power + 1), n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(h->counts); i++)
		if (h->counts[i] && value_of(i) >= from && value_of(i) < to)
			n += h->counts[i];
	return n;
}
