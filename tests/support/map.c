#include "support/map.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/annotate.h"

const char *const *map_line(enum way way, const char *const *args)
{
	static const char *line[32];
	int n = 0;

	line[n++] = BUILD_DIR "/uringspawn";
	line[n++] = "map";
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

int map_bytes(enum way way, const char *const *args, const void *input, size_t size)
{
	const struct command command = {
		.argv = map_line(way, args),
		.input = input,
		.input_size = size,
	};

	return command_run(&command, &result);
}

int map(enum way way, const char *const *args, const char *input)
{
	return map_bytes(way, args, input, strlen(input));
}
