/*
 * The programs in the kernel: loading, attaching, whom they watch, and what they tell.
 */
#ifndef TRACE_PROBE_H
#define TRACE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "uringspawn-trace/failure.h"

enum backend {
	BACKEND_TP,  /* tracepoints of single system calls: costs the others least */
	BACKEND_RAW, /* the tracepoint of all of them: needs no tracefs */
};

struct probe;

struct probe_options {
	enum backend backend;
	bool every;    /* process, not only those of probe_watch() */
	bool follow;   /* what a watched process starts is watched */
	bool commands; /* tell also what is executed */
	bool jobs;     /* probe_jobs() will be called */
	bool function; /* probe_function() will be called */
};

/* What cannot be received any more, and what there was no room for. */
struct probe_losses {
	uint64_t records, threads;
};

const char *probe_backend_name(enum backend backend);

/* Called with each record, of @size bytes, which begins with its enum trace_event_kind. */
typedef void probe_told(const void *record, size_t size, void *user);

/* Load and attach everything.  Returns 0, or the exit code of @why. */
int probe_open(const struct probe_options *options, probe_told *told, void *user,
	       struct probe **ret_probe, struct failure *why);

/* Watch these processes, as this process's own namespace numbers them. */
int probe_watch(struct probe *probe, const pid_t *pids, size_t n, struct failure *why);

/* Whether anybody who is watched is left, those included that were followed. */
bool probe_has_targets(const struct probe *probe);

/* Time the function of which the first instruction is at @offset of the file @path.
 * Returns 0, or the exit code of @why. */
int probe_function(struct probe *probe, const char *path, uint64_t offset,
		   struct failure *why);

/* Listen also to uringspawn's own probe in the file @path.  Returns 0, or -errno: it has
 * none, or that is not permitted. */
int probe_jobs(struct probe *probe, const char *path);

/* Becomes readable when much is waiting. */
int probe_fd(const struct probe *probe);

/* Tell all that is there. */
void probe_drain(struct probe *probe);

/* Detach, then tell also the spawns of which the processes are still there. */
void probe_finish(struct probe *probe);

struct probe_losses probe_losses(const struct probe *probe);

void probe_close(struct probe *probe);

#endif
