/*
 * What is counted of many spawns: those of a thread, or of all.
 */
#ifndef TRACE_TALLY_H
#define TRACE_TALLY_H

#include "uringspawn-trace/histogram.h"
#include "uringspawn-trace/record.h"

struct tally {
	uint64_t spawns, forks, vforks, shared;
	uint64_t exec_failed, clone_failed, no_exec, sync, unreaped;
	uint64_t fork_pages; /* of all forks, of their processes */
	struct histogram ns[PHASE_COUNT];
};

void tally_add(struct tally *tally, const struct record *r);

/* The average of the resident memory of what was forked. */
uint64_t tally_fork_bytes(const struct tally *tally);

static inline uint64_t tally_p50(const struct tally *tally, enum phase phase)
{
	return histogram_percentile(&tally->ns[phase], 0.5);
}

#endif
