/*
 * The values of a spec: identity, limits, and what becomes of the process.
 */
#include "launch/spec_parts.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include "base/annotate.h"
#include "base/clock.h"

#define GRACE_NS_DEFAULT (2 * NS_PER_S)
#define ROWS_DEFAULT	 24
#define COLUMNS_DEFAULT	 80

#define FLAGS_KNOWN                                                                      \
	(USP_FLAG_RUN | USP_FLAG_PIDFD | USP_FLAG_RUSAGE | USP_FLAG_NO_NEW_PRIVS |       \
	 USP_FLAG_CGROUP | USP_FLAG_BOUND)
#define SET_KNOWN                                                                        \
	(USP_SET_UMASK | USP_SET_NICE | USP_SET_OOM_SCORE_ADJ | USP_SET_CREDENTIALS)

/* ---- first pass: check and measure --------------------------------------- */

static bool is_signal(int signal)
{
	return signal > 0 && signal < NSIG;
}

static bool is_within(int value, int low, int high)
{
	return value >= low && value <= high;
}

static int check_kill(const struct usp_options *o)
{
	if (o->kill.target > USP_TARGET_TREE)
		return -EINVAL;
	return o->kill.signal && !is_signal(o->kill.signal) ? -EINVAL : 0;
}

static int check_group(const struct usp_options *o)
{
	return o->group > USP_GROUP_JOIN || o->pgid < 0 ? -EINVAL : 0;
}

static int check_flags(const struct usp_options *o)
{
	return o->flags & ~FLAGS_KNOWN ? -EINVAL : 0;
}

static int check_set(const struct usp_options *o)
{
	return o->set & ~SET_KNOWN ? -EINVAL : 0;
}

static int check_umask(const struct usp_options *o)
{
	return o->set & USP_SET_UMASK && o->umask > 0777 ? -EINVAL : 0;
}

static int check_nice(const struct usp_options *o)
{
	return o->set & USP_SET_NICE && !is_within(o->nice, -20, 19) ? -EINVAL : 0;
}

static int check_oom_score_adj(const struct usp_options *o)
{
	bool set = o->set & USP_SET_OOM_SCORE_ADJ;

	return set && !is_within(o->oom_score_adj, -1000, 1000) ? -EINVAL : 0;
}

/* -1 means "leave it" to the kernel. */
static int check_credentials(const struct usp_options *o)
{
	if (!(o->set & USP_SET_CREDENTIALS))
		return 0;
	if (o->uid == (uid_t)-1 || o->gid == (gid_t)-1)
		return -EINVAL;
	if (o->n_groups > USP_GROUPS_MAX || (o->n_groups && !o->groups))
		return -EINVAL;
	for (size_t i = 0; i < o->n_groups; i++)
		if (o->groups[i] == (gid_t)-1)
			return -EINVAL;
	return 0;
}

static int check_rlimits(const struct usp_options *o)
{
	unsigned seen = 0;

	if (o->n_rlimits > USP_RLIMITS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < o->n_rlimits; i++) {
		const struct usp_rlimit *limit = &o->rlimits[i];

		if (!is_within(limit->resource, 0, USP_RLIMITS_MAX - 1) ||
		    seen & (1u << limit->resource) || limit->soft > limit->hard)
			return -EINVAL;
		seen |= 1u << limit->resource;
	}
	return 0;
}

/* A path that goes up may leave what it is to be below of. */
static bool goes_up(const char *path)
{
	for (const char *dots = path; (dots = strstr(dots, "..")); dots += 2)
		if ((dots == path || dots[-1] == '/') &&
		    (dots[2] == '\0' || dots[2] == '/'))
			return true;
	return false;
}

static int check_cgroup(const struct usp_options *o)
{
	const struct usp_cgroup *cgroup = &o->cgroup;
	size_t size;

	if (!cgroup->path)
		return 0;
	if (cgroup->memory_max_bytes || cgroup->pids_max || cgroup->cpu_milli ||
	    (o->flags & USP_FLAG_CGROUP) || goes_up(cgroup->path))
		return -EINVAL;
	size = strnlen(cgroup->path, PATH_MAX);
	if (size == 0)
		return -EINVAL;
	return size == PATH_MAX ? -E2BIG : 0;
}

