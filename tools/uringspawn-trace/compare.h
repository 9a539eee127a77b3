/*
 * `--compare`: the command that was spawned most often, spawned anew through uringspawn,
 * so that a report ends with before and after.
 */
#ifndef TRACE_COMPARE_H
#define TRACE_COMPARE_H

#include <stdbool.h>
#include <stdio.h>
#include "uringspawn-trace/commands.h"
#include "uringspawn-trace/failure.h"
#include "uringspawn-trace/tally.h"

struct compare;

/* @through: the socket of a daemon, or "self" for an engine in this process; @cwd: where
 * commands are run.  Both are borrowed. */
int compare_open(const char *through, const char *cwd, struct compare **ret_compare,
		 struct failure *why);

/* Run @command some times, with no input and no output, and tell how that went beside
 * @before. */
void compare_run(struct compare *compare, const struct trace_command *command,
		 const struct tally *before, bool json, FILE *to);

void compare_close(struct compare *compare);

#endif
