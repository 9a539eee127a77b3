/*
 * The fields that say what the child may: its credentials, its priority, its limits.
 */
#include "wire/field.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "wire/bytes.h"

#define UMASK_MAX 0777u
#define NO_ID	  UINT32_MAX /* (uid_t)-1: not a user, not a group */

/* ---- one number each ----------------------------------------------------------- */

int read_umask(const struct field_kind *kind, const struct field *field,
	       struct request *request)
{
	(void)kind;
	request->options.umask = load_u32(field->bytes);
	request->options.set |= USP_SET_UMASK;
	return request->options.umask > UMASK_MAX ? -EINVAL : 0;
}

int write_umask(const struct field_kind *kind, const struct request *request,
		struct buf *out)
{
	if (!(request->options.set & USP_SET_UMASK))
		return 0;
	if (request->options.umask > UMASK_MAX)
		return -EINVAL;
	return field_put_u32(kind->tag, request->options.umask, out);
}

static bool is_nice(int32_t nice)
{
	return nice >= -20 && nice <= 19;
}

int read_nice(const struct field_kind *kind, const struct field *field,
	      struct request *request)
{
	int32_t nice = (int32_t)load_u32(field->bytes);

	(void)kind;
	request->options.nice = nice;
	request->options.set |= USP_SET_NICE;
	return is_nice(nice) ? 0 : -EINVAL;
}

int write_nice(const struct field_kind *kind, const struct request *request,
	       struct buf *out)
{
	if (!(request->options.set & USP_SET_NICE))
		return 0;
	if (!is_nice(request->options.nice))
		return -EINVAL;
	return field_put_u32(kind->tag, (uint32_t)request->options.nice, out);
}

static bool is_oom_score_adj(int32_t adj)
{
	return adj >= -1000 && adj <= 1000;
}

int read_oom_score_adj(const struct field_kind *kind, const struct field *field,
		       struct request *request)
{
	int32_t adj = (int32_t)load_u32(field->bytes);

	(void)kind;
	request->options.oom_score_adj = adj;
	request->options.set |= USP_SET_OOM_SCORE_ADJ;
	return is_oom_score_adj(adj) ? 0 : -EINVAL;
}

int write_oom_score_adj(const struct field_kind *kind, const struct request *request,
			struct buf *out)
{
	if (!(request->options.set & USP_SET_OOM_SCORE_ADJ))
		return 0;
	if (!is_oom_score_adj(request->options.oom_score_adj))
		return -EINVAL;
	return field_put_u32(kind->tag, (uint32_t)request->options.oom_score_adj, out);
}

/* ---- credentials and lists of limits ------------------------------------------ */

int read_credentials(const struct field_kind *kind, const struct field *field,
		     struct request *request)
{
	struct usp_options *options = &request->options;

	(void)kind;
	options->uid = load_u32(field->bytes);
	options->gid = load_u32(field->bytes + 4);
	options->groups = request->groups;
	options->n_groups = field->size / 4 - 2;
	options->set |= USP_SET_CREDENTIALS;
	for (size_t i = 0; i < options->n_groups; i++)
		request->groups[i] = load_u32(field->bytes + 8 + 4 * i);
	return options->uid == NO_ID || options->gid == NO_ID ? -EINVAL : 0;
}

int write_credentials(const struct field_kind *kind, const struct request *request,
		      struct buf *out)
{
	const struct usp_options *options = &request->options;
	uint8_t *at;
	int ret;

	if (!(options->set & USP_SET_CREDENTIALS))
		return 0;
	if (options->uid == NO_ID || options->gid == NO_ID ||
	    options->n_groups > USP_GROUPS_MAX)
		return -EINVAL;
	ret = field_put(out, kind->tag, 8 + 4 * options->n_groups, &at);
	if (ret < 0)
		return ret;
	at = store_u32(store_u32(at, options->uid), options->gid);
	for (size_t i = 0; i < options->n_groups; i++)
		at = store_u32(at, options->groups[i]);
	return 0;
}

int read_rlimits(const struct field_kind *kind, const struct field *field,
		 struct request *request)
{
	struct usp_options *options = &request->options;
	uint32_t taken = 0;

