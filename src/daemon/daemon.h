/*
 * What the parts of the daemon share: the engine, the limits, who is connected,
 * and how far stopping has got.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/annotate.h"
#include "base/list.h"
#include "daemon/config.h"
#include "daemon/outbox.h"
#include "reactor/reactor.h"

struct usp_engine;

/*
 *   SERVING ──signal──▶ ENDING ──no job is left──▶ LEAVING ──no connection──▶ main()
 * returns
 *
 * ENDING carries out the kill plans; a second signal, or too long a time, kills.
 * LEAVING lets the last frames leave, for a bounded time.
 */
enum daemon_phase {
	DAEMON_SERVING = 0,
	DAEMON_ENDING,
	DAEMON_LEAVING,
};

struct daemon {
	const struct config *config; /* as it was started */
	struct config_limits limits; /* in force */
	struct usp_engine *engine;
	struct reactor *reactor;
	struct outbox_pool outboxes;
	enum daemon_phase phase;
	uint64_t start_time_s; /* Unix time */
	uid_t uid;	       /* whom it serves, beside root */
	unsigned clients_room; /* for so many there are slots, whatever the limit */
	struct list sessions;  /* all that are not dead */
	struct list waiting;   /* those that have not said HELLO, the oldest first */
	struct list dead;      /* to be freed after the turn */
	unsigned clients;      /* sessions that may ask for something */
	unsigned connections;  /* sessions whose socket is not closed */
	size_t jobs;
	size_t request_bytes; /* of all jobs */
	size_t stdin_bytes;   /* of all jobs, not yet taken by their processes */
	size_t partial_bytes; /* of all frames whose end has not come */
};

static inline unsigned daemon_clients_max(const struct daemon *d)
{
	return d->limits.clients_max < d->clients_room ? d->limits.clients_max
						       : d->clients_room;
}

#endif
