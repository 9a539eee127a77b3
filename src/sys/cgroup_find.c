/*
 * Where this process's control group is, and whose another process is in.
 */
#include "sys/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/annotate.h"
#include "sys/fd.h"

/* ---- lines --------------------------------------------------------------- */

/* Lines of a file, in a buffer that is too short for few of them: those are left out. */
struct lines {
	int fd;
	size_t start, end;
	bool skipping;
	char text[3 * CGROUP_PATH_BYTES];
};

static bool read_more(struct lines *l)
{
	ssize_t n;

	memmove(l->text, l->text + l->start, l->end - l->start);
	l->end -= l->start;
	l->start = 0;
	if (l->end == sizeof(l->text)) {
		l->skipping = true;
		l->end = 0;
	}
	n = read(l->fd, l->text + l->end, sizeof(l->text) - l->end);
	if (n > 0)
		l->end += (size_t)n;
	return n > 0;
}

static char *next_line(struct lines *l)
{
	for (;;) {
		char *line = l->text + l->start;
		char *newline = memchr(line, '\n', l->end - l->start);

		if (!newline) {
			if (!read_more(l))
				return NULL;
			continue;
		}
		*newline = '\0';
		l->start = (size_t)(newline + 1 - l->text);
		if (!l->skipping)
			return line;
		l->skipping = false;
	}
}

static int open_lines(struct lines *l, const char *dir, const char *name)
{
	char path[CGROUP_PATH_BYTES];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	l->start = l->end = 0;
	l->skipping = false;
	l->fd = open(path, O_RDONLY | O_CLOEXEC);
	return l->fd < 0 ? -errno : 0;
}

/* ---- mounts --------------------------------------------------------------- */

/* As mountinfo writes names: a space is \040. */
static void unescape(char *name)
{
	char *to = name;

	for (const char *from = name; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] &&
		    from[3]) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 +
				     (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

struct mount {
	char *root, *point; /* the group that is seen at the mount point, and that */
	bool read_only;
};

/* "36 35 0:31 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw": cut in place. */
static bool parse_mount(char *line, struct mount *ret_mount)
{
	char *words[6], *type, *rest = line;

	type = strstr(line, " - ");
	if (!type || strncmp(type, " - cgroup2 ", 11))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = strsep(&rest, " ");
	if (!words[5])
		return false;
	unescape(words[3]);
	unescape(words[4]);
	ret_mount->root = words[3];
	ret_mount->point = words[4];
	ret_mount->read_only = strncmp(words[5], "ro", 2) == 0;
	return true;
}

/* What is left of @path below @root, or NULL: it is elsewhere, or outside of the
 * namespace and so begins with "/..". */
static const char *below(const char *path, const char *root)
{
	size_t size = strcmp(root, "/") == 0 ? 0 : strlen(root);

	if (strncmp(path, "/..", 3) == 0 || strncmp(path, root, size) ||
	    (path[size] && path[size] != '/'))
		return NULL;
	path += size;
	return strcmp(path, "/") == 0 ? "" : path;
}

/* @own: as in /proc/self/cgroup.  The first mount that shows it and can be written to. */
static int find_mount(struct lines *mounts, const char *own, struct cgroup_place *place)
{
	int ret = -ENOENT;
	char *line;

	while ((line = next_line(mounts))) {
		struct mount mount;
		const char *rest;
		int n;

		if (!parse_mount(line, &mount))
			continue;
		rest = below(own, mount.root);
		if (!rest)
			continue;
		if (mount.read_only) {
			ret = -EROFS;
			continue;
		}
		snprintf(place->mount, sizeof(place->mount), "%s", mount.point);
		n = snprintf(place->own, sizeof(place->own), "%s%s", mount.point, rest);
		return n < (int)sizeof(place->own) ? 0 : -ENAMETOOLONG;
	}
	return ret;
}

/* ---- groups --------------------------------------------------------------- */

/* Version 2 is the one line that begins with "0::". */
static int read_own(const char *proc_self, struct lines *l, char *ret_own)
{
	int ret = open_lines(l, proc_self, "cgroup");
	char *line;

	if (ret < 0)
		return ret;
	ret = -ENOENT;
	while ((line = next_line(l))) {
		if (strncmp(line, "0::/", 4))
			continue;
		ret = snprintf(ret_own, CGROUP_PATH_BYTES, "%s", line + 3) <
				      CGROUP_PATH_BYTES
			      ? 0
			      : -ENAMETOOLONG;
		break;
	}
	sys_close(l->fd);
	return ret;
}

int sys_cgroup_find(const char *proc_self, struct cgroup_place *ret_place)
{
	char own[CGROUP_PATH_BYTES];
	struct lines lines;
	int ret = read_own(proc_self, &lines, own);

	if (ret < 0)
		return ret;
	ret = open_lines(&lines, proc_self, "mountinfo");
	if (ret < 0)
		return ret;
	ret = find_mount(&lines, own, ret_place);
	sys_close(lines.fd);
	return ret;
}

bool sys_cgroup_holds(const char *directory, pid_t pid)
{
	char path[64], own[CGROUP_PATH_BYTES];
	struct lines lines;
	const char *place;
	size_t size = strlen(directory);

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (read_own(path, &lines, own) < 0)
		return false;
	place = strstr(own, directory);
	return place && place > own && place[-1] == '/' &&
	       (place[size] == '\0' || place[size] == '/');
}
