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

/* Of whose members it is a use, as far as that is known here. */
enum remote_use {
	REMOTE_USE_NONE = 0,
	REMOTE_USE_STANDBY,
	REMOTE_USE_WORKER,
	REMOTE_USE_SHARED, /* of either kind */
};

/* One of the child's descriptors that the daemon carries for it. */
struct remote_stream {
	int number;
	bool is_read, is_written; /* by the client's program */
	bool eof;		  /* nothing more comes */
	bool closed;		  /* nothing more may be written */
	uint32_t window_bytes;	  /* may be written now */
	uint32_t consumed_bytes;  /* told and not yet given back as credit */
};

struct remote {
	struct usp_process process; /* first: the public handle */
	struct usp_client *client;
	struct list link; /* in client.remotes or client.refused */
	uint32_t job;	  /* 0: refused */
	enum remote_state state;
	struct usp_failure refusal;
	bool own_credit;   /* the program gives credit itself */
	bool has_terminal; /* which is streams 0 and 1 */
	enum remote_use use;
	bool open_streams;  /* it has those that are named */
	bool released;	    /* nothing but its end is told any more */
	bool wants_pidfd;   /* with STARTED, and ... */
	unsigned handovers; /* ... so many other ends */
	unsigned n_streams;
	struct remote_stream streams[];
};

extern const struct process_verbs remote_verbs;

/* A process that @options ask for; those that a template has are among them. */
struct remote *remote_new(struct usp_client *client, const struct usp_options *options);

/* A use whose streams are not known: it has those that are named, REMOTE_STREAMS_MAX at
 * most. */
struct remote *remote_new_open(struct usp_client *client,
			       const struct usp_options *options);

#define REMOTE_STREAMS_MAX (3u + USP_FDS_MAX + 1)

/* The stream that the program reads, or writes, with this number; NULL: there is none. */
struct remote_stream *remote_read_stream(struct remote *remote, int number);
struct remote_stream *remote_written_stream(struct remote *remote, int number);

/*
 * Take an event that the daemon reported, and tell it; after END the remote is no
 * more.  Returns 0 or -EPROTO: it cannot happen in this state.
 */
int remote_take(struct remote *remote, const struct usp_event *event);

/* Tell the failure and the end of a refused process, and free it. */
void remote_tell_refusal(struct remote *remote);

/* The connection is no more: tell the end for @reason, and before that @failure, at
 * stage ADMISSION with @error and @path, if nothing was told yet.  Frees the remote. */
void remote_lose(struct remote *remote, enum usp_reason reason, int error,
		 const char *path);

#endif
