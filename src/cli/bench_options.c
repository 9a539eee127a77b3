/*
 * The options of `uringspawn bench`: reading, checking, and saying what is
 * wrong with them.
 */
#include "cli/bench_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/annotate.h"
#include "cli/option.h"

static const char usage[] =
	"Usage: uringspawn bench [OPTIONS] [--] PROGRAM [ARGUMENTS...]\n"
	"Start PROGRAM many times and say how fast that went, next to a bare loop of\n"
	"clone(CLONE_VM | CLONE_VFORK), one of posix_spawn() and one of fork(), with a\n"
	"thread for each CPU.  All take turns, round by round, with the same environment\n"
	"and streams; they read all of the output and wait for each end.\n"
	"\n"
	"  --jobs N --rounds R so many on each side (10000), in so many rounds (5)\n"
	"  --depth D           so many in flight, of the engine or the daemon (8)\n"
	"  --launchers L       threads of the engine (its default)\n"
	"  --socket PATH       measure the daemon at PATH (or @NAME), not an engine\n"
	"  --request run|spawn ask the daemon by RUN or by SPAWN frames (run)\n"
	"  --window BYTES      credit of each stream (none needed: no limit)\n"
	"  --policy NAME|all   shared, round-robin, least-loaded, random; all: compare\n"
	"  --tables WHOSE      descriptors of launchers: auto, shared, private (auto)\n"
	"  --live N            compare with N programs (--live-program: sleep) and\n"
	"  --descriptors N     so many descriptors that are there meanwhile\n"
	"  --stdio null|pipe   what stdout and stderr are; stdin is /dev/null (pipe)\n"
	"  --variables N       an environment of N variables, instead of this one\n"
	"  --template          compare a template with the environment and none\n"
	"  --outputs           compare pipes that are relayed, handed over, the caller's\n"
	"  --cgroup            compare a cgroup for each job with none; --json\n"
	"\n"
	"Ctrl-C ends it and prints what was measured.  Exit code: 0; 1 when a job went\n"
	"wrong; 125 when uringspawn itself fails; 130 after Ctrl-C.\n";

enum {
	HELP = 256,
	JOBS,
	ROUNDS,
	DEPTH,
	LAUNCHERS,
	SOCKET,
	REQUEST,
	WINDOW,
	POLICY,
	TABLES,
	LIVE,
	DESCRIPTORS,
	CGROUP,
	LIVE_PROGRAM,
	STDIO,
	VARIABLES,
	TEMPLATE,
	OUTPUTS,
	JSON,
};

static const struct option known[] = {
	{ "help", no_argument, NULL, HELP },
	{ "jobs", required_argument, NULL, JOBS },
	{ "rounds", required_argument, NULL, ROUNDS },
	{ "depth", required_argument, NULL, DEPTH },
	{ "launchers", required_argument, NULL, LAUNCHERS },
	{ "socket", required_argument, NULL, SOCKET },
	{ "request", required_argument, NULL, REQUEST },
	{ "window", required_argument, NULL, WINDOW },
	{ "policy", required_argument, NULL, POLICY },
	{ "tables", required_argument, NULL, TABLES },
	{ "live", required_argument, NULL, LIVE },
	{ "descriptors", required_argument, NULL, DESCRIPTORS },
	{ "cgroup", no_argument, NULL, CGROUP },
	{ "live-program", required_argument, NULL, LIVE_PROGRAM },
	{ "stdio", required_argument, NULL, STDIO },
	{ "variables", required_argument, NULL, VARIABLES },
	{ "template", no_argument, NULL, TEMPLATE },
	{ "outputs", no_argument, NULL, OUTPUTS },
	{ "json", no_argument, NULL, JSON },
	{ 0 },
};

static int count(const char *option, unsigned max, unsigned *ret_count)
{
	char *end;

	errno = 0;
	unsigned long value = strtoul(optarg, &end, 10);

	/* strtoul() takes blanks and signs, and a count has none. */
	if (optarg[0] < '0' || optarg[0] > '9' || *end || errno || value < 1 ||
	    value > max) {
		fprintf(stderr, "uringspawn: %s '%s' is not a number from 1 to %u\n",
			option, optarg, max);
		return -EINVAL;
	}
	*ret_count = (unsigned)value;
	return 0;
}

/* One of two words; *@ret_first: it is the first one. */
static int choice(const char *option, const char *first, const char *second,
		  bool *ret_first)
{
	bool is_first = strcmp(optarg, first) == 0;

	if (!is_first && strcmp(optarg, second) != 0) {
		fprintf(stderr, "uringspawn: %s '%s' is neither %s nor %s\n", option,
			optarg, first, second);
		return -EINVAL;
	}
	*ret_first = is_first;
	return 0;
}

static const char *const tables[] = { "auto", "shared", "private" };

