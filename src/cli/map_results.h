/*
 * `uringspawn map --results`: what a job says goes to files of its own.
 */
#ifndef CLI_MAP_RESULTS_H
#define CLI_MAP_RESULTS_H

#include <stdint.h>

/* Make @dir, unless it is there.  Returns 0 or -errno. */
int map_results_prepare(const char *dir);

/* Open @dir/@number/stdout and stderr anew.  Gives both.  Returns 0 or -errno. */
int map_results_open(const char *dir, uint64_t number, int ret_fds[2]);

#endif
