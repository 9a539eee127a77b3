/*
 * `uringspawn ps`: the jobs of a daemon.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uringspawn/client.h>
#include "cli/cmd.h"
#include "cli/jobs.h"
#include "cli/jobs_table.h"
#include "cli/option.h"

static const char usage[] =
	"Usage: uringspawn ps [--socket PATH] [--json]\n"
	"List the jobs of a daemon, in the order in which they came: for root those of\n"
	"everybody, else your own.\n"
	"\n"
	"  --socket PATH   of the daemon at PATH (or @NAME), not the default one\n"
	"  --json          as one JSON array\n"
	"\n"
	"JOB is what 'uringspawn kill' takes, CLIENT the process that asked for it, with\n"
	"a - when it is gone.  CPU and MEM are of the program alone, OUT is its output.\n"
	"\n"
	"Exit code: 0, or 125 when there is no daemon that answers, or on a wrong option.\n";

enum { HELP = 256, SOCKET, JSON };

static const struct option known[] = {
	{ "help", no_argument, NULL, HELP },
	{ "socket", required_argument, NULL, SOCKET },
	{ "json", no_argument, NULL, JSON },
	{ 0 },
};

struct ps_options {
	const char *socket; /* NULL: the default one */
	bool json;
};

/* Returns 0, 1 when help was asked for, or -EINVAL; says why. */
static int parse(int argc, char **argv, struct ps_options *options)
{
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", known, NULL)) != -1) {
		switch (option) {
		case HELP:
			fputs(usage, stdout);
			return 1;
		case SOCKET:
			options->socket = optarg;
			break;
		case JSON:
			options->json = true;
			break;
		default:
			option_complain("ps", argv, known);
			return -EINVAL;
		}
	}
	if (!argv[optind])
		return 0;
	fprintf(stderr, "uringspawn: ps takes no argument, but was given '%s'\n",
		argv[optind]);
	return -EINVAL;
}

static void print_table(const json_t *jobs)
{
	const json_t *job;
	size_t i;

	jobs_table_heading(stdout, 1000);
	putchar('\n');
	json_array_foreach(jobs, i, job)
	{
		jobs_table_job(stdout, job, 1000);
		putchar('\n');
	}
}

static int print(const json_t *jobs, bool json)
{
	bool bad = false;

	if (!json)
		print_table(jobs);
	else
		bad = json_dumpf(jobs, stdout, JSON_INDENT(1)) || putchar('\n') == EOF;
	if (!fflush(stdout) && !bad)
		return 0;
	fprintf(stderr, "uringspawn: cannot write the list: %s\n",
		strerrordesc_np(errno));
	return 125;
}

int cmd_ps(int argc, char **argv)
{
	struct ps_options options = { 0 };
	struct usp_client *client;
	int ret = parse(argc, argv, &options);
	json_t *jobs;

	if (ret)
		return ret < 0 ? 125 : 0;
	client = jobs_connect(options.socket);
	jobs = client ? jobs_list(client, JOBS_JOBS) : NULL;
	ret = jobs ? print(jobs, options.json) : 125;
	json_decref(jobs);
	usp_client_free(client);
	return ret;
}
