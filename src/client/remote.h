/*
 * A process that runs in a daemon: what is known of it here, and its verbs.
 */
#ifndef CLIENT_REMOTE_H
#define CLIENT_REMOTE_H

#include <stdbool.h>
#include <uringspawn/client.h>
#include "api/handle.h"
#include "base/list.h"

/*
 *              STARTED              EXIT               END
 *   WAITING ─────────────▶ RUNNING ───────▶ EXITED ──────────▶ ENDED
 *      │        FAILED                                          ▲
 *      └─────────────────▶ FAILED ──────────────────────────────┤
 *                             RUNNING, when its status is lost ─┘
 *
 * REFUSED is a process of which the daemon never heard: FAILED and END are told by
 * the next turn.  When the connection ends, every state ends.
 */
enum remote_state {
	REMOTE_WAITING = 0,
	REMOTE_RUNNING,
	REMOTE_EXITED,
	REMOTE_FAILED,
	REMOTE_REFUSED,
	REMOTE_ENDED,
};

struct remote {
	struct usp_process process; /* first: the public handle */
	struct usp_client *client;
	struct list link; /* in client.remotes or client.refused */
	uint32_t job;	  /* 0: refused */
	enum remote_state state;
	struct usp_failure refusal;
	bool eof[3];
	bool stdin_piped, stdin_closed;
	uint32_t stdin_window_bytes; /* may be written now */
	bool own_credit;	     /* the program gives credit itself */
	uint32_t consumed_bytes[3];  /* told and not yet given back as credit */
};

extern const struct process_verbs remote_verbs;

/*
 * Take an event that the daemon reported, and tell it; after END the remote is no
 * more.  Returns 0 or -EPROTO: it cannot happen in this state.
 */
int remote_take(struct remote *remote, const struct usp_event *event);

/* Tell the failure and the end of a refused process, and free it. */
void remote_tell_refusal(struct remote *remote);

/* The connection is no more: tell the end for @reason, and before that a failure
 * with @error if nothing was told yet.  Frees the remote. */
void remote_lose(struct remote *remote, enum usp_reason reason, int error);

#endif
