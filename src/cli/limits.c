#include "cli/limits.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include "base/annotate.h"

int limits_number(const char *text, int base, long min, long max, long *ret_number)
{
	char *rest;
	long number;

	if (!isdigit((unsigned char)text[*text == '-']))
		return -EINVAL;
	errno = 0;
	number = strtol(text, &rest, base);
	if (errno || *rest || number < min || number > max)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

/* ---- users and groups ------------------------------------------------------- */

static int set_groups(const struct passwd *user, struct usp_options *options,
		      gid_t *groups)
{
	int n = USP_GROUPS_MAX;

	if (getgrouplist(user->pw_name, user->pw_gid, groups, &n) < 0)
		return -E2BIG;
	options->groups = groups;
	options->n_groups = (size_t)n;
	return 0;
}

/* A number that no user has a name for is a user all the same, without groups. */
int limits_user(const char *text, struct usp_options *options, gid_t *groups)
{
	const struct passwd *user = getpwnam(text);
	long number = -1;

	if (!user && limits_number(text, 10, 0, UINT32_MAX - 1, &number) < 0)
		return isdigit((unsigned char)*text) ? -EINVAL : -ENOENT;
	if (!user)
		user = getpwuid((uid_t)number);
	options->uid = user ? user->pw_uid : (uid_t)number;
	options->gid = user ? user->pw_gid : (gid_t)number;
	options->set |= USP_SET_CREDENTIALS;
	return user ? set_groups(user, options, groups) : 0;
}

int limits_group(const char *text, gid_t *ret_gid)
{
	const struct group *group = getgrnam(text);
	long number;

	if (group) {
		*ret_gid = group->gr_gid;
		return 0;
	}
	if (limits_number(text, 10, 0, UINT32_MAX - 1, &number) < 0)
		return isdigit((unsigned char)*text) ? -EINVAL : -ENOENT;
	*ret_gid = (gid_t)number;
	return 0;
}

/* ---- resources ---------------------------------------------------------------- */

static const struct {
	const char *name;
	int resource;
} resources[] = {
	{ "cpu", RLIMIT_CPU },		 { "fsize", RLIMIT_FSIZE },
	{ "data", RLIMIT_DATA },	 { "stack", RLIMIT_STACK },
	{ "core", RLIMIT_CORE },	 { "rss", RLIMIT_RSS },
	{ "nproc", RLIMIT_NPROC },	 { "nofile", RLIMIT_NOFILE },
	{ "memlock", RLIMIT_MEMLOCK },	 { "as", RLIMIT_AS },
	{ "locks", RLIMIT_LOCKS },	 { "sigpending", RLIMIT_SIGPENDING },
	{ "msgqueue", RLIMIT_MSGQUEUE }, { "nice", RLIMIT_NICE },
	{ "rtprio", RLIMIT_RTPRIO },	 { "rttime", RLIMIT_RTTIME },
};

static int find_resource(const char *name, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(resources); i++)
		if (strlen(resources[i].name) == size &&
		    strncasecmp(resources[i].name, name, size) == 0)
			return resources[i].resource;
	return -EINVAL;
}

/* Up to @end; without a number it is no limit. */
static int read_limit(const char *text, const char *end, uint64_t *ret_limit)
{
	size_t size = (size_t)(end - text);
	char *rest;

	if (size == 9 && strncmp(text, "unlimited", size) == 0) {
		*ret_limit = UINT64_MAX;
		return 0;
	}
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*ret_limit = strtoull(text, &rest, 10);
	return errno || rest != end ? -EINVAL : 0;
}

int limits_rlimit(const char *text, struct usp_rlimit *ret_limit)
{
	const char *equals = strchr(text, '='), *end = text + strlen(text);
	struct usp_rlimit limit;
	const char *colon;

	if (!equals)
		return -EINVAL;
	colon = strchr(equals, ':');
	limit.resource = find_resource(text, (size_t)(equals - text));
	if (limit.resource < 0 ||
	    read_limit(equals + 1, colon ? colon : end, &limit.soft) < 0)
		return -EINVAL;
	limit.hard = limit.soft;
	if (colon && read_limit(colon + 1, end, &limit.hard) < 0)
		return -EINVAL;
	*ret_limit = limit;
	return limit.soft > limit.hard ? -EINVAL : 0;
}

/* ---- CPUs, bytes ---------------------------------------------------------------- */

static int read_cpu(const char **text, unsigned long *ret_cpu)
{
	char *rest;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	*ret_cpu = strtoul(*text, &rest, 10);
	*text = rest;
	return *ret_cpu < 64 * USP_CPU_WORDS ? 0 : -EINVAL;
}

int limits_cpus(const char *text, uint64_t *cpus)
{
	do {
		unsigned long first, last;

		if (read_cpu(&text, &first) < 0)
			return -EINVAL;
		last = first;
		if (*text == '-') {
			text++;
			if (read_cpu(&text, &last) < 0)
				return -EINVAL;
		}
		if (last < first)
			return -EINVAL;
		for (unsigned long cpu = first; cpu <= last; cpu++)
			cpus[cpu / 64] |= UINT64_C(1) << cpu % 64;
	} while (*text++ == ',');
	return text[-1] == '\0' ? 0 : -EINVAL;
}

int limits_bytes(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "KMG";
	const char *unit;
	unsigned shift = 0;
	uint64_t bytes;
	char *rest;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	bytes = strtoull(text, &rest, 10);
	if (errno)
		return -EINVAL;
	if (*rest) {
		unit = strchr(units, *rest);
		if (!unit || rest[1])
			return -EINVAL;
		shift = 10 * (unsigned)(unit - units + 1);
	}
	if (bytes > UINT64_MAX >> shift)
		return -EINVAL;
	*ret_bytes = bytes << shift;
	return 0;
}
