/*
 * daemon/exposition: numbers as Prometheus and JSON have them, byte for byte.
 */
#include "daemon/exposition.h"

#include <errno.h>
#include <string.h>

#include "base/annotate.h"
#include "base/buf.h"
#include "base/clock.h"
#include "support/clean.h"

static const struct family plain = { "queued", "gauge", "Jobs that wait", NULL, NULL };
static const struct family labelled = { "ended_total", "counter", "Ends", "reason",
					NULL };
static const struct family info = { "info", "gauge", "What it is", NULL, NULL };
static const struct family times = { "run_seconds", "histogram", "From exec to exit",
				     NULL, NULL };

static void write_all(struct exposition *e, const struct usp_histogram *histogram)
{
	static const char *const about[][2] = { { "version", "1.2" },
						{ "backend", "x" } };

	expose_info(e, &info, about, 2);
	expose_number(e, &plain, UINT64_MAX);
	expose_begin(e, &labelled);
	expose_sample(e, "exited", 3);
	expose_sample(e, "a \"quoted\\\nlabel", 0);
	expose_end(e);
	expose_histogram(e, &times, histogram);
}

/* Two at most 10 us long, one of 3 s, one that lasted longer than is told apart. */
static struct usp_histogram some_times(void)
{
	struct usp_histogram h = { .sum_ns = 6000 * NS_PER_S + 3000000010 };

	h.counts[0] = 2;
	h.counts[USP_HISTOGRAM_BUCKETS - 1] = 1;
	for (int i = 0; i < USP_HISTOGRAM_BUCKETS; i++)
		if (usp_histogram_bound_ns(i) == 5 * NS_PER_S)
			h.counts[i] = 1;
	return h;
}

/* What was written, with a NUL behind it. */
static const char *text_of(struct buf *buf)
{
	cr_assert(eq(int, buf_append(buf, "", 1), 0));
	return (const char *)buf_bytes(buf);
}

CLEAN_TEST(exposition, prometheus_has_help_type_and_samples)
{
	static const char head[] = "# HELP uringspawn_info What it is.\n"
				   "# TYPE uringspawn_info gauge\n"
				   "uringspawn_info{version=\"1.2\",backend=\"x\"} 1\n"
				   "# HELP uringspawn_queued Jobs that wait.\n"
				   "# TYPE uringspawn_queued gauge\n"
				   "uringspawn_queued 18446744073709551615\n"
				   "# HELP uringspawn_ended_total Ends.\n"
				   "# TYPE uringspawn_ended_total counter\n"
				   "uringspawn_ended_total{reason=\"exited\"} 3\n"
				   "uringspawn_ended_total{reason=\"a "
				   "\\\"quoted\\\\\\nlabel\"} 0\n"
				   "# HELP uringspawn_run_seconds From exec to exit.\n"
				   "# TYPE uringspawn_run_seconds histogram\n"
				   "uringspawn_run_seconds_bucket{le=\"0.00001\"} 2\n"
				   "uringspawn_run_seconds_bucket{le=\"0.00002\"} 2\n";
	static const char *const parts[] = {
		"_bucket{le=\"2\"} 2\n",
		"_bucket{le=\"5\"} 3\n",
		"_bucket{le=\"5000\"} 3\nuringspawn_run_seconds_bucket{le=\"+Inf\"} 4\n"
		"uringspawn_run_seconds_sum 6003.00000001\n"
		"uringspawn_run_seconds_count 4\n",
	};
	const struct usp_histogram h = some_times();
	struct exposition e;
	struct buf buf;
	const char *text;

	buf_init(&buf, 1 << 20);
	exposition_begin(&e, &buf, false);
	write_all(&e, &h);
	cr_assert(eq(int, exposition_end(&e), 0));

	text = text_of(&buf);
	cr_assert(eq(int, strncmp(text, head, sizeof(head) - 1), 0), "%s", text);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		cr_expect(ne(ptr, strstr(text, parts[i]), NULL), "no %s in %s", parts[i],
			  text);
	buf_done(&buf);
}

CLEAN_TEST(exposition, json_is_one_object_of_the_same_names)
{
	static const char head[] =
		"{\"info\":{\"version\":\"1.2\",\"backend\":\"x\"},"
		"\"queued\":18446744073709551615,"
		"\"ended_total\":{\"exited\":3,\"a \\\"quoted\\\\\\nlabel\":0},"
		"\"run_seconds\":{\"buckets\":[[0.00001,2],[0.00002,2],";
	static const char tail[] = "[5000,3],[null,4]],\"sum\":6003.00000001,"
				   "\"count\":4}}\n";
	const struct usp_histogram h = some_times();
	struct exposition e;
	struct buf buf;
	const char *text;

	buf_init(&buf, 1 << 20);
	exposition_begin(&e, &buf, true);
	write_all(&e, &h);
	cr_assert(eq(int, exposition_end(&e), 0));

	text = text_of(&buf);
	cr_expect(eq(int, strncmp(text, head, sizeof(head) - 1), 0), "%s", text);
	cr_expect(
		eq(str, (char *)text + strlen(text) - (sizeof(tail) - 1), (char *)tail));
	buf_done(&buf);
}

