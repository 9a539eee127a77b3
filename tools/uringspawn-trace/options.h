/*
 * What uringspawn-trace is asked for.
 */
#ifndef TRACE_OPTIONS_H
#define TRACE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "uringspawn-trace/probe.h"
#include "uringspawn-trace/target.h"

struct options {
	pid_t pids[TARGETS_MAX];
	size_t n_pids;
	bool every, follow;
	char **command;			   /* NULL: none */
	uint64_t duration_ns, interval_ns; /* 0: none */
	uint64_t intervals;		   /* 0: without end */
	bool events, json, by_thread, main_only, failed_only, milliseconds, wall_clock;
	bool check;
	bool backend_given;
	enum backend backend;
	uint64_t least_ns;
	const char *name;
	const char *output;
	const char *compare;  /* NULL, "self" or a socket */
	const char *function; /* NULL, or [PATH:]SYMBOL */
};

/* Returns -1 to go on, else the exit code; what was wrong is said on stderr. */
int options_read(struct options *options, int argc, char **argv);

#endif
