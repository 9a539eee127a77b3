/*
 * `uringspawn run` in both of its ways: by an engine of its own, and by a daemon.  It
 * makes the same promises in each.
 */
#ifndef SUPPORT_BOTH_WAYS_H
#define SUPPORT_BOTH_WAYS_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>

#include "support/command.h"
#include "support/daemon.h"

enum way { EMBEDDED, SOCKET };

/* The one that SOCKET speaks to. */
extern struct running_daemon daemon_run;

/* What the last command left. */
extern struct command_result result;

/* The whole command line, of `uringspawn run` or of another command; valid until the next. */
const char *const *command_line_of(const char *name, enum way way,
				   const char *const *args);
const char *const *command_line(enum way way, const char *const *args);

/* Returns its exit code, with the rest in @result. */
int run(enum way way, const char *const *args);

/* Bit n-1 of @ignored: signal n is ignored when it starts. */
void start(struct running_command *running, enum way way, const char *const *args,
	   uint64_t ignored);

bool says(const char *text, const char *part);

/* A test that is carried out in both ways: BOTH_WAYS(suite, name) { body, with @way } */
#define BOTH_WAYS(suite, name)                                                           \
	static void name##_way(enum way way);                                            \
	Test(suite, name)                                                                \
	{                                                                                \
		name##_way(EMBEDDED);                                                    \
		daemon_start(&daemon_run, NULL);                                         \
		name##_way(SOCKET);                                                      \
		daemon_stop(&daemon_run);                                                \
	}                                                                                \
	static void name##_way(enum way way)

#endif
