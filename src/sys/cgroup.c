/*
 * Control groups, version 2: their files.
 */
#include "sys/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/annotate.h"
#include "base/clock.h"
#include "sys/fd.h"
#include "sys/proc.h"

/* What the files of a group hold, cgroup.procs apart: memory.stat is not read. */
#define FILE_BYTES 2048

/* Groups within groups that are looked into. */
#define DEPTH_MAX 8

/* ---- small files --------------------------------------------------------- */

/* Returns the bytes read into @text, a NUL behind them, or -errno. */
static int read_file(int dir_fd, const char *name, char *text, size_t size)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int error;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	error = errno;
	sys_close(fd);
	if (n < 0)
		return -error;
	text[n] = '\0';
	return (int)n;
}

static int write_file(int dir_fd, const char *name, const char *text)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int error;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	error = errno;
	sys_close(fd);
	return n < 0 ? -error : 0;
}

/* The number behind @key in lines of "key number". */
static uint64_t number_of(const char *text, const char *key)
{
	const size_t size = strlen(key);
	char *rest;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, size) || line[size] != ' ')
			continue;
		uint64_t number = strtoull(line + size, &rest, 10);
		return rest == line + size ? UINT64_MAX : number;
	}
	return UINT64_MAX;
}

/* A file that holds one number; "max" is none. */
static uint64_t read_number(int dir_fd, const char *name)
{
	char text[64], *rest;
	uint64_t number;

	if (read_file(dir_fd, name, text, sizeof(text)) < 0)
		return UINT64_MAX;
	number = strtoull(text, &rest, 10);
	return rest == text ? UINT64_MAX : number;
}

/* ---- directories --------------------------------------------------------- */

int sys_cgroup_make(int parent_fd, const char *name)
{
	return mkdirat(parent_fd, name, 0755) < 0 ? -errno : 0;
}

int sys_cgroup_open(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int sys_cgroup_kill(int parent_fd, const char *name)
{
	char path[CGROUP_PATH_BYTES + 256];

	snprintf(path, sizeof(path), "%s/cgroup.kill", name);
	return write_file(parent_fd, path, "1");
}

/* Calls @visit for each group in that of @dir_fd until it does not say 0. */
static int each_below(int dir_fd, int (*visit)(int dir_fd, const char *name, void *arg),
		      void *arg)
{
	struct names names;
	const char *name;
	int ret = 0;

	(void)lseek(dir_fd, 0, SEEK_SET);
	names_init(&names, dir_fd);
	while (ret == 0 && (name = names_next(&names))) {
		struct stat st;

		if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode))
			ret = visit(dir_fd, name, arg);
	}
	return ret;
}

static int remove_one(int parent_fd, const char *name, void *depth);

/* Those below first.  What cannot be removed there says why at the one above, too. */
static int remove_tree(int parent_fd, const char *name, int depth)
{
	int dir_fd, below_depth = depth - 1;

	if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != EBUSY || depth == 0)
		return -errno;
	dir_fd = sys_cgroup_open(parent_fd, name);
	if (dir_fd < 0)
		return dir_fd;
	(void)each_below(dir_fd, remove_one, &below_depth);
	sys_close(dir_fd);
	return unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

static int remove_one(int parent_fd, const char *name, void *depth)
{
	(void)remove_tree(parent_fd, name, *(int *)depth);
	return 0;
}

int sys_cgroup_remove(int parent_fd, const char *name)
{
	return remove_tree(parent_fd, name, DEPTH_MAX);
}

/* ---- controllers and limits ---------------------------------------------- */

static const struct {
	unsigned bit;
	const char *name, *enable;
} controllers[] = {
	{ CGROUP_CPU, "cpu", "+cpu" },
	{ CGROUP_MEMORY, "memory", "+memory" },
	{ CGROUP_PIDS, "pids", "+pids" },
};

/* Of a file with names in one line. */
static unsigned read_controllers(int dir_fd, const char *file)
{
	char text[FILE_BYTES], *rest = text, *word;
	unsigned bits = 0;

	if (read_file(dir_fd, file, text, sizeof(text)) < 0)
		return 0;
	while ((word = strsep(&rest, " \n")))
		for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
			if (strcmp(word, controllers[i].name) == 0)
				bits |= controllers[i].bit;
	return bits;
}

unsigned sys_cgroup_enable(int dir_fd)
{
	unsigned there = read_controllers(dir_fd, "cgroup.controllers");

	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		if (there & controllers[i].bit)
			(void)write_file(dir_fd, "cgroup.subtree_control",
					 controllers[i].enable);
	return read_controllers(dir_fd, "cgroup.subtree_control");
}

