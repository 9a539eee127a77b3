/*
 * What a program used, for people: `uringspawn run --stats`.
 */
#ifndef CLI_RUN_STATS_H
#define CLI_RUN_STATS_H

#include <uringspawn/spawn.h>

/* To stderr. */
void run_stats_print(const struct usp_end *end);

#endif
