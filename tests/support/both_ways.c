/*
 * `uringspawn run`, by an engine of its own and by a daemon.
 */
#include "support/both_ways.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/annotate.h"

struct running_daemon daemon_run;
struct command_result result;

const char *const *command_line_of(const char *name, enum way way,
				   const char *const *args)
{
	static const char *line[32];
	int n = 0;

	line[n++] = BUILD_DIR "/uringspawn";
	line[n++] = name;
	if (way == SOCKET) {
		line[n++] = "--socket";
		line[n++] = daemon_run.socket;
	}
	for (; *args; args++) {
		cr_assert(lt(int, n, (int)ARRAY_SIZE(line) - 1));
		line[n++] = *args;
	}
	line[n] = NULL;
	return line;
}

const char *const *command_line(enum way way, const char *const *args)
{
	return command_line_of("run", way, args);
}

int run(enum way way, const char *const *args)
{
	const struct command command = { .argv = command_line(way, args) };

	return command_run(&command, &result);
}

void start(struct running_command *running, enum way way, const char *const *args,
	   uint64_t ignored)
{
	const struct command command = {
		.argv = command_line(way, args),
		.ignored = ignored,
	};

	command_start(running, &command);
}

bool says(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}
