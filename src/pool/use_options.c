/*
 * What a use may say.
 */
#include "pool/pool_parts.h"

#include <signal.h>

static bool says_stdio(const struct usp_options *o)
{
	for (int i = 0; i < 3; i++)
		if (o->stdio[i].kind != USP_STDIO_DEFAULT)
			return true;
	return false;
}

static bool says_cpus(const struct usp_options *o)
{
	for (int i = 0; i < USP_CPU_WORDS; i++)
		if (o->cpus[i])
			return true;
	return false;
}

static bool says_cgroup(const struct usp_options *o)
{
	const struct usp_cgroup *c = &o->cgroup;

	return c->path || c->memory_max_bytes || c->pids_max || c->cpu_milli;
}

/* Whom it is for is already decided where it starts. */
static bool is_kill_wrong(const struct usp_options *o)
{
	return o->kill.target > USP_TARGET_TREE || o->kill.signal < 0 ||
	       o->kill.signal >= NSIG;
}

static bool is_output_wrong(const struct pool *pool, const struct usp_options *o)
{
	bool said = o->output_max_bytes || o->output_tail_bytes || o->output_action;

	if (!said)
		return false;
	return pool_is_worker(pool) || o->output_action > USP_OUTPUT_DROP ||
	       (o->output_tail_bytes && o->output_action != USP_OUTPUT_DROP) ||
	       o->output_tail_bytes > SPEC_TAIL_BYTES_MAX ||
	       o->output_tail_bytes > o->output_max_bytes;
}

static bool is_drain_wrong(const struct pool *pool, const struct usp_options *o)
{
	if (!o->drain_ns && !o->drain_action)
		return false;
	return pool_is_worker(pool) || o->drain_action > USP_DRAIN_KILL ||
	       (o->drain_action == USP_DRAIN_KILL &&
		o->kill.target == USP_TARGET_PROCESS);
}

const char *pool_wrong_in_use(const struct pool *pool, const struct usp_options *o)
{
	const uint32_t flags = USP_FLAG_RUN | USP_FLAG_PIDFD | USP_FLAG_RUSAGE;
	const struct {
		const char *field;
		bool is_wrong;
	} rules[] = {
		{ "argv", o->argv },
		{ "path", o->path },
		{ "search", o->search },
		{ "envp", o->envp },
		{ "cwd", o->cwd },
		{ "stdio", says_stdio(o) },
		{ "group", o->group },
		{ "kill", is_kill_wrong(o) },
		{ "ignored_signals", o->ignored_signals },
		{ "flags", o->flags & ~flags },
		{ "base", o->base },
		{ "env_extend", o->env_extend },
		{ "env_unset", o->env_unset },
		{ "fds", o->n_fds },
		{ "set", o->set },
		{ "credentials", o->n_groups },
		{ "rlimits", o->n_rlimits },
		{ "cpus", says_cpus(o) },
		{ "cgroup", says_cgroup(o) },
		{ "pty", o->pty.rows || o->pty.columns },
		{ "launch_timeout_ns", o->launch_timeout_ns },
		{ "output", is_output_wrong(pool, o) },
		{ "drain", is_drain_wrong(pool, o) },
		/* Members end with this program. */
		{ "gone", (unsigned)o->gone >= USP_GONE_RELEASE },
		{ "pgid", o->pgid },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].is_wrong)
			return rules[i].field;
	return NULL;
}
