/*
 * `uringspawn pool ls` and `uringspawn pool stat`.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <uringspawn/client.h>
#include "cli/jobs.h"
#include "cli/pool_command.h"
#include "cli/pool_table.h"
#include "cli/pools.h"

static const char ls_usage[] =
	"Usage: uringspawn pool ls [--socket PATH] [--json]\n"
	"List the pools of a daemon: for root those of everybody, else your own.\n"
	"\n"
	"  --socket PATH   of the daemon at PATH (or @NAME), not the default one\n"
	"  --json          as one JSON array\n"
	"\n"
	"One without a name is of a single client.  START to END count its processes by\n"
	"what they do, WAIT the uses that wait for one, and the last two columns say how\n"
	"long uses waited.\n"
	"\n"
	"Exit code: 0, or 125 when there is no daemon that answers, or on a wrong option.\n";

static const char stat_usage[] =
	"Usage: uringspawn pool stat NAME [--socket PATH] [--json]\n"
	"Print the numbers of a pool: its processes and what they use, why they ended,\n"
	"and how long uses waited.\n"
	"\n"
	"  --socket PATH   of the daemon at PATH (or @NAME), not the default one\n"
	"  --json          as one JSON object, times in seconds\n"
	"\n"
	"Exit code: 0, or 125 when there is no such pool, or no daemon that answers.\n";

static int flush(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	fprintf(stderr, "uringspawn: cannot write the list: %s\n",
		strerrordesc_np(errno));
	return POOL_CODE_OURS;
}

static const struct option list_known[] = {
	POOL_OPTIONS_OF_ALL,
	{ "json", no_argument, NULL, POOL_JSON },
	{ 0 },
};

static int print_json(const json_t *json)
{
	bool bad = json_dumpf(json, stdout, JSON_INDENT(1)) || putchar('\n') == EOF;

	return flush() || bad ? POOL_CODE_OURS : 0;
}

static int print_table(const json_t *pools)
{
	const json_t *pool;
	size_t i;

	pool_table_heading(stdout, false, INT_MAX);
	putchar('\n');
	json_array_foreach(pools, i, pool)
	{
		pool_table_pool(stdout, pool, NULL, 0, INT_MAX);
		putchar('\n');
	}
	return flush();
}

int pool_command_ls(int argc, char **argv)
{
	struct pool_command command = { .name = "pool ls",
					.usage = ls_usage,
					.known = list_known };
	int code;
	struct usp_client *client = pool_command_begin(argc, argv, &command, &code);
	json_t *pools = client ? jobs_list(client, JOBS_POOLS) : NULL;

	if (pools)
		code = command.json ? print_json(pools) : print_table(pools);
	json_decref(pools);
	usp_client_free(client);
	return code;
}

int pool_command_stat(int argc, char **argv)
{
	struct pool_command command = { .name = "pool stat",
					.usage = stat_usage,
					.known = list_known,
					.has_name = true };
	int code;
	struct usp_client *client = pool_command_begin(argc, argv, &command, &code);
	json_t *pool = client ? pools_look(client, command.pool) : NULL;

	if (pool && command.json) {
		code = print_json(pool);
	} else if (pool) {
		pool_table_print(stdout, pool);
		code = flush();
	}
	json_decref(pool);
	usp_client_free(client);
	return code;
}
