#include "uringspawn-trace/commands.h"

#include <stdbool.h>
#include <string.h>

static bool is_same(const struct trace_command *a, const struct trace_command *b)
{
	return a->size == b->size && a->size <= TRACE_ARGS_MAX &&
	       strcmp(a->file, b->file) == 0 && memcmp(a->args, b->args, a->size) == 0;
}

void commands_add(struct commands *commands, const struct trace_command *command)
{
	for (size_t i = 0; i < commands->n; i++) {
		if (!is_same(&commands->all[i].command, command))
			continue;
		commands->all[i].times++;
		return;
	}
	if (commands->n == COMMANDS_MAX)
		return;
	commands->all[commands->n].command = *command;
	commands->all[commands->n++].times = 1;
}

const struct trace_command *commands_first(const struct commands *commands)
{
	size_t first = 0;

	for (size_t i = 1; i < commands->n; i++)
		if (commands->all[i].times > commands->all[first].times)
			first = i;
	return commands->n ? &commands->all[first].command : NULL;
}
