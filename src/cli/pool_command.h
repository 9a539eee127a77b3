/*
 * The commands of `uringspawn pool`, and what those have in common that change or show a
 * pool: a daemon, a name, a few options.
 */
#ifndef CLI_POOL_COMMAND_H
#define CLI_POOL_COMMAND_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

struct usp_client;

/* Each is given its own name as argv[0] and returns the exit code. */
int pool_command_open(int argc, char **argv);
int pool_command_ls(int argc, char **argv);
int pool_command_stat(int argc, char **argv);
int pool_command_top(int argc, char **argv);
int pool_command_resize(int argc, char **argv);
int pool_command_close(int argc, char **argv);

enum {
	POOL_CODE_OURS = 125,
	POOL_HELP = 256,
	POOL_SOCKET,
	POOL_JSON,
	POOL_DRAIN,
	POOL_MIN,
	POOL_MAX,
	POOL_SPARE,
};

/* Rows of the table of getopt_long() that each of them has. */
#define POOL_OPTIONS_OF_ALL                                                              \
	{ "help", no_argument, NULL, POOL_HELP },                                        \
	{                                                                                \
		"socket", required_argument, NULL, POOL_SOCKET                           \
	}

struct pool_command {
	const char *name; /* "pool ls" */
	const char *usage;
	const struct option *known;
	bool has_name;
	/* What was given. */
	const char *socket; /* NULL: the default one */
	const char *pool;
	bool json;
	uint64_t drain_ns;
	unsigned min, max, spare;
	bool has_min, has_max, has_spare;
};

/*
 * Take the options, which may stand on both sides of the name, and connect.  Returns NULL
 * when there is nothing more to do: the exit code is in @ret_code, and what was wrong was
 * said.
 */
struct usp_client *pool_command_begin(int argc, char **argv, struct pool_command *command,
				      int *ret_code);

#endif
