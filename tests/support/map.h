/*
 * `uringspawn map`, by an engine of its own and by a daemon.
 */
#ifndef SUPPORT_MAP_H
#define SUPPORT_MAP_H

#include "support/both_ways.h"

/* The whole command line; valid until the next. */
const char *const *map_line(enum way way, const char *const *args);

/* Run it with @input.  Returns its exit code, with the rest in @result. */
int map(enum way way, const char *const *args, const char *input);
int map_bytes(enum way way, const char *const *args, const void *input, size_t size);

#endif
