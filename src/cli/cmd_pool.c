/*
 * `uringspawn pool`: finds the command of pools and hands over to it.
 */
#include <stdio.h>
#include <string.h>
#include "base/annotate.h"
#include "cli/cmd.h"
#include "cli/option.h"
#include "cli/pool_command.h"

static const char usage[] =
	"Usage: uringspawn pool COMMAND [OPTIONS]\n"
	"Pools of a daemon: processes that are there before they are needed.\n"
	"\n"
	"  open     keep processes of a program at hand\n"
	"  ls       list the pools: for root those of everybody, else your own\n"
	"  stat     all numbers of one\n"
	"  top      the list on the whole terminal, over and over\n"
	"  resize   change how many processes there are\n"
	"  close    end one\n"
	"\n"
	"  uringspawn pool COMMAND --help says more.  'uringspawn run' has an option for\n"
	"  who wants to use one.\n"
	"\n"
	"Exit code: 0, or 125 when that is not so: what was wrong is said.\n";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "open", pool_command_open },	   { "ls", pool_command_ls },
	{ "stat", pool_command_stat },	   { "top", pool_command_top },
	{ "resize", pool_command_resize }, { "close", pool_command_close },
};

static int no_such_command(const char *word)
{
	const char *names[ARRAY_SIZE(commands)], *near;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		names[i] = commands[i].name;
	near = option_nearest(word, names, ARRAY_SIZE(names));
	fprintf(stderr, "uringspawn: no command 'pool %s'; %s%s'%s\n", word,
		near ? "did you mean 'pool " : "see 'uringspawn pool --help",
		near ? near : "", near ? "?" : "");
	return POOL_CODE_OURS;
}

int cmd_pool(int argc, char **argv)
{
	if (argc < 2) {
		fputs(usage, stderr);
		return POOL_CODE_OURS;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return no_such_command(argv[1]);
}
