/*
 * What one process is doing, for who lists them.
 */
#ifndef ENGINE_LOOK_H
#define ENGINE_LOOK_H

#include <stdint.h>
#include <sys/types.h>
#include "base/annotate.h"

struct usp_process;

struct look {
	const char *state;     /* "queued", "launching", "running", "draining", "ended" */
	const char *name;      /* the program as it was asked for; borrowed */
	pid_t pid;	       /* 0: it is none yet, or none any more */
	uint64_t age_ns;       /* since it was asked for */
	uint64_t output_bytes; /* told of its streams */
};

void engine_look(const struct usp_process *process, struct look *ret_look) REACTOR_ONLY;

#endif
