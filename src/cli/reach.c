/*
 * Connects, or says why not.
 */
#include "cli/reach.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* "at 'PATH'", as it is said of a daemon. */
static const char *place_of(const char *name, char *text, size_t size)
{
	snprintf(text, size, name ? "at '%s'" : "at the default socket", name);
	return text;
}

int reach_daemon(const char *name, struct usp_client **ret_client)
{
	int ret = usp_client_open(name, ret_client);
	char place[256];

	if (ret == 0)
		return 0;
	place_of(name, place, sizeof(place));
	if (ret == -ENOENT || ret == -ECONNREFUSED)
		fprintf(stderr, "uringspawn: no daemon %s; start one: uringspawnd%s%s\n",
			place, name ? " --socket " : "", name ? name : "");
	else
		fprintf(stderr, "uringspawn: cannot use the daemon %s: %s\n", place,
			strerrordesc_np(-ret));
	return ret;
}
