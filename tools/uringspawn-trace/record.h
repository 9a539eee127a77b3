/*
 * One spawn, as its record tells it: the phases, and what kind of spawn it was.
 */
#ifndef TRACE_RECORD_H
#define TRACE_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include "bpf/event.h"

enum phase {
	/* Of the thread that asked. */
	PHASE_BLOCKED, /* the window: the next three and what lies between them */
	PHASE_COPY,    /* clone to a process that is there: page tables */
	PHASE_WAIT,    /* until clone returns: of vfork, until the exec */
	PHASE_HANDSHAKE,
	PHASE_PRE, /* from the first pipe to the clone; not in the window */
	/* Of the new process. */
	PHASE_QUEUE, /* it is there, and waits for a processor */
	PHASE_SETUP, /* until it enters its last execve() */
	PHASE_EXEC,
	PHASE_TEARDOWN, /* of which: its copy of the old memory is let go */
	PHASE_RUN,
	PHASE_REAP, /* it ended, and nobody has waited for it */
	/* Of the thread again. */
	PHASE_SYNC, /* after the window, until the end that it waited for */
	/* Of a job of uringspawn's; no record has them. */
	PHASE_LAUNCH, /* from its turn until its engine knows that it runs */
	PHASE_DRAIN,  /* from its exit until all of its output is told */
	PHASE_FUNCTION, /* the function of --func, where it made a process; no record has it */
	PHASE_COUNT,
};

struct phase_name {
	const char *name; /* of the column, of the row, of the JSON field before _ns */
	const char *row;
	const char *what;
};

extern const struct phase_name phase_names[PHASE_COUNT];

struct record {
	struct trace_spawn spawn;
	bool main; /* by the process's first thread */
	bool clone_failed;
	bool exec_failed; /* it tried to, and never did */
	bool executed;
	bool sync; /* the thread waited for its end, as by spawnSync() or system() */
	bool handshake;
	bool job;     /* of uringspawn's */
	uint32_t has; /* bit n: phase n took place */
	uint64_t ns[PHASE_COUNT];
};

/*
 * @uses_handshakes: this process is known to wait for its children's exec.  When it was
 * preempted meanwhile, so that it never slept, that time is part of the window as well.
 */
void record_make(struct record *r, const struct trace_spawn *spawn, bool uses_handshakes);

static inline bool record_failed(const struct record *r)
{
	return r->clone_failed || r->exec_failed;
}

static inline bool record_has(const struct record *r, enum phase phase)
{
	return r->has & 1u << phase;
}

/* "fork", "vfork", "shared". */
const char *record_kind(const struct record *r);

/* The name of the program: as it calls itself, else the file that was to be executed. */
const char *record_program(const struct record *r);

#endif
