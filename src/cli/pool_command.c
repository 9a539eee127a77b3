#include "cli/pool_command.h"

#include <errno.h>
#include <stdio.h>
#include "cli/option.h"
#include "cli/pool_options.h"
#include "cli/reach.h"
#include "cli/run_spec.h"

static int take(int option, struct pool_command *command, char **argv)
{
	switch (option) {
	case POOL_HELP:
		fputs(command->usage, stdout);
		return 1;
	case POOL_SOCKET:
		command->socket = optarg;
		return 0;
	case POOL_JSON:
		command->json = true;
		return 0;
	case POOL_DRAIN:
		return run_spec_duration("--drain", &command->drain_ns);
	case POOL_MIN:
		command->has_min = true;
		return pool_options_size("--min", 0, &command->min);
	case POOL_MAX:
		command->has_max = true;
		return pool_options_size("--max", 0, &command->max);
	case POOL_SPARE:
		command->has_spare = true;
		return pool_options_spare(&command->spare);
	}
	option_complain(command->name, argv, command->known);
	return -EINVAL;
}

/* What is no option: a name, if there is to be one. */
static int take_words(char **words, struct pool_command *command)
{
	if (command->has_name && !words[0]) {
		fprintf(stderr,
			"uringspawn: %s needs the name of a pool; 'uringspawn pool ls' "
			"shows those there are\n",
			command->name);
		return -EINVAL;
	}
	if (command->has_name)
		command->pool = *words++;
	if (!*words)
		return 0;
	fprintf(stderr, "uringspawn: %s takes no %sargument, but was given '%s'\n",
		command->name, command->has_name ? "other " : "", *words);
	return -EINVAL;
}

/* Returns 0, 1 when help was printed, or
 * -EINVAL; says why. */
static int parse(int argc, char **argv, struct pool_command *command)
{
	int option, ret = 0;

	optind = 1;
	opterr = 0;
	while (!ret &&
	       (option = getopt_long(argc, argv, ":", command->known, NULL)) != -1)
		ret = take(option, command, argv);
	return ret ? ret : take_words(argv + optind, command);
}

struct usp_client *pool_command_begin(int argc, char **argv, struct pool_command *command,
				      int *ret_code)
{
	struct usp_client *client = NULL;
	int ret = parse(argc, argv, command);

	*ret_code = ret > 0 ? 0 : POOL_CODE_OURS;
	if (ret || reach_daemon(command->socket, &client))
		return NULL;
	return client;
}
