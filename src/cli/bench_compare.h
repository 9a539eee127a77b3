/*
 * `uringspawn bench` where the engine is compared with itself: under each launch
 * policy, or under a load and without it.
 */
#ifndef CLI_BENCH_COMPARE_H
#define CLI_BENCH_COMPARE_H

#include "cli/bench_options.h"
#include "cli/bench_run.h"

/* Does @options ask for such a comparison? */
bool bench_is_comparison(const struct bench_options *options);

/*
 * Measure and print.  Returns 0 or -errno; @error then says in words what went wrong.
 */
int bench_compare(const struct bench_options *options, const struct bench_job *job,
		  char *error, size_t error_size);

#endif
