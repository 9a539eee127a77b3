/*
 * A daemon's numbers as a table for people.
 */
#include "cli/stat_table.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>
#include "base/annotate.h"

static json_int_t number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* ---- quantities ---------------------------------------------------------- */

/* "123 B", "1.5 KiB". */
static struct stat_words bytes(double n)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	struct stat_words words;
	size_t unit = 0;

	for (; n >= 1024 && unit + 1 < ARRAY_SIZE(units); unit++)
		n /= 1024;
	snprintf(words.text, sizeof(words.text), "%.*f %s", n < 10 && unit ? 1 : 0, n,
		 units[unit]);
	return words;
}

struct stat_words stat_table_seconds(double s)
{
	static const char *const units[] = { "us", "ms", "s" };
	struct stat_words words;
	double n = s * 1e6;
	size_t unit = 0;

	for (; n >= 1000 && unit + 1 < ARRAY_SIZE(units); unit++)
		n /= 1000;
	snprintf(words.text, sizeof(words.text), "%.*f %s", n < 10 && unit ? 1 : 0, n,
		 units[unit]);
	return words;
}

/* "2 days 3 h", "5 min 12 s". */
static struct stat_words age(json_int_t s)
{
	struct stat_words words;

	if (s >= 86400)
		snprintf(words.text, sizeof(words.text), "%d days %d h", (int)(s / 86400),
			 (int)(s % 86400 / 3600));
	else if (s >= 3600)
		snprintf(words.text, sizeof(words.text), "%d h %d min", (int)(s / 3600),
			 (int)(s % 3600 / 60));
	else
		snprintf(words.text, sizeof(words.text), "%d min %d s", (int)(s / 60),
			 (int)(s % 60));
	return words;
}

/* ---- lines --------------------------------------------------------------- */

static void print_of(FILE *to, const char *name, json_int_t value, json_int_t most)
{
	fprintf(to, "  %-10s %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT "\n",
		name, value, most);
}

/* The members that are not zero, in a line. */
static void print_counts(FILE *to, const char *name, json_t *counts, bool as_bytes)
{
	const char *key, *comma = " ";
	json_t *value;

	fprintf(to, "  %-10s", name);
	json_object_foreach(counts, key, value)
	{
		json_int_t n = json_integer_value(value);

		if (n && as_bytes)
			fprintf(to, "%s%s %s", comma, key, bytes((double)n).text);
		else if (n)
			fprintf(to, "%s%s %" JSON_INTEGER_FORMAT, comma, key, n);
		if (n)
			comma = ", ";
	}
	fputs(*comma == ' ' ? " -\n" : "\n", to);
}

/* The bound that @share of all are not above, or -1 when that is beyond the last. */
static double percentile(const json_t *histogram, double share)
{
	json_t *buckets = json_object_get(histogram, "buckets"), *bucket;
	double wanted = share * (double)number(histogram, "count");
	size_t i;

	json_array_foreach(buckets, i, bucket)
	{
		const json_t *bound = json_array_get(bucket, 0);

		if ((double)json_integer_value(json_array_get(bucket, 1)) >= wanted)
			return json_is_number(bound) ? json_number_value(bound) : -1;
	}
	return -1;
}

static void print_percentile(FILE *to, const json_t *histogram, double share)
{
	double bound = percentile(histogram, share);

	fprintf(to, " %10s", bound < 0 ? "more" : stat_table_seconds(bound).text);
}

static void print_histogram(FILE *to, const char *name, const json_t *histogram)
{
	json_int_t count = number(histogram, "count");
	double sum = json_number_value(json_object_get(histogram, "sum"));

	if (!histogram)
		return;
	fprintf(to, "  %-10s %12" JSON_INTEGER_FORMAT, name, count);
	if (count) {
		fprintf(to, " %10s", stat_table_seconds(sum / (double)count).text);
		print_percentile(to, histogram, 0.5);
		print_percentile(to, histogram, 0.9);
		print_percentile(to, histogram, 0.99);
	}
	fputc('\n', to);
}

/* ---- all ----------------------------------------------------------------- */

static void print_head(FILE *to, const json_t *stats)
{
	const json_t *info = json_object_get(stats, "info");
	const char *version = json_string_value(json_object_get(info, "version"));
	const char *backend = json_string_value(json_object_get(info, "backend"));

	fprintf(to, "uringspawnd %s (%s), up %s\n", version ? version : "?",
		backend ? backend : "?",
		age((json_int_t)time(NULL) - number(stats, "start_time_seconds")).text);
}

static void print_gauges(FILE *to, const json_t *stats)
{
	const json_t *limit = json_object_get(stats, "limit");

	print_of(to, "running", number(stats, "running"), number(limit, "--jobs-max"));
	print_of(to, "queued", number(stats, "queued"), number(limit, "--queue-max"));
	print_of(to, "clients", number(stats, "clients"), number(limit, "--clients-max"));
	print_of(to, "files", number(stats, "files"), number(stats, "files_max"));
	fprintf(to, "  %-10s %" JSON_INTEGER_FORMAT "\n", "launchers",
		number(stats, "launchers"));
	print_counts(to, "held", json_object_get(stats, "held_bytes"), true);
}

static void print_counters(FILE *to, const json_t *stats)
{
	json_int_t stuck = number(stats, "launches_stuck_total");

	print_counts(to, "ended", json_object_get(stats, "ended_total"), false);
	print_counts(to, "failed at", json_object_get(stats, "failed_total"), false);
	print_counts(to, "refused", json_object_get(stats, "refused_total"), false);
	print_counts(to, "carried", json_object_get(stats, "carried_bytes_total"), true);
	if (stuck)
		fprintf(to, "  %-10s %" JSON_INTEGER_FORMAT " launches\n", "stuck",
			stuck);
}

void stat_table_print(const json_t *stats, FILE *to)
{
	print_head(to, stats);
	fputc('\n', to);
	print_gauges(to, stats);
	fputc('\n', to);
	print_counters(to, stats);
	fprintf(to, "\n  %-10s %12s %10s %10s %10s %10s\n", "", "jobs", "mean",
		"50% <=", "90% <=", "99% <=");
	print_histogram(to, "queue", json_object_get(stats, "queue_seconds"));
	print_histogram(to, "launch", json_object_get(stats, "launch_seconds"));
	print_histogram(to, "run", json_object_get(stats, "run_seconds"));
	print_histogram(to, "drain", json_object_get(stats, "drain_seconds"));
}
