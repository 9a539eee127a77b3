/*
 * cli/map_progress.c: the bar says how far it is, and fits its terminal.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/annotate.h"
#include "base/clock.h"
#include "cli/map_progress.h"

static const struct row {
	const char *name;
	struct map_tally tally;
	unsigned columns;
	const char *want;
} rows[] = {
	{ "nothing so far",
	  { .total = 10, .total_known = true },
	  40,
	  "[.........................] 0/10  0.0/s" },
	{ "half of it",
	  { .total = 10, .total_known = true, .done = 5, .elapsed_ns = 5 * NS_PER_S },
	  40,
	  "[#######........] 5/10  1.0/s  ETA 0:05" },
	{ "with failures",
	  { .total = 10,
	    .total_known = true,
	    .done = 5,
	    .failed = 2,
	    .elapsed_ns = 5 * NS_PER_S },
	  60,
	  "[############.............] 5/10  1.0/s  ETA 0:05  2 failed" },
	{ "more may come",
	  { .total = 7, .done = 1, .elapsed_ns = NS_PER_S },
	  30,
	  "[##.............] 1/7+  1.0/s" },
	{ "some were done before",
	  { .total = 10,
	    .total_known = true,
	    .skipped = 8,
	    .done = 1,
	    .elapsed_ns = NS_PER_S },
	  40,
	  "[#############..] 9/10  1.0/s  ETA 0:01" },
	{ "all of it",
	  { .total = 10, .total_known = true, .done = 10, .elapsed_ns = 100 * NS_PER_S },
	  40,
	  "[###############] 10/10  0.1/s  in 1:40" },
	{ "hours",
	  { .total = 3601, .total_known = true, .done = 1, .elapsed_ns = NS_PER_S },
	  40,
	  "[..........] 1/3601  1.0/s  ETA 1:00:00" },
	{ "no room for a bar",
	  { .total = 10, .total_known = true, .done = 5, .elapsed_ns = 5 * NS_PER_S },
	  26,
	  "5/10  1.0/s  ETA 0:05" },
	{ "no room for all", { .total = 10, .total_known = true, .done = 5 }, 5, "5/10" },
	{ "no jobs", { .total_known = true }, 20, "[......] 0/0  0.0/s" },
};

Test(map_progress, says_how_far_it_is_and_fits)
{
	char line[MAP_PROGRESS_LINE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = map_progress_line(&rows[i].tally, rows[i].columns, line);

		cr_expect(eq(str, line, (char *)rows[i].want), "%s", rows[i].name);
		cr_expect(eq(sz, n, strlen(line)));
	}
}

Test(map_progress, fits_any_terminal)
{
	const struct map_tally tally = {
		.total = UINT64_MAX,
		.done = UINT64_MAX / 2,
		.failed = UINT64_MAX / 2,
		.elapsed_ns = NS_PER_S,
		.total_known = true,
	};
	char line[MAP_PROGRESS_LINE_MAX];

	for (unsigned columns = 1; columns <= 2000; columns++)
		cr_expect(lt(sz, map_progress_line(&tally, columns, line),
			     columns < 512 ? columns : 512));
}
