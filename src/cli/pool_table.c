#include "cli/pool_table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include "base/annotate.h"
#include "cli/jobs.h"
#include "cli/stat_table.h"

enum { LINE = 512 };

bool pool_table_same(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, "name"), json_object_get(b, "name")) &&
	       json_equal(json_object_get(a, "uid"), json_object_get(b, "uid")) &&
	       json_equal(json_object_get(a, "client"), json_object_get(b, "client"));
}

static const char *text_of(const json_t *pool, const char *name)
{
	const char *text = json_string_value(json_object_get(pool, name));

	return text && *text ? text : "-";
}

/* As much of it as there is room for. */
static void put(char line[LINE], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(char line[LINE], const char *format, ...)
{
	size_t n = strlen(line);
	va_list args;

	va_start(args, format);
	vsnprintf(line + n, LINE - n, format, args);
	va_end(args);
}

/* ---- a line ------------------------------------------------------------------------ */

void pool_table_heading(FILE *to, bool rates, int width)
{
	char line[LINE];

	snprintf(line, sizeof(line),
		 "%-18s %-7s START IDLE BUSY RESET  END WAIT %7s %6s %6s", "NAME", "KIND",
		 rates ? "USES/S" : "USES", "50%<=", "99%<=");
	fprintf(to, "%.*s", width, line);
}

/* Of the buckets of a histogram, less what was in them @before. */
static double counted(const json_t *waits, const json_t *before, size_t bucket)
{
	const json_t *old = json_array_get(json_object_get(before, "buckets"), bucket);
	const json_t *now = json_array_get(json_object_get(waits, "buckets"), bucket);

	return json_number_value(json_array_get(now, 1)) -
	       json_number_value(json_array_get(old, 1));
}

static double counted_in_all(const json_t *waits, const json_t *before)
{
	size_t n = json_array_size(json_object_get(waits, "buckets"));
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += counted(waits, before, i);
	return sum;
}

/* The bound that @share of all waits are not above. */
static void put_wait(char line[LINE], const json_t *pool, const json_t *before,
		     double share)
{
	const json_t *waits = json_object_get(pool, "wait_seconds"), *bound = NULL;
	const json_t *old = json_object_get(before, "wait_seconds");
	const json_t *buckets = json_object_get(waits, "buckets");
	double all = counted_in_all(waits, old), sum = 0;

	for (size_t i = 0; all > 0 && sum < share * all; i++) {
		sum += counted(waits, old, i);
		bound = json_array_get(json_array_get(buckets, i), 0);
	}
	if (json_is_number(bound))
		put(line, " %6s", stat_table_seconds(json_number_value(bound)).text);
	else
		put(line, " %6s", bound ? "more" : "-");
}

static void put_uses(char line[LINE], const json_t *pool, const json_t *before,
		     double seconds)
{
	double uses = jobs_number(pool, "uses") - jobs_number(before, "uses");

	if (before && seconds > 0)
		put(line, " %7.*f", uses / seconds < 100, uses / seconds);
	else
		put(line, " %7.0f", uses);
}

void pool_table_pool(FILE *to, const json_t *pool, const json_t *before, double seconds,
		     int width)
{
	char line[LINE];

	snprintf(line, sizeof(line), "%-18.18s %-7.7s", text_of(pool, "name"),
		 text_of(pool, "kind"));
	put(line, " %5.0f %4.0f %4.0f %5.0f %4.0f %4.0f", jobs_number(pool, "starting"),
	    jobs_number(pool, "idle"), jobs_number(pool, "busy"),
	    jobs_number(pool, "resetting"), jobs_number(pool, "ending"),
	    jobs_number(pool, "waiting"));
	put_uses(line, pool, before, seconds);
	put_wait(line, pool, before, 0.5);
	put_wait(line, pool, before, 0.99);
	jobs_clean(line);
	fprintf(to, "%.*s", width, line);
}

/* ---- what its members use, and their ends ------------------------------------------- */

static void put_exits(char line[LINE], const json_t *pool)
{
	json_t *exits = json_object_get(pool, "exits"), *n;
	const char *cause, *comma = "  ended: ";

	json_object_foreach(exits, cause, n)
	{
		if (json_number_value(n) == 0)
			continue;
		put(line, "%s%s %.0f", comma, cause, json_number_value(n));
		comma = ", ";
	}
}

static void put_memory(char line[LINE], const json_t *pool)
{
	double members = jobs_number(pool, "members"),
	       rss = jobs_number(pool, "memory_bytes");
	char each[8], most[8], all[8];

	jobs_bytes_text(members > 0 ? rss / members : 0, each);
	jobs_bytes_text(jobs_number(pool, "memory_peak_bytes"), most);
	jobs_bytes_text(rss, all);
	put(line, "memory %s each, %s at most, %s in all", each, most, all);
}

/* Of those that ended, and of those that are there. */
static double cpu_of(const json_t *pool)
{
	const json_t *processes = json_object_get(pool, "processes"), *process;
	double sum = jobs_number(pool, "ended_cpu_seconds");
	size_t i;

	json_array_foreach(processes, i, process) sum +=
		jobs_number(process, "cpu_seconds");
	return sum;
}

void pool_table_members(FILE *to, const json_t *pool, int width)
{
	char line[LINE] = "", cpu[8];

	jobs_time_text(cpu_of(pool), cpu);
	put(line, "  CPU %s  ", cpu);
	put_memory(line, pool);
	put_exits(line, pool);
	jobs_clean(line);
	fprintf(to, "%.*s", width, line);
}

/* ---- all ----------------------------------------------------------------------------- */

static void print_number(FILE *to, const json_t *pool, const char *words,
			 const char *name)
{
	if (json_is_number(json_object_get(pool, name)))
		fprintf(to, "  %-10s %.0f\n", words, jobs_number(pool, name));
}

static void print_size(FILE *to, const json_t *pool)
{
	double max = jobs_number(pool, "max");

	fprintf(to, "  %-10s at least %.0f, ", "size", jobs_number(pool, "min"));
	if (max > 0)
		fprintf(to, "at most %.0f, ", max);
	fprintf(to, "%.0f ahead of need\n", jobs_number(pool, "spare"));
}

static void print_members(FILE *to, const json_t *pool)
{
	static const char *const states[] = { "starting", "idle", "busy", "resetting",
					      "ending" };
	const char *comma = ":";

	fprintf(to, "  %-10s %.0f", "members", jobs_number(pool, "members"));
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (jobs_number(pool, states[i]) == 0)
			continue;
		fprintf(to, "%s %.0f %s", comma, jobs_number(pool, states[i]), states[i]);
		comma = ",";
	}
	fputc('\n', to);
}

