/*
 * What the sources of a session share: nobody else includes this.
 */
#ifndef TRACE_SESSION_PARTS_H
#define TRACE_SESSION_PARTS_H

#include <stdio.h>
#include "uringspawn-trace/commands.h"
#include "uringspawn-trace/compare.h"
#include "uringspawn-trace/options.h"
#include "uringspawn-trace/summary.h"

struct session {
	const struct options *options;
	FILE *to;
	struct targets targets;
	struct probe *probe;
	struct summary *summary;
	struct commands commands;
	struct compare *compare; /* NULL: not asked for */
	char cwd[4096];		 /* of the first target */
	sigset_t mask_before;
	int signal_fd;
	bool ended;		       /* the next summary is the last */
	uint64_t stop_ns, interval_ns; /* when */
	uint64_t intervals;	       /* left; 0: without end */
};

/* Open everything, and let a command go; @told is called with what is told, and the
 * session.  Returns 0, or the exit code of @why; what was opened stays the session's. */
int session_open(struct session *session, probe_told *told, struct failure *why);

#endif
