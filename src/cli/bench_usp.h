/*
 * Our side of a benchmark: the engine in this process, or a daemon.
 */
#ifndef CLI_BENCH_USP_H
#define CLI_BENCH_USP_H

#include <uringspawn/spawn.h>
#include "cli/bench_options.h"
#include "cli/bench_run.h"

struct bench_usp;

/*
 * Make the engine or connect to the daemon.
 * @return 0 or -errno; @error then says in words what went wrong.
 */
int bench_usp_open(const struct bench_options *options, struct bench_usp **ret_usp,
		   char *error, size_t error_size);

/* Accepts NULL. */
void bench_usp_close(struct bench_usp *usp);

/* What the engine waits by; NULL for a daemon, which does not tell. */
const char *bench_usp_backend(const struct bench_usp *usp);

/* What the daemon's connection says of its end, or "". */
const char *bench_usp_error(const struct bench_usp *usp);

/* Do @n_jobs, so many of them in flight as the options say.  @return 0 or -errno. */
int bench_usp_run(struct bench_usp *usp, const struct bench_job *job, unsigned n_jobs,
		  struct bench_round *ret_round);

/* For a load: a job of the caller's own, turns, and the end of one. */
int bench_usp_spawn(struct bench_usp *usp, const struct usp_options *options,
		    struct usp_process **ret_process);
int bench_usp_turn(
	struct bench_usp *usp); /* until bench_usp_stop(), or nothing is left */
void bench_usp_stop(struct bench_usp *usp);

/* End a run that waits.  May be called by a signal handler of the thread that runs it. */
void bench_usp_interrupt(void);

#endif
