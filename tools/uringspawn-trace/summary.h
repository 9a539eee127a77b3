/*
 * Everything that was seen since the start, or since the last interval.
 */
#ifndef TRACE_SUMMARY_H
#define TRACE_SUMMARY_H

#include <stdbool.h>
#include <sys/types.h>
#include "uringspawn-trace/probe.h"
#include "uringspawn-trace/record.h"
#include "uringspawn-trace/tally.h"

/* More threads, and more processes, are counted together, as number 0. */
enum { SUMMARY_THREADS_MAX = 256, SUMMARY_PROCESSES_MAX = 256 };

/* Jobs are remembered by the last bits of their pids. */
enum { SUMMARY_JOBS_MAX = 8192 };

struct summary_thread {
	pid_t tgid, tid;
	char name[TRACE_COMM_MAX];
	struct tally *tally;
};

struct summary_process {
	pid_t tgid;
	char name[TRACE_COMM_MAX];
	uint64_t handshakes;   /* since the start */
	uint64_t by_main;      /* spawns of its first thread */
	uint64_t main_ns;      /* that it was blocked by them */
	uint64_t main_sync_ns; /* and waited for their ends, besides */
	uint64_t by_others, others_ns;
};

struct summary {
	uint64_t from_ns, to_ns;
	const char *backend;
	struct probe_losses losses;
	struct tally all;
	uint64_t jobs; /* of uringspawn's, that ended */
	uint32_t job_pids[SUMMARY_JOBS_MAX];
	size_t n_processes;
	struct summary_process processes[SUMMARY_PROCESSES_MAX + 1];
	bool by_thread;
	size_t n_threads;
	struct summary_thread threads[SUMMARY_THREADS_MAX + 1];
};

/* Returns NULL when there is no memory. */
struct summary *summary_new(const char *backend, bool by_thread);

/* Whether process @tgid was seen to sleep until a child had executed. */
bool summary_uses_handshakes(const struct summary *summary, pid_t tgid);

/* Also what is not counted can tell that. */
void summary_learn(struct summary *summary, const struct record *r);

void summary_add(struct summary *summary, const struct record *r);

void summary_add_function(struct summary *summary, const struct trace_function *function);

/* A job of uringspawn's runs, or has ended. */
void summary_add_job(struct summary *summary, const struct trace_job *job);

/* Whether the process @pid is one; true once. */
bool summary_take_job(struct summary *summary, uint32_t pid);

/* Begin anew, at @now_ns. */
void summary_clear(struct summary *summary, uint64_t now_ns);

void summary_free(struct summary *summary);

#endif
