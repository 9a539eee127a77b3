/*
 * `uringspawn top`: the jobs of a daemon, on the whole terminal, over and over.
 */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/annotate.h"
#include "base/list.h"
#include "cli/cmd.h"
#include "cli/jobs_table.h"
#include "cli/screen.h"

static const char usage[] =
	"Usage: uringspawn top [--socket PATH] [--interval TIME]\n"
	"Show the jobs of a daemon on the whole terminal, and again every second.\n"
	"\n"
	"  --socket PATH     of the daemon at PATH (or @NAME), not the default one\n"
	"  --interval TIME   1s, 200ms; not less than 100ms\n"
	"\n"
	"Keys: q ends it; c m o a  sort by CPU time, memory, output, age; j  not at all.\n"
	"For a script there is 'uringspawn ps'.\n"
	"\n"
	"Exit code: 0 by q or ^C; 128+N by another signal N; 125 when there is no\n"
	"terminal or no daemon that answers, or on a wrong option.\n";

static const struct {
	char key;
	const char *name;
} orders[] = {
	{ 'j', "job" },		 { 'c', "cpu_seconds" }, { 'm', "memory_bytes" },
	{ 'o', "output_bytes" }, { 'a', "age_seconds" },
};

struct top {
	struct screen screen;
	const char *order;
};

static const char *sorted_by;

static int compare(const void *a, const void *b)
{
	double x = jobs_number(*(json_t *const *)a, sorted_by),
	       y = jobs_number(*(json_t *const *)b, sorted_by);

	return x < y ? 1 : x > y ? -1 : 0;
}

/* As they came is the order of the array; the rest begins with the largest. */
static void sort(json_t **jobs, size_t n, const char *order)
{
	sorted_by = order;
	if (order != orders[0].name)
		qsort(jobs, n, sizeof(*jobs), compare);
}

static size_t in_state(const struct screen *screen, const char *state)
{
	const json_t *job;
	size_t i, n = 0;

	json_array_foreach(screen->items, i, job)
	{
		const char *its = json_string_value(json_object_get(job, "state"));

		n += its && strcmp(its, state) == 0;
	}
	return n;
}

static void draw_head(const struct screen *screen, FILE *to, int columns)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "%zu jobs: %zu running, %zu queued, %zu draining   at %s",
		 json_array_size(screen->items), in_state(screen, "running"),
		 in_state(screen, "queued"), in_state(screen, "draining"),
		 screen->socket ? screen->socket : "the default socket");
	fprintf(to, "%.*s" SCREEN_EOL "\033[7m", columns, line);
	jobs_table_heading(to, columns);
	fputs("\033[K\033[0m\r\n", to);
}

static void draw_jobs(const struct screen *screen, const char *order, FILE *to, int rows,
		      int columns)
{
	size_t n = json_array_size(screen->items), i;
	json_t **jobs = mem_zalloc((n + 1) * sizeof(*jobs)), *job;

	if (!jobs)
		return;
	json_array_foreach(screen->items, i, job) jobs[i] = job;
	sort(jobs, n, order);
	for (i = 0; i < n && (int)i < rows; i++) {
		jobs_table_job(to, jobs[i], columns);
		fputs(SCREEN_EOL, to);
	}
	mem_free(jobs);
}

static void draw(const struct screen *screen, FILE *to, int rows, int columns)
{
	const struct top *top = container_of(screen, struct top, screen);

	draw_head(screen, to, columns);
	draw_jobs(screen, top->order, to, rows - 2, columns);
}

static void press(struct screen *screen, char key)
{
	struct top *top = container_of(screen, struct top, screen);

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
		if (key == orders[i].key)
			top->order = orders[i].name;
}

int cmd_top(int argc, char **argv)
{
	static struct top top = {
		.screen = {
			.command = "top",
			.instead = "uringspawn ps",
			.usage = usage,
			.what = JOBS_JOBS,
			.keys = "q quit  sort: c CPU  m memory  o output  a age  j as they came",
			.draw = draw,
			.press = press,
		},
	};

	top.order = orders[0].name;
	return screen_run(&top.screen, argc, argv);
}
