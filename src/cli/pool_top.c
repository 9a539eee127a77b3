/*
 * `uringspawn pool top`.
 */
#include "cli/jobs.h"
#include "cli/pool_command.h"
#include "cli/pool_table.h"
#include "cli/screen.h"

static const char usage[] =
	"Usage: uringspawn pool top [--socket PATH] [--interval TIME]\n"
	"Show the pools of a daemon on the whole terminal, and again every second.\n"
	"\n"
	"  --socket PATH     of the daemon at PATH (or @NAME), not the default one\n"
	"  --interval TIME   1s, 200ms; not less than 100ms\n"
	"\n"
	"Two lines for each: its processes by what they do, the uses that wait, how many\n"
	"began in a second and how long they had waited; and what its processes use: CPU\n"
	"time, those that ended included, memory on average, of the largest one ever, and\n"
	"in all; and why they ended.\n"
	"\n"
	"Keys: q ends it.  For a script there is 'uringspawn pool ls'.\n"
	"\n"
	"Exit code: 0 by q or ^C; 128+N by another signal N; 125 when there is no\n"
	"terminal or no daemon that answers, or on a wrong option.\n";

/* The same pool in the list before: pools have no numbers, but their order stays, so it
 * is the one with as many of its name and user before it. */
static const json_t *before(const struct screen *screen, size_t index)
{
	const json_t *pool = json_array_get(screen->items, index), *old;
	size_t i, same = 0;

	for (i = 0; i < index; i++)
		same += pool_table_same(json_array_get(screen->items, i), pool);
	json_array_foreach(screen->before, i,
			   old) if (pool_table_same(old, pool) && same-- == 0) return old;
	return NULL;
}

static void draw_head(const struct screen *screen, FILE *to, int columns)
{
	char line[512];

	snprintf(line, sizeof(line), "%zu pools   at %s", json_array_size(screen->items),
		 screen->socket ? screen->socket : "the default socket");
	fprintf(to, "%.*s" SCREEN_EOL "\033[7m", columns, line);
	pool_table_heading(to, true, columns);
	fputs("\033[K\033[0m\r\n", to);
}

static void draw(const struct screen *screen, FILE *to, int rows, int columns)
{
	const json_t *pool;
	size_t i;

	draw_head(screen, to, columns);
	json_array_foreach(screen->items, i, pool)
	{
		if ((int)(2 * i) + 4 > rows)
			break;
		pool_table_pool(to, pool, before(screen, i), screen->seconds, columns);
		fputs(SCREEN_EOL, to);
		pool_table_members(to, pool, columns);
		fputs(SCREEN_EOL, to);
	}
}

int pool_command_top(int argc, char **argv)
{
	static struct screen screen = {
		.command = "pool top",
		.instead = "uringspawn pool ls",
		.usage = usage,
		.what = JOBS_POOLS,
		.keys = "q quit",
		.draw = draw,
	};

	return screen_run(&screen, argc, argv);
}
