/*
 * Which command was executed most often.
 */
#ifndef TRACE_COMMANDS_H
#define TRACE_COMMANDS_H

#include <stddef.h>
#include "bpf/event.h"

/* Of more different ones, those that come late are not counted. */
enum { COMMANDS_MAX = 64 };

struct commands {
	size_t n;
	struct {
		unsigned times;
		struct trace_command command;
	} all[COMMANDS_MAX];
};

void commands_add(struct commands *commands, const struct trace_command *command);

/* The most frequent one, or NULL. */
const struct trace_command *commands_first(const struct commands *commands);

#endif
