/*
 * `uringspawn trace`: the program uringspawn-trace, which is one of its own because it
 * needs libbpf, and rights that nothing else here does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/cmd.h"

#define NAME "uringspawn-trace"

/* The one that was built or installed with this program, if it can be told. */
static int beside_this(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - sizeof(NAME) - 1);
	char *slash;

	if (n <= 0)
		return -errno;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return -ENOENT;
	strcpy(slash + 1, NAME);
	return 0;
}

int cmd_trace(int argc, char **argv)
{
	char path[4096];

	(void)argc;
	argv[0] = NAME;
	if (beside_this(path, sizeof(path)) == 0)
		execv(path, argv);
	if (errno == ENOENT)
		execvp(NAME, argv);
	if (errno == ENOENT)
		fputs("uringspawn: there is no " NAME
		      ": it is built where clang, bpftool and libbpf-dev are "
		      "(tools/setup installs them)\n",
		      stderr);
	else
		fprintf(stderr, "uringspawn: " NAME ": %s\n", strerrordesc_np(errno));
	return 125;
}
