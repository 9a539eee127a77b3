/*
 * Connects, or says why not.
 */
#include "cli/reach.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int reach_daemon(const char *name, struct usp_client **ret_client)
{
	int ret = usp_client_open(name, ret_client);

	if (ret == -ENOENT || ret == -ECONNREFUSED)
		fprintf(stderr,
			"uringspawn: no daemon at '%s'; start one: uringspawnd --socket "
			"%s\n",
			name, name);
	else if (ret)
		fprintf(stderr, "uringspawn: cannot use the daemon at '%s': %s\n", name,
			strerrordesc_np(-ret));
	return ret;
}
