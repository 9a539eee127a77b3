#include "uringspawn-trace/summary.h"

#include <stdlib.h>
#include <string.h>

struct summary *summary_new(const char *backend, bool by_thread)
{
	struct summary *summary = calloc(1, sizeof(*summary));

	if (summary) {
		summary->backend = backend;
		summary->by_thread = by_thread;
	}
	return summary;
}

/* NULL when there is no memory for it. */
static struct tally *thread_tally(struct summary *summary, const struct record *r)
{
	struct summary_thread *thread = summary->threads;
	pid_t tgid = (pid_t)r->spawn.tgid, tid = (pid_t)r->spawn.tid;
	size_t i;

	for (i = 0; i < summary->n_threads; i++, thread++)
		if (thread->tid == tid && thread->tgid == tgid)
			return thread->tally;
	if (i == SUMMARY_THREADS_MAX)
		tgid = tid = 0;
	if (i > SUMMARY_THREADS_MAX)
		return summary->threads[SUMMARY_THREADS_MAX].tally;
	thread->tally = calloc(1, sizeof(*thread->tally));
	if (!thread->tally)
		return NULL;
	thread->tgid = tgid;
	thread->tid = tid;
	memcpy(thread->name, r->spawn.caller, sizeof(thread->name));
	summary->n_threads++;
	return thread->tally;
}

static struct summary_process *process_of(struct summary *summary, const struct record *r)
{
	struct summary_process *process = summary->processes;
	pid_t tgid = (pid_t)r->spawn.tgid;
	size_t i;

	for (i = 0; i < summary->n_processes; i++, process++)
		if (process->tgid == tgid)
			return process;
	if (i > SUMMARY_PROCESSES_MAX)
		return &summary->processes[SUMMARY_PROCESSES_MAX];
	process->tgid = i == SUMMARY_PROCESSES_MAX ? 0 : tgid;
	memcpy(process->name, r->spawn.caller, sizeof(process->name));
	summary->n_processes++;
	return process;
}

bool summary_uses_handshakes(const struct summary *summary, pid_t tgid)
{
	for (size_t i = 0; i < summary->n_processes; i++)
		if (summary->processes[i].tgid == tgid)
			return summary->processes[i].handshakes > 0;
	return false;
}

void summary_learn(struct summary *summary, const struct record *r)
{
	if (r->handshake)
		process_of(summary, r)->handshakes++;
}

void summary_add(struct summary *summary, const struct record *r)
{
	struct tally *tally = summary->by_thread ? thread_tally(summary, r) : NULL;
	struct summary_process *process = process_of(summary, r);

	tally_add(&summary->all, r);
	if (tally)
		tally_add(tally, r);
	if (r->main) {
		process->by_main++;
		process->main_ns += r->ns[PHASE_BLOCKED];
		process->main_sync_ns += r->ns[PHASE_SYNC];
		memcpy(process->name, r->spawn.caller, sizeof(process->name));
	} else {
		process->by_others++;
		process->others_ns += r->ns[PHASE_BLOCKED];
	}
}

void summary_add_function(struct summary *summary, const struct trace_function *function)
{
	histogram_add(&summary->all.ns[PHASE_FUNCTION],
		      function->leave_at - function->enter_at);
}

void summary_add_job(struct summary *summary, const struct trace_job *job)
{
	const __u64 *at = job->at;

	if (job->state == TRACE_JOB_RUNNING) {
		summary->job_pids[job->pid % SUMMARY_JOBS_MAX] = job->pid;
		histogram_add(&summary->all.ns[PHASE_LAUNCH],
			      at[TRACE_JOB_RUNNING] - at[TRACE_JOB_LAUNCHING]);
		return;
	}
	summary->jobs++;
	if (at[TRACE_JOB_DRAINING])
		histogram_add(&summary->all.ns[PHASE_DRAIN],
			      at[TRACE_JOB_ENDED] - at[TRACE_JOB_DRAINING]);
}

bool summary_take_job(struct summary *summary, uint32_t pid)
{
	uint32_t *slot = &summary->job_pids[pid % SUMMARY_JOBS_MAX];

	if (!pid || *slot != pid)
		return false;
	*slot = 0;
	return true;
}

void summary_clear(struct summary *summary, uint64_t now_ns)
{
	for (size_t i = 0; i < summary->n_threads; i++)
		free(summary->threads[i].tally);
	summary->n_threads = 0;
	for (size_t i = 0; i < summary->n_processes; i++) {
		struct summary_process *process = &summary->processes[i];

		process->by_main = process->main_ns = process->main_sync_ns = 0;
		process->by_others = process->others_ns = 0;
	}
	summary->jobs = 0;
	memset(&summary->all, 0, sizeof(summary->all));
	summary->from_ns = now_ns;
}

void summary_free(struct summary *summary)
{
	if (!summary)
		return;
	summary_clear(summary, 0);
	free(summary);
}
