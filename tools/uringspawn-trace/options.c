#include "uringspawn-trace/options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uringspawn/version.h>
#include "cli/option.h"

static const char usage[] =
	"Usage: uringspawn trace [OPTIONS] -p PID[,PID...]\n"
	"       uringspawn trace [OPTIONS] [--] COMMAND [ARGUMENTS...]\n"
	"Say how long each spawn keeps the thread that asks for it, and with what.\n"
	"\n"
	"  -p, --pid PID[,PID...]   these processes; COMMAND is started and looked at\n"
	"  -a, --all                every process\n"
	"      --follow             also what they start, and so on\n"
	"  -d, --duration SECS      for so long; else until they end, or Ctrl-C\n"
	"  -i, --interval SECS [N]  a summary every SECS seconds, N times\n"
	"\n"
	"  -e, --events             a line for each spawn, when it is over\n"
	"  -j, --json               JSON: an object in a line for each, and the summary\n"
	"  -L, --by-thread          a table for each thread that spawns\n"
	"  -M, --main               only spawns by the first thread of a process\n"
	"  -x, --failed             only what could not be executed, or not even made\n"
	"  -n, --name NAME          only programs of this name\n"
	"      --min-us N           lines only for those that took N us or longer\n"
	"  -m, --milliseconds       in ms rather than us\n"
	"  -T, --time               the time of day on each line\n"
	"  -o, --output FILE        there rather than on stdout\n"
	"\n"
	"      --func [PATH:]SYMBOL also how long this function took; PATH is the program\n"
	"      --compare self|SOCKET\n"
	"                           spawn the most frequent command again, up to 50 times,\n"
	"                           by an engine of uringspawn or the daemon at SOCKET\n"
	"      --backend tp|raw     how the kernel is asked; else the first that works\n"
	"      --check              what works here and why the rest does not\n"
	"\n"
	"Exit code: 0; 1 for a wrong option, or a process that is not there; 2 where it is\n"
	"not permitted; 3 where the kernel has not what is needed.\n";

enum { HELP = 256, VERSION, FOLLOW, MIN_US, FUNCTION, COMPARE, BACKEND, CHECK };

static const struct option known[] = {
	{ "pid", required_argument, NULL, 'p' },
	{ "all", no_argument, NULL, 'a' },
	{ "follow", no_argument, NULL, FOLLOW },
	{ "duration", required_argument, NULL, 'd' },
	{ "interval", required_argument, NULL, 'i' },
	{ "events", no_argument, NULL, 'e' },
	{ "json", no_argument, NULL, 'j' },
	{ "by-thread", no_argument, NULL, 'L' },
	{ "main", no_argument, NULL, 'M' },
	{ "failed", no_argument, NULL, 'x' },
	{ "name", required_argument, NULL, 'n' },
	{ "min-us", required_argument, NULL, MIN_US },
	{ "milliseconds", no_argument, NULL, 'm' },
	{ "time", no_argument, NULL, 'T' },
	{ "output", required_argument, NULL, 'o' },
	{ "func", required_argument, NULL, FUNCTION },
	{ "compare", required_argument, NULL, COMPARE },
	{ "backend", required_argument, NULL, BACKEND },
	{ "check", no_argument, NULL, CHECK },
	{ "help", no_argument, NULL, HELP },
	{ "version", no_argument, NULL, VERSION },
	{ 0 },
};

/* Returns CODE_USAGE, having said that @option cannot be @value. */
static int wrong(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "uringspawn-trace: %s '%s': %s\n", option, value, wanted);
	return CODE_USAGE;
}

static bool read_number(const char *text, uint64_t most, uint64_t *ret_number)
{
	char *rest;

	errno = 0;
	*ret_number = strtoull(text, &rest, 10);
	return isdigit((unsigned char)*text) && !*rest && !errno && *ret_number <= most;
}