CLEAN_TEST(exposition, nothing_at_all_is_an_empty_object)
{
	struct exposition e;
	struct buf buf;

	buf_init(&buf, 100);
	exposition_begin(&e, &buf, true);
	cr_assert(eq(int, exposition_end(&e), 0));
	cr_expect(eq(str, (char *)text_of(&buf), "{}\n"));
	buf_done(&buf);
}

/* A text that is cut is not told as one that is whole. */
CLEAN_TEST(exposition, a_full_buffer_is_reported)
{
	const struct usp_histogram h = some_times();

	for (size_t max = 0; max < 400; max += 37) {
		struct exposition e;
		struct buf buf;

		buf_init(&buf, max);
		exposition_begin(&e, &buf, true);
		write_all(&e, &h);
		cr_assert(eq(int, exposition_end(&e), -EMSGSIZE), "%zu bytes", max);
		cr_assert(le(sz, buf_size(&buf), max));
		buf_done(&buf);
	}
}

/* ---- two labels ---------------------------------------------------------------- */

static const struct family members = { "pool_members", "gauge", "Members", "pool",
				       "state" };
static const struct family waits = { "pool_wait_seconds", "histogram", "Waits", "pool",
				     NULL };

static void write_pools(struct exposition *e)
{
	static const uint64_t bounds_ns[] = { 1000000, 2000000 }, counts[] = { 1, 0, 2 };

	expose_begin(e, &members);
	for (int i = 0; i < 2; i++) {
		expose_group(e, i ? "b\"" : "");
		expose_sample(e, "idle", 1);
		expose_sample(e, "busy", 2);
		expose_group_end(e);
	}
	expose_end(e);
	expose_begin(e, &waits);
	expose_bounded(e, "a", &(struct bounded){ bounds_ns, counts, 3, 5 * NS_PER_S });
	expose_bounded(e, "b", &(struct bounded){ bounds_ns, counts, 3, 0 });
	expose_end(e);
}

CLEAN_TEST(exposition, samples_may_have_two_labels)
{
	static const char want[] =
		"# HELP uringspawn_pool_members Members.\n"
		"# TYPE uringspawn_pool_members gauge\n"
		"uringspawn_pool_members{pool=\"\",state=\"idle\"} 1\n"
		"uringspawn_pool_members{pool=\"\",state=\"busy\"} 2\n"
		"uringspawn_pool_members{pool=\"b\\\"\",state=\"idle\"} 1\n"
		"uringspawn_pool_members{pool=\"b\\\"\",state=\"busy\"} 2\n"
		"# HELP uringspawn_pool_wait_seconds Waits.\n"
		"# TYPE uringspawn_pool_wait_seconds histogram\n"
		"uringspawn_pool_wait_seconds_bucket{pool=\"a\",le=\"0.001\"} 1\n"
		"uringspawn_pool_wait_seconds_bucket{pool=\"a\",le=\"0.002\"} 1\n"
		"uringspawn_pool_wait_seconds_bucket{pool=\"a\",le=\"+Inf\"} 3\n"
		"uringspawn_pool_wait_seconds_sum{pool=\"a\"} 5\n"
		"uringspawn_pool_wait_seconds_count{pool=\"a\"} 3\n"
		"uringspawn_pool_wait_seconds_bucket{pool=\"b\",le=\"0.001\"} 1\n";
	struct exposition e;
	struct buf buf;
	const char *text;

	buf_init(&buf, 1 << 20);
	exposition_begin(&e, &buf, false);
	write_pools(&e);
	cr_assert(eq(int, exposition_end(&e), 0));
	text = text_of(&buf);
	cr_expect(eq(int, strncmp(text, want, sizeof(want) - 1), 0), "%s", text);
	buf_done(&buf);
}

CLEAN_TEST(exposition, two_labels_are_two_objects)
{
	static const char want[] =
		"{\"pool_members\":{\"\":{\"idle\":1,\"busy\":2},"
		"\"b\\\"\":{\"idle\":1,\"busy\":2}},"
		"\"pool_wait_seconds\":"
		"{\"a\":{\"buckets\":[[0.001,1],[0.002,1],[null,3]],\"sum\":5,"
		"\"count\":3},"
		"\"b\":{\"buckets\":[[0.001,1],[0.002,1],[null,3]],\"sum\":0,"
		"\"count\":3}}}\n";
	struct exposition e;
	struct buf buf;

	buf_init(&buf, 1 << 20);
	exposition_begin(&e, &buf, true);
	write_pools(&e);
	cr_assert(eq(int, exposition_end(&e), 0));
	cr_expect(eq(str, (char *)text_of(&buf), (char *)want));
	buf_done(&buf);
}
