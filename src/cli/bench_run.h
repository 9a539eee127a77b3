/*
 * What the sides of a benchmark share: the job that each of them does
 * again and again, and what a round of it tells.
 */
#ifndef CLI_BENCH_RUN_H
#define CLI_BENCH_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* The same for every side.  Everything is borrowed. */
struct bench_job {
	const char *path; /* absolute: found once, searched for by nobody */
	char *const *argv;
	char *const *envp;
	const char *cwd;
	bool pipes;  /* stdout and stderr, each a pipe of its own; otherwise /dev/null */
	int null_fd; /* /dev/null, open for reading and writing */
};

struct bench_round {
	uint64_t *latency_ns; /* has room for every job of the round; filled from 0 */
	unsigned done;	      /* jobs that ended, in whatever way */
	unsigned errors;      /* those of them that did not exit with 0 */
	uint64_t bytes;	      /* of output */
	uint64_t wall_ns;
	uint64_t cpu_ns;   /* of the engine's thread; 0 for the loops */
	char failure[300]; /* the first thing that went wrong, in words, or "" */
};

/* Set by Ctrl-C.  Whoever sees it starts no further job. */
extern volatile sig_atomic_t bench_stopped;

#endif
