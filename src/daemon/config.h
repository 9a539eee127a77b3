/*
 * What the daemon was told on its command line: parsed and checked, nothing
 * opened, nothing printed.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "sys/tcp.h"

enum config_action {
	CONFIG_SERVE = 0,
	CONFIG_HELP,
	CONFIG_VERSION,
};

/*
 * What may be had at one time.  All of it can be replaced while the daemon serves:
 * what is there already stays, and what comes is judged anew.
 */
struct config_limits {
	unsigned clients_max;	  /* connections */
	unsigned jobs_max;	  /* running, in all */
	unsigned queue_max;	  /* waiting for a place, in all */
	unsigned client_jobs_max; /* of one client, running or waiting */
	unsigned client_running_max;
	unsigned client_queue_max;
	unsigned turn_launches;	 /* of one client before the next one's turn */
	uint32_t frame_max;	 /* payload bytes of one frame */
	size_t backlog_max;	 /* bytes queued for one client */
	size_t bytes_max;	 /* bytes of replies and requests held, in all */
	size_t client_bytes_max; /* bytes of requests and stdin held for one client */
};

struct config {
	enum config_action action;
	const char *socket; /* borrowed from argv; NULL: the default one */
	struct config_limits limits;
	struct tcp_address metrics; /* where HTTP is spoken; size 0: nowhere */
	unsigned launchers;	    /* 0: the engine's default */
	bool quiet;
};

struct config_error {
	char text[160];
};

/* Returns 0, or -EINVAL with a sentence without a full stop in @ret_error. */
int config_parse(int argc, char **argv, struct config *ret_config,
		 struct config_error *ret_error);

/* What --help prints. */
extern const char config_help[];

#endif
