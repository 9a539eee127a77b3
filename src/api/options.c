/*
 * Options of any size, as this library knows them: a program may be compiled
 * with an older or a newer header than the library it runs with.
 */
#include "api/options.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "api/pool.h"
#include "api/template.h"

int options_copy(void *ret_options, size_t known_bytes, const void *given,
		 size_t given_bytes)
{
	if (given_bytes == 0)
		return -EINVAL;
	for (size_t i = known_bytes; i < given_bytes; i++)
		if (((const unsigned char *)given)[i])
			return -E2BIG;
	memset(ret_options, 0, known_bytes);
	memcpy(ret_options, given, given_bytes < known_bytes ? given_bytes : known_bytes);
	return 0;
}

static int read_any(const struct usp_options *given, struct usp_options *ret_options)
{
	int ret;

	if (!given)
		return -EINVAL;
	ret = options_copy(ret_options, sizeof(*ret_options), given, given->size);
	ret_options->size = sizeof(*ret_options);
	if (ret < 0)
		return ret;
	if ((ret_options->n_fds && !ret_options->fds) ||
	    (ret_options->n_groups && !ret_options->groups))
		return -EINVAL;
	return 0;
}

int options_read(const struct usp_options *given, const struct template_verbs *verbs,
		 struct usp_options *ret_options)
{
	struct usp_options options;
	int ret = read_any(given, &options);

	if (ret < 0)
		return ret;
	if (options.base && options.base->verbs != verbs)
		return -EINVAL;
	if (!options.argv && !(options.base && options.base->has_argv))
		return -EINVAL;
	if (!options.on_event && !(options.base && options.base->options.on_event))
		return -EINVAL;
	*ret_options = options;
	return 0;
}

int options_read_pool(const struct usp_options *given, const void *home,
		      struct usp_pool **ret_pool, struct usp_options *ret_options)
{
	const size_t least = offsetof(struct usp_options, pool) + sizeof(given->pool);
	int ret;

	*ret_pool = given && given->size >= least ? given->pool : NULL;
	if (!*ret_pool)
		return 0;
	ret = read_any(given, ret_options);
	if (ret < 0)
		return ret;
	return (*ret_pool)->home == home && ret_options->on_event ? 0 : -EINVAL;
}

static bool has_kind_fd(const struct usp_options *options)
{
	for (int i = 0; i < 3; i++)
		if (options->stdio[i].kind == USP_STDIO_FD)
			return true;
	for (size_t i = 0; options->fds && i < options->n_fds; i++)
		if (options->fds[i].stdio.kind == USP_STDIO_FD)
			return true;
	return false;
}

int options_read_template(const struct usp_options *given,
			  struct usp_options *ret_options)
{
	struct usp_options options;
	int ret = read_any(given, &options);

	if (ret < 0)
		return ret;
	if (options.base || options.pool || has_kind_fd(&options))
		return -EINVAL;
	*ret_options = options;
	return 0;
}

/* ---- on top of a template --------------------------------------------------- */

/* A member that is zero says nothing. */
#define INHERIT(member)                                                                  \
	do {                                                                             \
		if (!options->member)                                                    \
			options->member = base->member;                                  \
	} while (0)

static void inherit_credentials(struct usp_options *options,
				const struct usp_options *base)
{
	if (options->set & USP_SET_CREDENTIALS)
		return;
	options->uid = base->uid;
	options->gid = base->gid;
	options->groups = base->groups;
	options->n_groups = base->n_groups;
}

/* What USP_SET_* says counts, whatever its value. */
static void inherit_set(struct usp_options *options, const struct usp_options *base)
{
	inherit_credentials(options, base);
	if (!(options->set & USP_SET_UMASK))
		options->umask = base->umask;
	if (!(options->set & USP_SET_NICE))
		options->nice = base->nice;
	if (!(options->set & USP_SET_OOM_SCORE_ADJ))
		options->oom_score_adj = base->oom_score_adj;
	options->set |= base->set;
}

static bool has_cpus(const struct usp_options *options)
{
	for (size_t i = 0; i < USP_CPU_WORDS; i++)
		if (options->cpus[i])
			return true;
	return false;
}

static void inherit_lists(struct usp_options *options, const struct usp_options *base)
{
	for (int i = 0; i < 3; i++)
		if (options->stdio[i].kind == USP_STDIO_DEFAULT)
			options->stdio[i] = base->stdio[i];
	if (options->n_fds == 0) {
		options->fds = base->fds;
		options->n_fds = base->n_fds;
	}
	if (options->n_rlimits == 0) {
		memcpy(options->rlimits, base->rlimits, sizeof(options->rlimits));
		options->n_rlimits = base->n_rlimits;
	}
	if (!has_cpus(options))
		memcpy(options->cpus, base->cpus, sizeof(options->cpus));
}

/* A cgroup that is there and limits of a new one exclude each other. */
static void inherit_cgroup(struct usp_options *options, const struct usp_options *base)
{
	struct usp_cgroup *cgroup = &options->cgroup;

	if (cgroup->path)
		return;
	if (!(options->flags & USP_FLAG_CGROUP) && !cgroup->memory_max_bytes &&
	    !cgroup->pids_max && !cgroup->cpu_milli)
		cgroup->path = base->cgroup.path;
	options->flags |= base->flags & USP_FLAG_CGROUP;
	INHERIT(cgroup.memory_max_bytes);
	INHERIT(cgroup.pids_max);
	INHERIT(cgroup.cpu_milli);
}

static void inherit_pty(struct usp_winsize *pty, const struct usp_winsize *base)
{
	if (!pty->rows && !pty->columns && !pty->x_pixels && !pty->y_pixels)
		*pty = *base;
}

void options_inherit(struct usp_options *options, const struct usp_options *base)
{
	INHERIT(group);
	INHERIT(timeout_ns);
	INHERIT(kill.signal);
	INHERIT(kill.target);
	INHERIT(kill.grace_ns);
	INHERIT(ignored_signals);
	INHERIT(window_bytes);
	INHERIT(on_event);
	INHERIT(user);
	INHERIT(queue_timeout_ns);
	INHERIT(launch_timeout_ns);
	INHERIT(idle_timeout_ns);
	INHERIT(output_max_bytes);
	INHERIT(output_tail_bytes);
	INHERIT(output_action);
	INHERIT(drain_ns);
	INHERIT(drain_action);
	INHERIT(gone);
	INHERIT(pgid);
	options->flags |= base->flags & ~USP_FLAG_CGROUP;
	inherit_lists(options, base);
	inherit_set(options, base);
	inherit_cgroup(options, base);
	inherit_pty(&options->pty, &base->pty);
}