static int read_pids(struct options *options, const char *list)
{
	char *copy = strdup(list), *rest = copy, *word;
	int ret = copy ? -1 : CODE_USAGE;
	uint64_t pid;

	while (ret < 0 && (word = strsep(&rest, ","))) {
		if (!read_number(word, INT32_MAX, &pid) || !pid)
			ret = wrong("--pid", list, "wanted are numbers, with commas");
		else if (options->n_pids == TARGETS_MAX)
			ret = wrong("--pid", list, "too many");
		else
			options->pids[options->n_pids++] = (pid_t)pid;
	}
	free(copy);
	return ret;
}

static int read_length(const char *option, const char *text, uint64_t *ret_ns)
{
	if (option_duration(text, ret_ns) || !*ret_ns)
		return wrong(option, text, "wanted is a time, as 10, 0.5 or 500ms");
	return -1;
}

static int read_backend(struct options *options, const char *name)
{
	options->backend_given = true;
	if (strcmp(name, "tp") == 0)
		options->backend = BACKEND_TP;
	else if (strcmp(name, "raw") == 0)
		options->backend = BACKEND_RAW;
	else
		return wrong("--backend", name, "there are tp and raw");
	return -1;
}

static int read_flag(struct options *options, int option)
{
	switch (option) {
	case HELP:
		fputs(usage, stdout);
		return CODE_OK;
	case VERSION:
		puts("uringspawn-trace " USP_VERSION);
		return CODE_OK;
	case FOLLOW:
		options->follow = true;
		break;
	case CHECK:
		options->check = true;
		break;
	case 'a':
		options->every = true;
		break;
	case 'e':
		options->events = true;
		break;
	case 'j':
		options->json = true;
		break;
	case 'L':
		options->by_thread = true;
		break;
	case 'M':
		options->main_only = true;
		break;
	case 'x':
		options->failed_only = true;
		break;
	case 'm':
		options->milliseconds = true;
		break;
	case 'T':
		options->wall_clock = true;
		break;
	}
	return -1;
}

static int read_value(struct options *options, int option, char *value)
{
	uint64_t us;

	switch (option) {
	case 'p':
		return read_pids(options, value);
	case 'd':
		return read_length("--duration", value, &options->duration_ns);
	case 'i':
		return read_length("--interval", value, &options->interval_ns);
	case 'n':
		options->name = value;
		return -1;
	case 'o':
		options->output = value;
		return -1;
	case FUNCTION:
		options->function = value;
		return -1;
	case COMPARE:
		options->compare = value;
		return -1;
	case BACKEND:
		return read_backend(options, value);
	case MIN_US:
		if (!read_number(value, UINT32_MAX, &us))
			return wrong("--min-us", value, "wanted is a number");
		options->least_ns = us * 1000;
		return -1;
	}
	return read_flag(options, option);
}

/* What has to be there, and what excludes what. */
static int check(const struct options *options)
{
	int whom = (options->n_pids > 0) + (options->command != NULL) + options->every;
	const char *problem = NULL;

	if (options->check)
		problem = whom ? "--check looks at no process" : NULL;
	else if (whom == 0)
		problem = "whom? --pid PID, --all, or a COMMAND; see --help";
	else if (whom > 1)
		problem = "--pid, --all and a COMMAND exclude each other";
	else if (options->compare && options->intervals)
		problem = "--compare comes at the end, and N intervals have none";
	if (!problem)
		return -1;
	fprintf(stderr, "uringspawn-trace: %s\n", problem);
	return CODE_USAGE;
}

int options_read(struct options *options, int argc, char **argv)
{
	int option, ret = -1;

	*options = (struct options){ 0 };
	optind = 1;
	opterr = 0;
	while (ret < 0 && !options->command) {
		option = getopt_long(argc, argv, "-:p:ad:i:ejLMxn:mTo:", known, NULL);
		if (option == -1)
			break;
		if (option == '?' || option == ':') {
			option_complain("trace", argv, known);
			return CODE_USAGE;
		}
		/* A number is how often, where there is an interval: else the command. */
		if (option != 1)
			ret = read_value(options, option, optarg);
		else if (!options->interval_ns || options->intervals ||
			 !read_number(optarg, UINT32_MAX, &options->intervals))
			options->command = argv + optind - 1;
	}
	if (ret >= 0)
		return ret;
	if (!options->command && argv[optind])
		options->command = argv + optind;
	return check(options);
}