static void print_waits(FILE *to, const json_t *pool)
{
	const json_t *waits = json_object_get(pool, "wait_seconds");
	double count = counted_in_all(waits, NULL);
	char line[LINE] = "";

	if (count == 0)
		return;
	put(line, "%s on average, 50%% <=",
	    stat_table_seconds(jobs_number(waits, "sum") / count).text);
	put_wait(line, pool, NULL, 0.5);
	put(line, ", 99%% <=");
	put_wait(line, pool, NULL, 0.99);
	fprintf(to, "  %-10s %s\n", "waited", line);
}

static void print_processes(FILE *to, const json_t *processes)
{
	const json_t *process;
	size_t i;

	if (json_array_size(processes))
		fputs("\n      PID STATE          USES   AGE   CPU  MEM\n", to);
	json_array_foreach(processes, i, process)
	{
		char age[8], cpu[8], memory[8];

		jobs_time_text(jobs_number(process, "age_seconds"), age);
		jobs_time_text(jobs_number(process, "cpu_seconds"), cpu);
		jobs_bytes_text(jobs_number(process, "memory_bytes"), memory);
		fprintf(to, "  %7.0f %-10.10s %8.0f %5s %5s %4s\n",
			jobs_number(process, "pid"), text_of(process, "state"),
			jobs_number(process, "uses"), age, cpu, memory);
	}
}

void pool_table_print(FILE *to, const json_t *pool)
{
	char line[LINE];

	snprintf(line, sizeof(line), "pool %s: %s, user %.0f, %s", text_of(pool, "name"),
		 text_of(pool, "kind"), jobs_number(pool, "uid"),
		 json_is_true(json_object_get(pool, "closing")) ? "closing"
		 : json_is_true(json_object_get(pool, "keep"))	? "kept"
								: "not kept");
	jobs_clean(line);
	fprintf(to, "%s\n", line);
	print_size(to, pool);
	print_members(to, pool);
	print_number(to, pool, "waiting", "waiting");
	print_number(to, pool, "clients", "clients");
	print_number(to, pool, "uses", "uses");
	print_number(to, pool, "cold", "cold");
	print_number(to, pool, "refused", "refused");
	print_waits(to, pool);
	print_number(to, pool, "starts", "starts");
	print_number(to, pool, "dropped", "dropped_bytes");
	pool_table_members(to, pool, LINE);
	fputc('\n', to);
	print_processes(to, json_object_get(pool, "processes"));
}
