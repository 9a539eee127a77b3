/*
 * What the daemon was told on its command line and in its file: parsed and checked,
 * nothing printed.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uringspawn/spawn.h>
#include "daemon/log.h"
#include "sys/sock.h"
#include "sys/tcp.h"

enum config_action {
	CONFIG_SERVE = 0,
	CONFIG_HELP,
	CONFIG_VERSION,
};

#define CONFIG_SOCKETS_MAX 16 /* listening, of all origins */
#define CONFIG_ALLOWED_MAX 64

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
	unsigned turn_launches;	   /* of one client before the next one's turn */
	uint32_t frame_max;	   /* payload bytes of one frame */
	size_t backlog_max;	   /* bytes queued for one client */
	size_t bytes_max;	   /* bytes of replies and requests held, in all */
	unsigned pools_max;	   /* in all */
	unsigned pool_members_max; /* of all pools */
	size_t client_bytes_max;   /* bytes of requests and stdin held for one client */
};

struct config {
	enum config_action action;
	char sockets[CONFIG_SOCKETS_MAX][SOCKET_NAME_BYTES]; /* names to listen on */
	unsigned n_sockets;
	int listen_fds[CONFIG_SOCKETS_MAX]; /* inherited ones */
	unsigned n_listen_fds;
	bool is_private; /* of one program: as if that had started the jobs itself */
	bool background;
	bool replace; /* take over from the daemon that serves the first name */
	uid_t allow_uids[CONFIG_ALLOWED_MAX];
	unsigned n_allow_uids;
	gid_t allow_gids[CONFIG_ALLOWED_MAX];
	unsigned n_allow_gids;
	uint64_t stop_after_ns; /* how long jobs may end by themselves at a stop */
	const char *file;	/* borrowed from argv; NULL: none */
	enum log_level log_level;
	unsigned launchers; /* 0: the engine's default */
	enum usp_policy policy;
	struct tcp_address metrics; /* where HTTP is spoken; size 0: nowhere */
	struct config_limits limits;
};

struct config_error {
	char text[256];
};

/*
 * The defaults, on them what the file of --config says, on that the command line.
 * Returns 0, or -EINVAL with a sentence without a full stop in @ret_error.
 */
int config_parse(int argc, char **argv, struct config *ret_config,
		 struct config_error *ret_error);

/*
 * Read the limits alone, from the same places; @config: as it was parsed from them
 * before.  Returns as config_parse().
 */
int config_reload(int argc, char **argv, const struct config *config,
		  struct config_limits *ret_limits, struct config_error *ret_error);

/* Somebody who is not of the daemon's own user may connect. */
static inline bool config_is_shared(const struct config *config)
{
	return config->n_allow_uids > 0 || config->n_allow_gids > 0;
}

/* What --help prints. */
extern const char config_help[];

#endif
