/*
 * The numbers of a daemon: asked for, and told once.
 */
#ifndef CLIENT_STATS_H
#define CLIENT_STATS_H

#include <stddef.h>
#include <stdint.h>

struct usp_client;

/* Tell who asked; @text NULL: it will not come.  Returns 0, or -EPROTO: nobody asked. */
int stats_tell(struct usp_client *client, const char *text, size_t size);

/* The same of usp_client_kill_job(). */
int stats_tell_killed(struct usp_client *client, uint32_t job, int error);

#endif
