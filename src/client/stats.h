/*
 * The numbers of a daemon: asked for, and told once.
 */
#ifndef CLIENT_STATS_H
#define CLIENT_STATS_H

#include <stddef.h>

struct usp_client;

/* Tell who asked; @text NULL: it will not come.  Returns 0, or -EPROTO: nobody asked. */
int stats_tell(struct usp_client *client, const char *text, size_t size);

#endif
