/*
 * The public usp_process_*() calls, for processes of an engine; and what is done to a
 * process of this program alone, by the daemon around the engine.
 *
 * What stands for a process, as a use of a pool does, has these verbs as well.
 */
#ifndef PROCESS_VERBS_H
#define PROCESS_VERBS_H

#include <uringspawn/spawn.h>
#include "api/handle.h"
#include "base/annotate.h"

/* What one process is doing, for who lists them. */
struct look {
	const char *state;     /* "queued", "launching", "running", "draining", "ended" */
	const char *name;      /* the program as it was asked for; borrowed */
	pid_t pid;	       /* 0: it is none yet, or none any more */
	uint64_t age_ns;       /* since it was asked for */
	uint64_t output_bytes; /* told of its streams */
};

struct inner_verbs {
	struct process_verbs api; /* first: what the handle points at */
	void (*pause)(struct usp_process *process, bool pause);
	void (*abandon)(struct usp_process *process);
	void (*detach)(struct usp_process *process);
	void (*release)(struct usp_process *process);
	void (*cut)(struct usp_process *process);
	void (*look)(const struct usp_process *process, struct look *ret_look);
};

extern const struct inner_verbs process_verbs;

/* Those of a process of this program. */
static inline const struct inner_verbs *inner_verbs(const struct usp_process *process)
{
	return (const struct inner_verbs *)process->verbs;
}

#endif
