#include "support/map.h"

#include <string.h>

const char *const *map_line(enum way way, const char *const *args)
{
	return command_line_of("map", way, args);
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
