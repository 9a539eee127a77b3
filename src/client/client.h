/*
 * A connection to a daemon and the processes asked for through it.
 *
 * Plain non-blocking socket calls: a client shares its thread with a program's
 * own event loop and needs no ring of its own.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdbool.h>
#include <uringspawn/client.h>
#include "base/buf.h"
#include "base/list.h"
#include "base/table.h"
#include "client/sendq.h"

/* The largest frame that this client takes; said in its HELLO. */
#define CLIENT_FRAME_BYTES_MAX (1u << 20)

/* What one receive takes at most. */
#define CLIENT_RECEIVE_BYTES (256 << 10)

/* What the daemon's HELLO said. */
struct client_limits {
	uint32_t frame_bytes;	     /* payload of a frame to the daemon */
	uint32_t window_bytes;	     /* credit of each stream at the start */
	uint32_t stdin_window_bytes; /* what may be written to stdin ahead of the child */
};

struct usp_client {
	int fd;
	int error; /* 0, or -errno why nothing goes over the connection any more */
	char why[512];
	struct client_limits limits;
	char *socket;	/* where the daemon is */
	struct buf in;	/* received and not dispatched */
	struct buf fds; /* ints that were received, for the frames that count them */
	struct sendq out;
	struct buf strings, payload; /* scratch of ask.c */
	struct table jobs;	     /* job -> struct remote */
	struct list remotes;	     /* asked for, not ended */
	usp_stats_fn *on_stats;	     /* is owed the daemon's numbers, or NULL */
	void *stats_user;
	usp_killed_fn *on_killed; /* is owed what became of a job, or NULL */
	void *killed_user;
	struct list refused; /* failed before anything was sent; told by the next turn */
	struct list templates, pools;
	unsigned n_templates;
	size_t template_bytes; /* payloads of all */
	uint32_t last_job, last_template, last_pool;
	bool turning;	   /* inside usp_client_turn() */
	bool freeing;	   /* inside usp_client_free() */
	bool running;	   /* inside usp_client_run() */
	bool stop;	   /* usp_client_stop() was called */
	bool undispatched; /* whole frames wait in @in */
	int post_error;	   /* a frame that had to leave could not be kept */
};

/* Say why the connection ends, once: the first reason stays. */
void client_fail(struct usp_client *client, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A frame without payload from a call that cannot fail: without memory the
 * connection ends instead of a credit or a kill being lost. */
void client_post(struct usp_client *client, const struct frame *frame);

#endif
