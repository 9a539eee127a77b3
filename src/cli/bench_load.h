/*
 * A load that a benchmark is run under: programs that live on, and descriptors that
 * are open, while others are started.
 */
#ifndef CLI_BENCH_LOAD_H
#define CLI_BENCH_LOAD_H

#include "cli/bench_options.h"
#include "cli/bench_usp.h"

struct bench_load;

/*
 * Start the programs by @usp and open the descriptors in this process, as @options say.
 * Returns 0 or -errno; @error then says in words what went wrong.
 */
int bench_load_start(struct bench_usp *usp, const struct bench_options *options,
		     struct bench_load **ret_load, char *error, size_t error_size);

/* End and close all of it.  Accepts NULL.  Returns 0 or -errno. */
int bench_load_stop(struct bench_load *load);

#endif
