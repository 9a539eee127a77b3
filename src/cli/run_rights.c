#include "cli/run_rights.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/limits.h"
#include "cli/option.h"
#include "cli/run_options.h"
#include "cli/run_spec.h"

static int number(const char *option, const char *hint, int base, const long range[2],
		  long *ret_number)
{
	return limits_number(optarg, base, range[0], range[1], ret_number) < 0
		       ? run_spec_bad(option, hint)
		       : 0;
}

/* ---- who it is, what it may do -------------------------------------------- */

/* Up to the comma or the end. */
static int take_one_group(struct run_options *options, const char *name, size_t size)
{
	char text[256];

	if (options->n_groups == USP_GROUPS_MAX)
		return run_spec_bad("--groups", "at most 256 groups");
	snprintf(text, sizeof(text), "%.*s", (int)size, name);
	if (size >= sizeof(text) ||
	    limits_group(text, &options->given_groups[options->n_groups]))
		return run_spec_bad("--groups", "a list of groups");
	options->n_groups++;
	return 0;
}

/* "audio,27"; none at all are a list as well. */
static int take_groups(struct run_options *options)
{
	const char *at = optarg;
	int ret = 0;

	options->has_groups = true;
	options->n_groups = 0;
	while (!ret && *optarg) {
		size_t size = strcspn(at, ",");

		ret = take_one_group(options, at, size);
		if (!at[size])
			break;
		at += size + 1;
	}
	return ret;
}

static int take_identity(int option, struct run_options *options)
{
	int ret;

	switch (option) {
	case RUN_USER:
		ret = limits_user(optarg, &options->asked, options->groups);
		if (ret < 0)
			return run_spec_bad("--user", ret == -E2BIG
							      ? "in few enough groups"
							      : "a user");
		return 0;
	case RUN_GROUP:
		options->has_group = true;
		return limits_group(optarg, &options->group)
			       ? run_spec_bad("--group", "a group")
			       : 0;
	case RUN_GROUPS:
		return take_groups(options);
	}
	return -EINVAL;
}

static int take_rlimit(struct usp_options *asked)
{
	struct usp_rlimit limit;

	if (limits_rlimit(optarg, &limit) < 0)
		return run_spec_bad("--rlimit", "NAME=SOFT or NAME=SOFT:HARD");
	for (size_t i = 0; i < asked->n_rlimits; i++)
		if (asked->rlimits[i].resource == limit.resource) {
			asked->rlimits[i] = limit;
			return 0;
		}
	asked->rlimits[asked->n_rlimits++] = limit; /* there is a place for each */
	return 0;
}

static int take_number(int option, struct usp_options *asked)
{
	static const long modes[] = { 0, 0777 }, nices[] = { -20, 19 },
			  scores[] = { -1000, 1000 };
	long value;
	int ret = -EINVAL;

	switch (option) {
	case RUN_UMASK:
		ret = number("--umask", "a mode like 027", 8, modes, &value);
		if (!ret)
			asked->umask = (unsigned)value;
		asked->set |= USP_SET_UMASK;
		break;
	case RUN_NICE:
		ret = number("--nice", "a number from -20 to 19", 10, nices, &value);
		if (!ret)
			asked->nice = (int)value;
		asked->set |= USP_SET_NICE;
		break;
	case RUN_OOM_SCORE_ADJ:
		ret = number("--oom-score-adj", "a number from -1000 to 1000", 10, scores,
			     &value);
		if (!ret)
			asked->oom_score_adj = (int)value;
		asked->set |= USP_SET_OOM_SCORE_ADJ;
		break;
	}
	return ret;
}

static int take_ignore(struct usp_options *asked)
{
	int signal = option_signal(optarg);

	if (signal < 1 || signal > 64)
		return run_spec_bad("--ignore", "a signal");
	asked->ignored_signals |= UINT64_C(1) << (signal - 1);
	return 0;
}

static int take_limit(int option, struct usp_options *asked)
{
	switch (option) {
	case RUN_RLIMIT:
		return take_rlimit(asked);
	case RUN_CPUS:
		return limits_cpus(optarg, asked->cpus)
			       ? run_spec_bad("--cpus", "a list like 0,2-5")
			       : 0;
	case RUN_NO_NEW_PRIVS:
		asked->flags |= USP_FLAG_NO_NEW_PRIVS;
		return 0;
	case RUN_BOUND:
		asked->flags |= USP_FLAG_BOUND;
		return 0;
	case RUN_IGNORE:
		return take_ignore(asked);
	}
	return take_number(option, asked);
}

/* ---- cgroups ------------------------------------------------------------------ */

/* "0.5", "2": of a CPU's time. */
static int take_cpu(struct usp_cgroup *cgroup)
{
	char *rest;
	double cpus = strtod(optarg, &rest);

	if (optarg[strspn(optarg, "0123456789.")] || rest == optarg || *rest ||
	    cpus < 0.001 || cpus > 100000)
		return run_spec_bad("--cgroup-cpu", "a number of CPUs (0.5, 2)");
	cgroup->cpu_milli = (uint32_t)(cpus * 1000 + 0.5);
	return 0;
}

static int take_cgroup(int option, struct usp_options *asked)
{
	static const long range[] = { 1, INT32_MAX };
	long pids = 0;
	int ret = 0;

	if (option == RUN_CGROUP_PATH) {
		asked->cgroup.path = optarg;
		return *optarg ? 0 : run_spec_bad("--cgroup-path", "a cgroup");
	}
	if (option == RUN_CGROUP_MEMORY)
		ret = run_spec_bytes("--cgroup-memory", &asked->cgroup.memory_max_bytes);
	else if (option == RUN_CGROUP_PIDS)
		ret = number("--cgroup-pids", "a number of processes", 10, range, &pids);
	else if (option == RUN_CGROUP_CPU)
		ret = take_cpu(&asked->cgroup);
	if (pids)
		asked->cgroup.pids_max = (uint64_t)pids;
	if (option != RUN_TREE)
		asked->flags |= USP_FLAG_CGROUP;
	asked->kill.target = USP_TARGET_TREE;
	return ret;
}

int run_rights_take(int option, struct run_options *options)
{
	if (option >= RUN_USER && option <= RUN_GROUPS)
		return take_identity(option, options);
	if (option >= RUN_TREE && option <= RUN_CGROUP_PATH)
		return take_cgroup(option, &options->asked);
	return take_limit(option, &options->asked);
}

/* A group without a user: everything else stays as the caller has it. */
void run_rights_complete(struct run_options *options)
{
	struct usp_options *asked = &options->asked;
	int n;

	if (!options->has_group && !options->has_groups)
		return;
	if (!(asked->set & USP_SET_CREDENTIALS)) {
		n = getgroups(USP_GROUPS_MAX, options->groups);
		asked->uid = geteuid();
		asked->gid = getegid();
		asked->groups = options->groups;
		asked->n_groups = n > 0 ? (size_t)n : 0;
		asked->set |= USP_SET_CREDENTIALS;
	}
	if (options->has_group)
		asked->gid = options->group;
	if (options->has_groups) {
		asked->groups = options->given_groups;
		asked->n_groups = options->n_groups;
	}
}
