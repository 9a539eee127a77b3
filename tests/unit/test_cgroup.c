/*
 * sys/cgroup.c: what it reads and writes on plain files, and the kernel's own groups
 * where there are any to be had.
 */
#include "sys/cgroup.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/clean.h"
#include "support/tied.h"
#include "support/tmpdir.h"
#include "support/wait.h"
#include "sys/fd.h"

TestSuite(cgroup, .timeout = 30, .fini = tmpdir_done);

static void put(const char *name, const char *text)
{
	int fd = open(tmpdir_path(name), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(sz, (size_t)write(fd, text, strlen(text)), strlen(text)));
	close(fd);
}

static const char *get(const char *name)
{
	static char text[256];
	int fd = open(tmpdir_path(name), O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	cr_assert(ge(int, fd, 0));
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int open_fake(void)
{
	int fd = sys_cgroup_open(-1, tmpdir());

	cr_assert(ge(int, fd, 0));
	return fd;
}

/* ---- where it is --------------------------------------------------------- */

#define UNIFIED "25 30 0:22 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n"
#define HYBRID                                                                           \
	"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"                              \
	"35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"              \
	"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
#define READ_ONLY "25 30 0:22 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n"

static const struct find_row {
	const char *name, *mountinfo, *cgroup;
	int want;
	const char *mount, *own;
} find_rows[] = {
	{ "unified", UNIFIED, "0::/user.slice/a.scope\n", 0, "/sys/fs/cgroup",
	  "/sys/fs/cgroup/user.slice/a.scope" },
	{ "at the root", UNIFIED, "0::/\n", 0, "/sys/fs/cgroup", "/sys/fs/cgroup" },
	{ "hybrid", HYBRID, "4:memory:/x\n0::/b\n", 0, "/sys/fs/cgroup/unified",
	  "/sys/fs/cgroup/unified/b" },
	{ "version 1 alone", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw\n",
	  "4:memory:/x\n", -ENOENT, NULL, NULL },
	{ "not mounted", "1 1 0:1 / / rw - ext4 /dev/a rw\n", "0::/\n", -ENOENT, NULL,
	  NULL },
	{ "a part of it is mounted",
	  "25 30 0:22 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
	  "0::/docker/1/init\n", 0, "/sys/fs/cgroup", "/sys/fs/cgroup/init" },
	{ "another part is mounted",
	  "25 30 0:22 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
	  "0::/docker/12\n", -ENOENT, NULL, NULL },
	{ "outside of the namespace", UNIFIED, "0::/../x\n", -ENOENT, NULL, NULL },
	{ "read-only", READ_ONLY, "0::/a\n", -EROFS, NULL, NULL },
	{ "read-only, and elsewhere not", READ_ONLY UNIFIED, "0::/a\n", 0,
	  "/sys/fs/cgroup", "/sys/fs/cgroup/a" },
	{ "a space in the name", "25 30 0:22 / /mnt/a\\040b rw - cgroup2 cgroup2 rw\n",
	  "0::/c d\n", 0, "/mnt/a b", "/mnt/a b/c d" },
	{ "a short line", "25 30 0:22 - cgroup2 x\n" UNIFIED, "0::/a\n", 0,
	  "/sys/fs/cgroup", "/sys/fs/cgroup/a" },
	{ "no line", "", "", -ENOENT, NULL, NULL },
};

ParameterizedTestParameters(cgroup, find)
{
	static size_t number[ARRAY_SIZE(find_rows)];

	for (size_t i = 0; i < ARRAY_SIZE(find_rows); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(find_rows));
}

ParameterizedTest(size_t *number, cgroup, find)
{
	const struct find_row *row = &find_rows[*number];
	struct cgroup_place place;

	put("mountinfo", row->mountinfo);
	put("cgroup", row->cgroup);
	cr_assert(eq(int, sys_cgroup_find(tmpdir(), &place), row->want), "%s", row->name);
	if (row->want)
		return;
	cr_assert(eq(str, place.mount, (char *)row->mount), "%s", row->name);
	cr_assert(eq(str, place.own, (char *)row->own), "%s", row->name);
}

/* The buffer of lines has moved on many times by then. */
CLEAN_TEST(cgroup, it_is_found_behind_many_and_long_lines)
{
	FILE *file = fopen(tmpdir_path("mountinfo"), "w");
	struct cgroup_place place;

	for (int i = 0; i < 2000; i++)
		fprintf(file, "%d 1 0:1 / /mnt/%d rw - tmpfs tmpfs rw\n", i, i);
	fprintf(file, "9 1 0:1 / /%020000d rw - cgroup2 cgroup2 rw\n", 1);
	fprintf(file, "%s", UNIFIED);
	fclose(file);
	put("cgroup", "0::/a\n");
	cr_assert(eq(int, sys_cgroup_find(tmpdir(), &place), 0));
	cr_assert(eq(str, place.own, "/sys/fs/cgroup/a"));
	cr_assert(eq(int, sys_cgroup_find("/no/such", &place), -ENOENT));
}

/* ---- files --------------------------------------------------------------- */

CLEAN_TEST(cgroup, usage_is_read_where_the_controllers_are)
{
	struct usp_cgroup_usage usage;
	int fd = open_fake();

	sys_cgroup_usage(fd, &usage);
	cr_assert(eq(u64, usage.user_ns, UINT64_MAX));
	cr_assert(eq(u64, usage.system_ns, UINT64_MAX));
	cr_assert(eq(u64, usage.memory_peak_bytes, UINT64_MAX));
	cr_assert(eq(u64, usage.pids_peak, UINT64_MAX));
	cr_assert(eq(u64, usage.oom_kills, UINT64_MAX));

	put("cpu.stat", "usage_usec 30\nuser_usec 10\nsystem_usec 20\nnr_periods 0\n");
	put("memory.peak", "4096\n");
	put("pids.peak", "7\n");
	put("memory.events",
	    "low 0\nhigh 1\nmax 5\noom 3\noom_kill 2\noom_group_kill 1\n");
	sys_cgroup_usage(fd, &usage);
	cr_assert(eq(u64, usage.user_ns, 10000));
	cr_assert(eq(u64, usage.system_ns, 20000));
	cr_assert(eq(u64, usage.memory_peak_bytes, 4096));
	cr_assert(eq(u64, usage.pids_peak, 7));
	cr_assert(eq(u64, usage.oom_kills, 2));
	close(fd);
}

CLEAN_TEST(cgroup, state_is_read_from_its_events)
{
	struct cgroup_state state;
	int fd = open_fake();

	cr_assert(eq(int, sys_cgroup_state(fd, &state), -ENOENT));
	put("cgroup.events", "populated 0\nfrozen 0\n");
	cr_assert(eq(int, sys_cgroup_state(fd, &state), 0));
	cr_assert(not(state.populated));
	cr_assert(not(state.frozen));
	cr_assert(not(state.nested));
	put("cgroup.events", "populated 1\nfrozen 1\n");
	cr_assert(eq(int, mkdir(tmpdir_path("below"), 0700), 0));
	cr_assert(eq(int, sys_cgroup_state(fd, &state), 0));
	cr_assert(state.populated);
	cr_assert(state.frozen);
	cr_assert(state.nested);
	put("cgroup.events", "nothing of it\n");
	cr_assert(eq(int, sys_cgroup_state(fd, &state), 0));
	cr_assert(state.populated, "not known to be empty is not empty");
	put("cgroup.freeze", "1");
	cr_assert(eq(int, sys_cgroup_thaw(fd), 0));
	cr_assert(eq(str, (char *)get("cgroup.freeze"), "0"));
	close(fd);
}

CLEAN_TEST(cgroup, limits_are_written_as_the_kernel_takes_them)
{
	const struct usp_cgroup none = { 0 };
	const struct usp_cgroup all = { .memory_max_bytes = 1 << 30,
					.pids_max = 9,
					.cpu_milli = 1500 };
	const char *file = NULL;
	int fd = open_fake();

	cr_assert(eq(int, sys_cgroup_limit(fd, &none, &file), 0));
	cr_assert(eq(int, sys_cgroup_limit(fd, &all, &file), -EOPNOTSUPP));
	cr_assert(eq(str, (char *)file, "memory.max"));
	put("memory.max", "");
	cr_assert(eq(int, sys_cgroup_limit(fd, &all, &file), -EOPNOTSUPP));
	cr_assert(eq(str, (char *)file, "pids.max"));
	put("pids.max", "");
	cr_assert(eq(int, sys_cgroup_limit(fd, &all, &file), -EOPNOTSUPP));
	cr_assert(eq(str, (char *)file, "cpu.max"));
	put("cpu.max", "");
	put("memory.oom.group", "");
	cr_assert(eq(int, sys_cgroup_limit(fd, &all, &file), 0));
	cr_assert(eq(str, (char *)get("memory.max"), "1073741824"));
	cr_assert(eq(str, (char *)get("memory.oom.group"), "1"));
	cr_assert(eq(str, (char *)get("pids.max"), "9"));
	cr_assert(eq(str, (char *)get("cpu.max"), "150000 100000"));
	close(fd);
}

CLEAN_TEST(cgroup, controllers_are_those_that_could_be_turned_on)
{
	int fd = open_fake();

	cr_assert(eq(uint, sys_cgroup_enable(fd), 0));
	put("cgroup.controllers", "\n");
	put("cgroup.subtree_control", "cpu memory pids_not\n");
	cr_assert(eq(uint, sys_cgroup_enable(fd), CGROUP_CPU | CGROUP_MEMORY));
	put("cgroup.controllers", "cpuset hugetlb pids io\n");
	put("cgroup.subtree_control", "");
	cr_assert(eq(uint, sys_cgroup_enable(fd), 0), "a plain file does not turn it on");
	cr_assert(eq(str, (char *)get("cgroup.subtree_control"), "+pids"));
	close(fd);
}

/* ---- the kernel's -------------------------------------------------------- */

/* A group of this test's own, or the test is skipped. */
static int make_real(char *ret_name)
{
	struct cgroup_place place;
	int ret = sys_cgroup_find("/proc/self", &place), parent;

	if (ret < 0)
		cr_skip("no cgroup v2 here: %s", strerror(-ret));
	parent = sys_cgroup_open(-1, place.own);
	sprintf(ret_name, "usp-test-%d", (int)getpid());
	ret = sys_cgroup_make(parent, ret_name);
	if (ret < 0)
		cr_skip("no cgroup to be had in %s: %s", place.own, strerror(-ret));
	return parent;
}

/* A process in it that sleeps, with one below it. */
static pid_t put_process(int dir_fd)
{
	int ready[2];
	char byte;
	pid_t child;

	cr_assert(eq(int, pipe2(ready, O_CLOEXEC), 0));
	child = fork_tied();
	if (child == 0) {
		int procs = openat(dir_fd, "cgroup.procs", O_WRONLY);
		bool entered = write(procs, "0", 1) == 1;

		setsid();
		if (fork_tied() == 0 && entered)
			(void)!write(ready[1], "r", 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	cr_assert(eq(int, (int)read(ready[0], &byte, 1), 1));
	close(ready[0]);
	return child;
}

static bool is_populated(int dir_fd)
{
	struct cgroup_state state;

	cr_assert(eq(int, sys_cgroup_state(dir_fd, &state), 0));
	return state.populated;
}

CLEAN_TEST(cgroup, all_in_a_group_are_counted_killed_and_gone)
{
	char name[64];
	pid_t pids[4], child;
	int parent = make_real(name), fd;
	bool emptied;

	fd = sys_cgroup_open(parent, name);
	cr_assert(eq(int, sys_cgroup_make(parent, name), -EEXIST));
	cr_assert(not(is_populated(fd)));
	cr_assert(eq(int, sys_cgroup_members(fd, pids, 4), 0));
	child = put_process(fd);
	cr_assert(is_populated(fd));
	cr_assert(eq(int, sys_cgroup_members(fd, pids, 4), 2));
	cr_assert(eq(int, sys_cgroup_members(fd, pids, 1), 2));
	cr_assert(sys_cgroup_holds(name, child));
	cr_assert(not(sys_cgroup_holds(name, getpid())));
	cr_assert(not(sys_cgroup_holds(name + 1, child)), "a part of the name");
	cr_assert(eq(int, sys_cgroup_remove(parent, name), -EBUSY));

	cr_assert(eq(int, sys_cgroup_kill(parent, name), 0));
	cr_assert(eq(int, waitpid(child, NULL, 0), child));
	emptied = wait_until(!is_populated(fd), WAIT_MS);
	cr_assert(emptied);
	close(fd);
	cr_assert(eq(int, sys_cgroup_remove(parent, name), 0));
	cr_assert(eq(int, sys_cgroup_remove(parent, name), -ENOENT));
	close(parent);
}

CLEAN_TEST(cgroup, groups_below_are_killed_and_removed_with_it)
{
	struct cgroup_state state;
	char name[64];
	int parent = make_real(name), fd, below;
	pid_t pids[4], child;
	bool emptied;

	fd = sys_cgroup_open(parent, name);
	cr_assert(eq(int, sys_cgroup_make(fd, "a"), 0));
	cr_assert(eq(int, sys_cgroup_make(fd, "b"), 0));
	cr_assert(eq(int, sys_cgroup_make(fd, "a/c"), 0));
	below = sys_cgroup_open(fd, "a/c");
	child = put_process(below);
	cr_assert(eq(int, sys_cgroup_state(fd, &state), 0));
	cr_assert(state.nested);
	cr_assert(state.populated);
	cr_assert(eq(int, sys_cgroup_members(fd, pids, 4), 2));
	cr_assert(sys_cgroup_holds(name, child));
	cr_assert(eq(int, sys_cgroup_remove(parent, name), -EBUSY));
	cr_assert(eq(int, sys_cgroup_kill(parent, name), 0));
	cr_assert(eq(int, waitpid(child, NULL, 0), child));
	emptied = wait_until(!is_populated(fd), WAIT_MS);
	cr_assert(emptied);
	close(below);
	close(fd);
	cr_assert(eq(int, sys_cgroup_remove(parent, name), 0));
	close(parent);
}

CLEAN_TEST(cgroup, a_frozen_group_is_thawed)
{
	struct cgroup_state state;
	char name[64];
	int parent = make_real(name), fd = sys_cgroup_open(parent, name), freeze;

	freeze = openat(fd, "cgroup.freeze", O_WRONLY | O_CLOEXEC);
	cr_assert(eq(int, (int)write(freeze, "1", 1), 1));
	close(freeze);
	cr_assert(eq(int, sys_cgroup_state(fd, &state), 0));
	cr_assert(state.frozen);
	cr_assert(eq(int, sys_cgroup_thaw(fd), 0));
	cr_assert(eq(int, sys_cgroup_state(fd, &state), 0));
	cr_assert(not(state.frozen));
	close(fd);
	cr_assert(eq(int, sys_cgroup_remove(parent, name), 0));
	close(parent);
}

/* What is told of limits on plain files holds for the kernel's, where it has them. */
CLEAN_TEST(cgroup, the_kernel_takes_the_limits)
{
	const struct usp_cgroup limits = { .memory_max_bytes = 64 << 20,
					   .pids_max = 9,
					   .cpu_milli = 500 };
	char name[64];
	int parent = make_real(name), fd = sys_cgroup_open(parent, name), below, ret;
	unsigned on = sys_cgroup_enable(fd);
	struct usp_cgroup_usage usage;
	const char *file;

	cr_assert(eq(int, sys_cgroup_make(fd, "a"), 0));
	below = sys_cgroup_open(fd, "a");
	ret = sys_cgroup_limit(below, &limits, &file);
	sys_cgroup_usage(below, &usage);
	close(below);
	close(fd);
	cr_assert(eq(int, sys_cgroup_remove(parent, name), 0));
	close(parent);
	cr_assert(ne(u64, usage.user_ns, UINT64_MAX), "the time is always counted");
	if (on != (CGROUP_CPU | CGROUP_MEMORY | CGROUP_PIDS)) {
		cr_assert(eq(int, ret, -EOPNOTSUPP));
		cr_skip("not all controllers are to be had here");
	}
	cr_assert(eq(int, ret, 0));
	cr_assert(ne(u64, usage.oom_kills, UINT64_MAX));
}