static int check_output(const struct usp_options *o)
{
	if (o->output_action > USP_OUTPUT_DROP)
		return -EINVAL;
	if (o->output_tail_bytes && o->output_action != USP_OUTPUT_DROP)
		return -EINVAL;
	if (o->output_tail_bytes > SPEC_TAIL_BYTES_MAX ||
	    o->output_tail_bytes > o->output_max_bytes)
		return -EINVAL;
	return 0;
}

/* To kill who holds a pipe, the plan has to be for more than the process. */
static int check_drain(const struct usp_options *o)
{
	bool alone = o->kill.target == USP_TARGET_PROCESS ||
		     (!spec_has_group(o) && o->kill.target == USP_TARGET_GROUP);

	if (o->drain_action > USP_DRAIN_KILL)
		return -EINVAL;
	return o->drain_action == USP_DRAIN_KILL && alone ? -EINVAL : 0;
}

/* A cgroup of its own is its engine's, and ends with that. */
static int check_gone(const struct usp_options *o)
{
	bool has_cgroup = (o->flags & USP_FLAG_CGROUP) || o->cgroup.memory_max_bytes ||
			  o->cgroup.pids_max || o->cgroup.cpu_milli ||
			  o->kill.target == USP_TARGET_TREE;

	if (o->gone > USP_GONE_RELEASE)
		return -EINVAL;
	return o->gone == USP_GONE_RELEASE && has_cgroup ? -EINVAL : 0;
}

int spec_values_measure(const struct spec_input *input, struct measure *m,
			const char **ret_field)
{
	static const struct {
		const char *field;
		int (*check)(const struct usp_options *o);
	} checks[] = {
		{ "group", check_group },
		{ "kill", check_kill },
		{ "flags", check_flags },
		{ "set", check_set },
		{ "umask", check_umask },
		{ "nice", check_nice },
		{ "oom_score_adj", check_oom_score_adj },
		{ "credentials", check_credentials },
		{ "rlimits", check_rlimits },
		{ "cgroup", check_cgroup },
		{ "output", check_output },
		{ "drain", check_drain },
		{ "gone", check_gone },
	};

	const struct usp_options *o = &input->options;

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		int ret = checks[i].check(o);

		*ret_field = checks[i].field;
		if (ret < 0)
			return ret;
	}
	m->n_groups = o->set & USP_SET_CREDENTIALS ? o->n_groups : 0;
	m->cgroup_bytes = o->cgroup.path ? strlen(o->cgroup.path) + 1 : 0;
	return 0;
}

/* ---- second pass: copy --------------------------------------------------- */

/* Nobody is to follow a pointer of the caller's. */
static void forget_pointers(struct usp_options *o)
{
	o->argv = o->envp = o->env_extend = o->env_unset = NULL;
	o->path = o->search = o->cwd = o->cgroup.path = NULL;
	o->base = NULL;
	o->groups = NULL;
	o->fds = NULL;
	o->n_fds = 0;
	memset(o->stdio, 0, sizeof(o->stdio));
}

static void complete(struct usp_options *o, bool has_pty)
{
	if (has_pty)
		o->group = USP_GROUP_SESSION;
	if (!o->kill.signal)
		o->kill.signal = SIGTERM;
	if (!o->kill.grace_ns)
		o->kill.grace_ns = GRACE_NS_DEFAULT;
	if (!spec_has_group(o) && o->kill.target == USP_TARGET_GROUP)
		o->kill.target = USP_TARGET_PROCESS;
	if (!o->pty.rows)
		o->pty.rows = ROWS_DEFAULT;
	if (!o->pty.columns)
		o->pty.columns = COLUMNS_DEFAULT;
}

static bool has_pty(const struct usp_options *o)
{
	return o->stdio[0].kind == USP_STDIO_PTY || o->stdio[1].kind == USP_STDIO_PTY ||
	       o->stdio[2].kind == USP_STDIO_PTY;
}

void spec_values_copy(struct spec *spec, const struct spec_input *input,
		      struct cursor *to)
{
	const struct usp_options *given = &input->options;
	struct usp_options *o = &spec->options;

	*o = *given;
	forget_pointers(o);
	complete(o, has_pty(given));
	if (given->set & USP_SET_CREDENTIALS && given->n_groups) {
		memcpy(to->groups, given->groups, given->n_groups * sizeof(gid_t));
		o->groups = to->groups;
	}
	if (given->cgroup.path) {
		const struct bytes path = { given->cgroup.path,
					    strlen(given->cgroup.path) };

		o->cgroup.path = cursor_put(to, &path);
	}
}