/* The number of the word in @words, or -EINVAL. */
static int word(const char *option, const char *const *words, size_t n_words)
{
	for (size_t i = 0; i < n_words; i++)
		if (strcmp(optarg, words[i]) == 0)
			return (int)i;
	fprintf(stderr, "uringspawn: %s '%s' is not one of", option, optarg);
	for (size_t i = 0; i < n_words; i++)
		fprintf(stderr, "%s %s", i ? "," : "", words[i]);
	fputc('\n', stderr);
	return -EINVAL;
}

static int take_policy(struct bench_options *options)
{
	const char *name;

	options->policy = USP_POLICY_SHARED;
	options->all_policies = strcmp(optarg, "all") == 0;
	if (options->all_policies)
		return 0;
	for (unsigned i = 0; (name = usp_policy_name((enum usp_policy)i)); i++) {
		if (strcmp(optarg, name) != 0)
			continue;
		options->policy = (enum usp_policy)i;
		return 0;
	}
	fprintf(stderr,
		"uringspawn: --policy '%s' is not one of shared, round-robin, "
		"least-loaded, random, all\n",
		optarg);
	return -EINVAL;
}

static int take_tables(struct bench_options *options)
{
	int ret = word("--tables", tables, ARRAY_SIZE(tables));

	if (ret < 0)
		return ret;
	options->tables = (enum usp_tables)ret;
	return 0;
}

static int take(int option, struct bench_options *options)
{
	switch (option) {
	case HELP:
		fputs(usage, stdout);
		return 1;
	case JOBS:
		return count("--jobs", BENCH_JOBS_MAX, &options->n_jobs);
	case ROUNDS:
		return count("--rounds", BENCH_ROUNDS_MAX, &options->n_rounds);
	case DEPTH:
		return count("--depth", BENCH_DEPTH_MAX, &options->depth);
	case LAUNCHERS:
		return count("--launchers", BENCH_LAUNCHERS_MAX, &options->n_launchers);
	case STDIO:
		return choice("--stdio", "pipe", "null", &options->pipes);
	case REQUEST:
		return choice("--request", "spawn", "run", &options->spawn);
	case WINDOW:
		return count("--window", BENCH_WINDOW_MAX, &options->window_bytes);
	case POLICY:
		return take_policy(options);
	case TABLES:
		return take_tables(options);
	case LIVE:
		return count("--live", BENCH_LOAD_MAX, &options->n_live);
	case DESCRIPTORS:
		return count("--descriptors", BENCH_LOAD_MAX, &options->n_descriptors);
	case CGROUP:
		options->cgroups = true;
		return 0;
	case VARIABLES:
		return count("--variables", BENCH_VARIABLES_MAX, &options->n_variables);
	case TEMPLATE:
		options->templates = true;
		return 0;
	case OUTPUTS:
		options->outputs = true;
		return 0;
	case LIVE_PROGRAM:
		options->live_program = optarg;
		return 0;
	case SOCKET:
		options->socket = optarg;
		return 0;
	case JSON:
		options->json = true;
		return 0;
	}
	return -EINVAL;
}

/* What no option says alone. */
static const char *contradiction(const struct bench_options *options)
{
	if (!options->argv[0])
		return "no program given; see 'uringspawn bench --help'";
	if (options->argv[0][0] == '\0')
		return "the program's name is empty";
	if (options->socket && options->n_launchers)
		return "--launchers is for an engine in this process, and the daemon of "
		       "--socket has its own";
	if (options->socket &&
	    (options->policy || options->all_policies || options->tables))
		return "--policy and --tables are for an engine in this process, and the "
		       "daemon of --socket has its own";
	if (options->socket && options->n_descriptors)
		return "--descriptors are opened in this process, and the daemon of "
		       "--socket is another";
	if (options->all_policies + options->cgroups + options->templates +
		    options->outputs + (options->n_live || options->n_descriptors) >
	    1)
		return "--policy all compares policies, --cgroup cgroups, --template "
		       "templates, --outputs outputs, --live and --descriptors loads: "
		       "one at a time";
	if (options->outputs && !options->pipes)
		return "--outputs is about pipes, and --stdio null leaves none";
	if (options->spawn && !options->socket)
		return "--request is about a daemon, and there is no --socket";
	if (options->n_rounds > options->n_jobs)
		return "--rounds is more than --jobs";
	return NULL;
}

int bench_options_parse(int argc, char **argv, struct bench_options *ret_options)
{
	struct bench_options options = {
		.n_jobs = 10000,
		.n_rounds = 5,
		.depth = 8,
		.pipes = true,
		.live_program = "sleep",
	};
	const char *wrong;
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", known, NULL)) != -1) {
		if (option == '?' || option == ':') {
			option_complain("bench", argv, known);
			return -EINVAL;
		}
		int ret = take(option, &options);

		if (ret)
			return ret;
	}
	options.argv = argv + optind;
	wrong = contradiction(&options);
	if (wrong) {
		fprintf(stderr, "uringspawn: %s\n", wrong);
		return -EINVAL;
	}
	*ret_options = options;
	return 0;
}