static int set_limit(int dir_fd, const char *file, const char *text,
		     const char **ret_file)
{
	int ret = write_file(dir_fd, file, text);

	if (ret < 0)
		*ret_file = file;
	return ret == -ENOENT ? -EOPNOTSUPP : ret;
}

#define CPU_PERIOD_US 100000u

int sys_cgroup_limit(int dir_fd, const struct usp_cgroup *limits, const char **ret_file)
{
	char text[64];
	int ret = 0;

	if (limits->memory_max_bytes) {
		snprintf(text, sizeof(text), "%" PRIu64, limits->memory_max_bytes);
		ret = set_limit(dir_fd, "memory.max", text, ret_file);
		/* One that runs out of memory goes as a whole.  Linux 4.19. */
		(void)write_file(dir_fd, "memory.oom.group", "1");
	}
	if (ret == 0 && limits->pids_max) {
		snprintf(text, sizeof(text), "%" PRIu64, limits->pids_max);
		ret = set_limit(dir_fd, "pids.max", text, ret_file);
	}
	if (ret == 0 && limits->cpu_milli) {
		snprintf(text, sizeof(text), "%" PRIu64 " %u",
			 (uint64_t)limits->cpu_milli * CPU_PERIOD_US / 1000,
			 CPU_PERIOD_US);
		ret = set_limit(dir_fd, "cpu.max", text, ret_file);
	}
	return ret;
}

/* ---- what is in it ------------------------------------------------------- */

static int say_there_is_one(int dir_fd, const char *name, void *arg)
{
	(void)dir_fd;
	(void)name;
	(void)arg;
	return 1;
}

int sys_cgroup_state(int dir_fd, struct cgroup_state *ret_state)
{
	char text[FILE_BYTES];
	int ret = read_file(dir_fd, "cgroup.events", text, sizeof(text));
	struct stat st;

	if (ret < 0)
		return ret;
	if (fstat(dir_fd, &st) < 0)
		return -errno;
	ret_state->populated = number_of(text, "populated") != 0;
	ret_state->frozen = number_of(text, "frozen") == 1;
	/* A directory has a link from each that is in it, and two of its own. */
	ret_state->nested = st.st_nlink > 2 && each_below(dir_fd, say_there_is_one, NULL);
	return 0;
}

int sys_cgroup_thaw(int dir_fd)
{
	return write_file(dir_fd, "cgroup.freeze", "0");
}

static uint64_t read_key(int dir_fd, const char *file, const char *key)
{
	char text[FILE_BYTES];

	if (read_file(dir_fd, file, text, sizeof(text)) < 0)
		return UINT64_MAX;
	return number_of(text, key);
}

static uint64_t us_to_ns(uint64_t us)
{
	return us == UINT64_MAX ? us : us * NS_PER_US;
}

void sys_cgroup_usage(int dir_fd, struct usp_cgroup_usage *ret_usage)
{
	char text[FILE_BYTES] = "";

	(void)read_file(dir_fd, "cpu.stat", text, sizeof(text));
	*ret_usage = (struct usp_cgroup_usage){
		.user_ns = us_to_ns(number_of(text, "user_usec")),
		.system_ns = us_to_ns(number_of(text, "system_usec")),
		.memory_peak_bytes = read_number(dir_fd, "memory.peak"),
		.pids_peak = read_number(dir_fd, "pids.peak"),
		.oom_kills = read_key(dir_fd, "memory.events", "oom_kill"),
	};
}

/* ---- who is in it -------------------------------------------------------- */

struct members {
	pid_t *pids;
	unsigned n, max; /* n: how many there are, with or without room */
	int depth;
};

static int add_members(int dir_fd, struct members *m);

static int add_members_of(int parent_fd, const char *name, void *arg)
{
	struct members *m = arg;
	int dir_fd = sys_cgroup_open(parent_fd, name);

	if (dir_fd < 0)
		return 0; /* gone */
	m->depth--;
	(void)add_members(dir_fd, m);
	m->depth++;
	sys_close(dir_fd);
	return 0;
}

static int add_members(int dir_fd, struct members *m)
{
	unsigned room = m->n < m->max ? m->max - m->n : 0;
	int fd = openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC), n;

	if (fd < 0)
		return -errno;
	n = proc_read_pids(fd, room ? m->pids + m->n : NULL, room);
	sys_close(fd);
	if (n < 0)
		return n;
	m->n += (unsigned)n;
	if (m->depth > 0)
		(void)each_below(dir_fd, add_members_of, m);
	return 0;
}

int sys_cgroup_members(int dir_fd, pid_t *ret_pids, unsigned max)
{
	struct members m = { .pids = ret_pids, .max = max, .depth = DEPTH_MAX };
	int ret = add_members(dir_fd, &m);

	return ret < 0 ? ret : (int)m.n;
}
