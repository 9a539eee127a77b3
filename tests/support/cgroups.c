/*
 * The cgroups that tests run jobs in.
 */
#include "support/cgroups.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "launch/cgroups.h"
#include "sys/cgroup.h"
#include "sys/proc.h"

const char *need_cgroups(void)
{
	static struct cgroup_place place;
	struct cgroups *c;
	int ret;

	cr_assert(eq(int, cgroups_open(&c), 0));
	ret = cgroups_ready(c);
	cgroups_close(c);
	if (ret < 0)
		cr_skip("no cgroup to be had here: %s", strerror(-ret));
	cr_assert(eq(int, sys_cgroup_find("/proc/self", &place), 0));
	return place.own;
}

unsigned homes(void)
{
	struct cgroup_place place;
	struct names names;
	char prefix[64];
	const char *name;
	unsigned n = 0;
	int fd;

	cr_assert(eq(int, sys_cgroup_find("/proc/self", &place), 0));
	fd = open(place.own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(prefix, sizeof(prefix), "uringspawn-%d-", (int)getpid());
	names_init(&names, fd);
	while ((name = names_next(&names)))
		n += strncmp(name, prefix, strlen(prefix)) == 0;
	close(fd);
	return n;
}
