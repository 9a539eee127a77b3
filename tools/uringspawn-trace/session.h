/*
 * One run: from the first record to the last summary.
 */
#ifndef TRACE_SESSION_H
#define TRACE_SESSION_H

#include "uringspawn-trace/options.h"

/* Returns the exit code. */
int session_run(const struct options *options);

#endif
