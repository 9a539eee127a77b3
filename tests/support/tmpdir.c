/*
 * Temporary directories, short enough that a socket's path fits in them.
 */
#include "support/tmpdir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];
static pid_t owner;

const char *tmpdir(void)
{
	if (owner == getpid())
		return path;
	snprintf(path, sizeof(path), "/tmp/uringspawn-test-XXXXXX");
	if (!mkdtemp(path)) {
		perror("mkdtemp");
		abort();
	}
	if (owner == 0)
		atexit(tmpdir_done);
	owner = getpid();
	return path;
}

const char *tmpdir_path(const char *name)
{
	static char places[8][256];
	static unsigned turn;
	char *place = places[turn++ % 8];

	snprintf(place, sizeof(places[0]), "%s/%s", tmpdir(), name);
	return place;
}

static int remove_one(const char *name, const struct stat *st, int kind,
		      struct FTW *where)
{
	(void)st;
	(void)where;
	if (kind == FTW_DNR)
		chmod(name, 0700);
	return remove(name);
}

void tmpdir_done(void)
{
	if (owner != getpid())
		return;
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	owner = -1;
}