	(void)kind;
	options->n_rlimits = field->size / RLIMIT_BYTES;
	for (size_t i = 0; i < options->n_rlimits; i++) {
		const uint8_t *at = field->bytes + i * RLIMIT_BYTES;
		uint32_t resource = load_u32(at);

		if (resource >= USP_RLIMITS_MAX || taken & UINT32_C(1) << resource ||
		    load_u32(at + 4) != 0)
			return -EINVAL;
		taken |= UINT32_C(1) << resource;
		options->rlimits[i] = (struct usp_rlimit){
			.resource = (int)resource,
			.soft = load_u64(at + 8),
			.hard = load_u64(at + 16),
		};
	}
	return 0;
}

int write_rlimits(const struct field_kind *kind, const struct request *request,
		  struct buf *out)
{
	const struct usp_options *options = &request->options;
	uint8_t *at;
	int ret;

	if (options->n_rlimits == 0)
		return 0;
	if (options->n_rlimits > USP_RLIMITS_MAX)
		return -EINVAL;
	ret = field_put(out, kind->tag, options->n_rlimits * RLIMIT_BYTES, &at);
	for (size_t i = 0; i < options->n_rlimits && ret == 0; i++) {
		const struct usp_rlimit *limit = &options->rlimits[i];

		at = store_u32(store_u32(at, (uint32_t)limit->resource), 0);
		at = store_u64(store_u64(at, limit->soft), limit->hard);
	}
	return ret;
}

/* As many words as there are up to the last CPU; a mask without any says nothing. */
static size_t cpu_words(const uint64_t *cpus)
{
	size_t words = USP_CPU_WORDS;

	while (words > 0 && cpus[words - 1] == 0)
		words--;
	return words;
}

int read_cpus(const struct field_kind *kind, const struct field *field,
	      struct request *request)
{
	uint64_t *cpus = request->options.cpus;

	(void)kind;
	for (size_t i = 0; i < field->size / 8; i++)
		cpus[i] = load_u64(field->bytes + 8 * i);
	return cpu_words(cpus) ? 0 : -EINVAL;
}

int write_cpus(const struct field_kind *kind, const struct request *request,
	       struct buf *out)
{
	const uint64_t *cpus = request->options.cpus;
	size_t words = cpu_words(cpus);
	uint8_t *at;
	int ret;

	if (words == 0)
		return 0;
	ret = field_put(out, kind->tag, words * 8, &at);
	for (size_t i = 0; i < words && ret == 0; i++)
		at = store_u64(at, cpus[i]);
	return ret;
}

/* ---- cgroup ------------------------------------------------------------------ */

/* With its NUL, and no other. */
int read_cgroup(const struct field_kind *kind, const struct field *field,
		struct request *request)
{
	const uint8_t *nul = memchr(field->bytes, 0, field->size);

	(void)kind;
	if (nul != field->bytes + field->size - 1)
		return -EINVAL;
	request->options.cgroup.path = (const char *)field->bytes;
	return 0;
}

int write_cgroup(const struct field_kind *kind, const struct request *request,
		 struct buf *out)
{
	const char *path = request->options.cgroup.path;

	if (path && !*path)
		return -EINVAL;
	return field_put_bytes(kind->tag, path, path ? strlen(path) + 1 : 0, out);
}

int read_cgroup_limits(const struct field_kind *kind, const struct field *field,
		       struct request *request)
{
	uint64_t cpu_milli = load_u64(field->bytes + 16);

	(void)kind;
	request->options.cgroup.memory_max_bytes = load_u64(field->bytes);
	request->options.cgroup.pids_max = load_u64(field->bytes + 8);
	request->options.cgroup.cpu_milli = (uint32_t)cpu_milli;
	return cpu_milli > UINT32_MAX ? -EINVAL : 0;
}

int write_cgroup_limits(const struct field_kind *kind, const struct request *request,
			struct buf *out)
{
	const struct usp_cgroup *cgroup = &request->options.cgroup;
	uint8_t *at;
	int ret;

	if (!cgroup->memory_max_bytes && !cgroup->pids_max && !cgroup->cpu_milli)
		return 0;
	ret = field_put(out, kind->tag, 24, &at);
	if (ret < 0)
		return ret;
	at = store_u64(store_u64(at, cgroup->memory_max_bytes), cgroup->pids_max);
	store_u64(at, cgroup->cpu_milli);
	return 0;
}
