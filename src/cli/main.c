/*
 * `uringspawn`: finds the command and hands over to it.
 */
#include <stdio.h>
#include <string.h>
#include <uringspawn/version.h>
#include "base/annotate.h"
#include "cli/cmd.h"
#include "cli/option.h"

/* Our own failure, as env(1), nohup(1) and timeout(1) report theirs. */
enum { CODE_OURS = 125 };

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} commands[] = {
	{ "run", cmd_run,
	  "run a program, with timeout, signals and exit codes done right" },
	{ "map", cmd_map, "a program for each line of the input, many at a time" },
	{ "ps", cmd_ps, "the jobs of a daemon" },
	{ "kill", cmd_kill, "end jobs of a daemon" },
	{ "top", cmd_top, "the same, on the whole terminal, over and over" },
	{ "pool", cmd_pool,
	  "processes of a daemon that are there before they are needed" },
	{ "stat", cmd_stat, "the numbers of a daemon" },
	{ "bench", cmd_bench, "measure launches against a bare clone and posix_spawn" },
	{ "trace", cmd_trace, "what spawns cost any running program, by BPF" },
	{ "doctor", cmd_doctor, "what this kernel and this sandbox allow, and why not" },
};

static void usage(FILE *to)
{
	fputs("Usage: uringspawn COMMAND [OPTIONS] [-- PROGRAM ARGUMENTS...]\n"
	      "Start programs fast, and know for certain how they ended.\n\n",
	      to);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].what);
	fputs("\n  uringspawn COMMAND --help says more.  --version prints the version.\n",
	      to);
}

static int no_such_command(const char *word)
{
	const char *names[ARRAY_SIZE(commands)], *near;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		names[i] = commands[i].name;
	near = option_nearest(word, names, ARRAY_SIZE(names));
	if (near)
		fprintf(stderr, "uringspawn: no command '%s'; did you mean '%s'?\n", word,
			near);
	else
		fprintf(stderr, "uringspawn: no command '%s'; see 'uringspawn --help'\n",
			word);
	return CODE_OURS;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return CODE_OURS;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("uringspawn " USP_VERSION);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return no_such_command(argv[1]);
}
