/*
 * What the sources of the probe share: nobody else includes this.
 */
#ifndef TRACE_PROBE_PARTS_H
#define TRACE_PROBE_PARTS_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <spawn_trace.skel.h>
#include "bpf/event.h"
#include "uringspawn-trace/probe.h"

struct probe {
	struct spawn_trace *programs;
	struct ring_buffer *ring;
	struct bpf_link *functions[8];
	size_t n_functions;
	probe_told *told;
	void *user;
};

static inline bool begins(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* Attach all programs that were loaded, but those of functions and of jobs.  Returns 0, or
 * the exit code of @why. */
int probe_attach(struct probe *probe, enum backend backend, struct failure *why);

#endif
