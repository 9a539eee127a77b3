#include "uringspawn-trace/record.h"

#include <string.h>

const struct phase_name phase_names[PHASE_COUNT] = {
	[PHASE_BLOCKED] = { "blocked", "blocked", "the thread that asked, in all" },
	[PHASE_COPY] = { "copy", "  copy", "until the process is there" },
	[PHASE_WAIT] = { "wait", "  wait", "until clone() returns" },
	[PHASE_HANDSHAKE] = { "handshake", "  handshake",
			      "asleep until the exec is known" },
	[PHASE_PRE] = { "pre", "before", "from the first pipe to the clone" },
	[PHASE_QUEUE] = { "queue", "queue", "the process waits for a processor" },
	[PHASE_SETUP] = { "setup", "setup", "until its last execve()" },
	[PHASE_EXEC] = { "exec", "exec", "execve() itself" },
	[PHASE_TEARDOWN] = { "teardown", "  teardown",
			     "its copy of the old memory let go" },
	[PHASE_RUN] = { "run", "run", "until it ends" },
	[PHASE_REAP] = { "reap", "reap", "a zombie until somebody waits" },
	[PHASE_LAUNCH] = { "launch", "launch",
			   "uringspawn: from its turn until it runs" },
	[PHASE_DRAIN] = { "drain", "drain", "uringspawn: from its exit until its end" },
	[PHASE_FUNCTION] = { "function", "function", "of --func, as a whole" },
	[PHASE_SYNC] = { "sync", "sync", "the thread waits for its end" },
};

static void phase_between(struct record *r, enum phase phase, uint64_t from, uint64_t to)
{
	if (!from || !to)
		return;
	r->has |= 1u << phase;
	r->ns[phase] = to > from ? to - from : 0;
}

/*
 * A child that never tried to execute is a worker: what it may have written to its
 * parent was no handshake.
 */
static uint64_t end_of_window(const struct record *r, bool uses_handshakes)
{
	const struct trace_spawn *s = &r->spawn;

	if (r->handshake)
		return s->end_at;
	if (s->kind == TRACE_FORK && s->tries && s->late_at && uses_handshakes)
		return s->late_at;
	return s->return_at;
}

void record_make(struct record *r, const struct trace_spawn *spawn, bool uses_handshakes)
{
	const struct trace_spawn *s = &r->spawn;
	uint64_t end, execve_end;

	memset(r, 0, sizeof(*r));
	r->spawn = *spawn;
	r->main = s->tid == s->tgid;
	r->clone_failed = s->clone_error;
	r->executed = s->execs;
	r->exec_failed = s->tries && !s->execs && s->exit_at;
	r->handshake = s->sleeps && s->tries;
	r->sync = s->flags & (TRACE_SYNC_WAIT | TRACE_NESTED_LOOP) && s->reap_at;

	end = end_of_window(r, uses_handshakes);
	phase_between(r, PHASE_BLOCKED, s->clone_at, end);
	phase_between(r, PHASE_COPY, s->clone_at, s->made_at);
	phase_between(r, PHASE_WAIT, s->made_at, s->return_at);
	phase_between(r, PHASE_PRE, s->pre_at, s->clone_at);
	if (end > s->return_at)
		phase_between(r, PHASE_HANDSHAKE, s->return_at, end);
	phase_between(r, PHASE_QUEUE, s->made_at, s->run_at);
	phase_between(r, PHASE_SETUP, s->run_at, s->try_at);
	execve_end = r->exec_failed ? s->exit_at : s->exec_at;
	phase_between(r, PHASE_EXEC, s->try_at, execve_end);
	if (r->executed && s->teardown_at >= s->try_at)
		phase_between(r, PHASE_TEARDOWN, s->teardown_at, s->exec_at);
	phase_between(r, PHASE_RUN, s->exec_at, s->exit_at);
	phase_between(r, PHASE_REAP, s->exit_at, s->reap_at);
	if (r->sync)
		phase_between(r, PHASE_SYNC, end, s->reap_at);
}

const char *record_kind(const struct record *r)
{
	switch (r->spawn.kind) {
	case TRACE_FORK:
		return "fork";
	case TRACE_VFORK:
		return "vfork";
	}
	return "shared";
}

const char *record_program(const struct record *r)
{
	const char *slash = strrchr(r->spawn.file, '/');

	if (r->spawn.comm[0])
		return r->spawn.comm;
	if (r->spawn.file[0])
		return slash ? slash + 1 : r->spawn.file;
	return r->spawn.caller;
}
