/*
 * engine/metrics: which end is counted where, and the buckets of a histogram.
 */
#include "engine/metrics.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/clock.h"

static const struct usp_timings timings = {
	.queued_ns = 15 * NS_PER_US,
	.launch_ns = 400 * NS_PER_US,
	.running_ns = 3 * NS_PER_MS,
	.drain_ns = 2 * NS_PER_S,
};

static uint64_t count_of(const struct usp_histogram *h)
{
	uint64_t n = 0;

	for (int i = 0; i < USP_HISTOGRAM_BUCKETS; i++)
		n += h->counts[i];
	return n;
}

/* So many values, all of this length. */
static void expect_all(const struct usp_histogram *h, uint64_t n, uint64_t ns)
{
	cr_expect(eq(u64, count_of(h), n));
	cr_expect(eq(u64, h->sum_ns, n * ns));
}

Test(metrics, bounds_are_1_2_5_of_each_power_of_ten)
{
	cr_expect(eq(u64, usp_histogram_bound_ns(0), 10 * NS_PER_US));
	cr_expect(eq(u64, usp_histogram_bound_ns(1), 20 * NS_PER_US));
	cr_expect(eq(u64, usp_histogram_bound_ns(2), 50 * NS_PER_US));
	for (unsigned i = 3; i < USP_HISTOGRAM_BUCKETS - 1; i++)
		cr_expect(eq(u64, usp_histogram_bound_ns(i),
			     10 * usp_histogram_bound_ns(i - 3)));
	cr_expect(eq(u64, usp_histogram_bound_ns(USP_HISTOGRAM_BUCKETS - 2),
		     5000 * NS_PER_S));
	cr_expect(eq(u64, usp_histogram_bound_ns(USP_HISTOGRAM_BUCKETS - 1), UINT64_MAX));
	cr_expect(eq(u64, usp_histogram_bound_ns(99), UINT64_MAX));
}

/* A length is in the bucket whose bound it is not above, and above the one before. */
Test(metrics, each_length_is_in_its_bucket)
{
	for (unsigned i = 0; i < USP_HISTOGRAM_BUCKETS; i++) {
		struct usp_histogram h = { 0 };
		uint64_t bound = usp_histogram_bound_ns(i);

		histogram_add(&h, bound);
		cr_expect(eq(u64, h.counts[i], 1), "bucket %u", i);
		if (i == USP_HISTOGRAM_BUCKETS - 1)
			break;
		histogram_add(&h, bound + 1);
		cr_expect(eq(u64, h.counts[i + 1], 1), "one more than bucket %u", i);
	}
}

Test(metrics, one_that_ran_is_counted_in_each_phase)
{
	const struct usp_end end = { .reason = USP_REASON_EXITED,
				     .bytes = { 1, 20, 300 },
				     .timings = timings };
	struct metrics m = { 0 };

	metrics_count(&m, &end, USP_STAGE_NONE);
	metrics_count(&m, &end, USP_STAGE_NONE);

	cr_expect(eq(u64, m.ended[USP_REASON_EXITED], 2));
	cr_expect(eq(u64, m.bytes[0], 2));
	cr_expect(eq(u64, m.bytes[1], 40));
	cr_expect(eq(u64, m.bytes[2], 600));
	expect_all(&m.queue, 2, timings.queued_ns);
	expect_all(&m.launch, 2, timings.launch_ns);
	expect_all(&m.run, 2, timings.running_ns);
	expect_all(&m.drain, 2, timings.drain_ns);
	for (int i = 0; i < USP_STATS_STAGES; i++)
		cr_expect(eq(u64, m.failed[i], 0));
}

/* Who failed where, and which phases that leaves. */
static const struct row {
	enum usp_reason reason;
	enum usp_stage stage;
	unsigned queue, launch, run;
} rows[] = {
	{ USP_REASON_FAILED, USP_STAGE_VALIDATE, 0, 0, 0 },
	{ USP_REASON_FAILED, USP_STAGE_ADMISSION, 0, 0, 0 },
	{ USP_REASON_QUEUE_TIMEOUT, USP_STAGE_ADMISSION, 1, 0, 0 },
	{ USP_REASON_KILLED, USP_STAGE_ADMISSION, 1, 0, 0 },
	{ USP_REASON_FAILED, USP_STAGE_EXEC, 1, 1, 0 },
	{ USP_REASON_LAUNCH_TIMEOUT, USP_STAGE_CHDIR, 1, 1, 0 },
	{ USP_REASON_TIMEOUT, USP_STAGE_NONE, 1, 1, 1 },
};

Test(metrics, what_was_not_reached_is_not_counted)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		const struct usp_end end = { .reason = row->reason, .timings = timings };
		struct metrics m = { 0 };

		metrics_count(&m, &end, row->stage);
		cr_expect(eq(u64, m.ended[row->reason], 1), "row %zu", i);
		if (row->stage)
			cr_expect(eq(u64, m.failed[row->stage], 1), "row %zu", i);
		expect_all(&m.queue, row->queue, timings.queued_ns);
		expect_all(&m.launch, row->launch, timings.launch_ns);
		expect_all(&m.run, row->run, timings.running_ns);
		expect_all(&m.drain, row->run, timings.drain_ns);
	}
}

/* Numbers that this code does not know are counted, and nothing is written beyond. */
Test(metrics, unknown_numbers_are_counted_as_zero)
{
	const struct usp_end end = { .reason = (enum usp_reason)999 };
	struct metrics m = { 0 };

	metrics_count(&m, &end, (enum usp_stage)999);
	cr_expect(eq(u64, m.ended[0], 1));
	cr_expect(eq(u64, m.failed[0], 1));
}
