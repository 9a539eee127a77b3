/*
 * A connection to the daemon that a command was told to use.
 */
#ifndef CLI_REACH_H
#define CLI_REACH_H

#include <uringspawn/client.h>

/*
 * Connect to the daemon at @name, a path or @NAME, or NULL for the default one; why not,
 * and what to do, is said.
 * Returns 0, with a client that is the caller's to free, or -errno.
 */
int reach_daemon(const char *name, struct usp_client **ret_client);

#endif
