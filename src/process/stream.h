/*
 * What the child writes to, read within a window and up to a limit.
 *
 * A stream reads only what its consumer gave credit for: beyond it the child
 * finds its pipe full and waits.  Without a window (credit unlimited) one
 * multishot read serves the stream's whole life; with one, or with a limit of the
 * output, each read asks for no more than may be told, since a multishot read
 * cannot be held to it.  Nor does a multishot read ever learn that a terminal was hung
 * up (Linux 6.12 to 7.3): that is polled, and then read once.
 *
 * Beyond the limit of the output nothing is told, so nobody's credit is waited for.
 * With USP_OUTPUT_KILL one byte more is read, to see that there is one; with
 * USP_OUTPUT_DROP all the rest is, and the end of it is kept and told at last.
 *
 *   reading ──▶ over the limit ──▶ closing ──▶ (the tail is told) ──▶ eof
 *      └─────────────────────────────▲
 *        the end, finished, stopped, dropped
 */
#ifndef PROCESS_STREAM_H
#define PROCESS_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <uringspawn/spawn.h>
#include "base/annotate.h"
#include "process/tail.h"
#include "process/visit.h"
#include "reactor/reactor.h"

/* The text that a pipe has in /proc, "pipe:[4711]", fits. */
#define STREAM_LINK_BYTES 32

struct stream;

/* What a stream tells; each of them ends with the stream still there. */
struct stream_verbs {
	/* @buffer: the one that @data is in, or NULL: it is elsewhere. */
	void (*on_output)(struct stream *s, const void *data, size_t size,
			  struct buffer *buffer);
	void (*on_eof)(struct stream *s);
	/* There is more than it may deliver, and USP_OUTPUT_KILL says what is to be done:
	 * its end of file is told next. */
	void (*on_limit)(struct stream *s);
	/* As stream_clear() was asked for; its end of file may come in its place. */
	void (*on_cleared)(struct stream *s);
	/* As stream_look() was asked for: @link is set; empty: nobody holds it, or there
	 * is no such name. */
	void (*on_looked)(struct stream *s);
};

/* Of stream_clear(). */
enum stream_clearing {
	CLEARING_NOT = 0,
	CLEARING_ASKED,	  /* nothing is to be read until it is known how much is there */
	CLEARING_READING, /* that much is read, and no more */
};

struct stream {
	struct op read;
	struct visit look;
	struct deferred later; /* step() outside of the calls of the API */
	struct reactor *reactor;
	const struct stream_verbs *verbs;
	int number; /* in events */
	int slot;   /* -1: no pipe, or it is closed */
	enum usp_output_action action;
	bool limited, paused;
	bool polled, ready;	/* it is to be polled before a read; it has been */
	bool closing;		/* not to be read any more */
	bool eof;		/* nothing more comes; true for a stream without a pipe */
	bool looking;		/* on_looked is to come */
	bool finishing;		/* what is in the pipe, and no more */
	bool impatient;		/* no credit is waited for any more */
	bool cut;		/* it was closed here; somebody may have held it */
	bool dropped;		/* its consumer gave it up: only its end is told */
	bool shared;		/* its slot is an input's as well, and stays open */
	bool measured;		/* @in_pipe_bytes is known */
	uint64_t in_pipe_bytes; /* of what is there: still to be read */
	enum stream_clearing clearing;
	uint64_t to_clear_bytes; /* still to be read */
	uint64_t credit_bytes;
	uint64_t head_bytes;	/* may be told before the limit; UINT64_MAX: no limit */
	uint64_t total_bytes;	/* read and told */
	uint64_t dropped_bytes; /* read and not told */
	uint64_t active_ns;	/* when it last brought something, or could do so again */
	struct tail tail;
	char link[STREAM_LINK_BYTES];
};

/* @options: the window to start with, and the limit; borrowed. */
void stream_init(struct stream *s, struct reactor *r, struct owner *owner,
		 const struct stream_verbs *verbs, int number,
		 const struct usp_options *options);

/* It is a terminal.  Before it is opened. */
void stream_poll_first(struct stream *s);

/* It is written to by the same slot.  Before it is opened. */
void stream_share(struct stream *s);

/* Start reading @fd, which is taken, through @slot, which is the stream's now. */
void stream_open(struct stream *s, int slot, int fd) REACTOR_ONLY;

void stream_credit(struct stream *s, uint32_t bytes) REACTOR_ONLY;
void stream_pause(struct stream *s, bool pause) REACTOR_ONLY;

/* Its consumer takes all that comes, from now on. */
void stream_unlimit(struct stream *s) REACTOR_ONLY;

/* Its consumer, and not the child, is what keeps it from bringing something. */
bool stream_is_held(const struct stream *s);

/* Find out by which name /proc knows its file, where somebody holds the other end;
 * on_looked comes soon.  For a stream whose end of file was not told. */
void stream_look(struct stream *s) REACTOR_ONLY;

/*
 * Read what is in the pipe at the moment and then no more, if somebody still holds it.
 * @patient: what its consumer has no room for is waited with; otherwise it is dropped.
 */
void stream_finish(struct stream *s, bool patient) REACTOR_ONLY;

/*
 * Read what is in the pipe at the moment, without credit, and then nothing until
 * stream_renew(): what was written for one consumer is not told to the next.
 * on_cleared comes soon.  For a stream whose end of file was not told.
 */
void stream_clear(struct stream *s) REACTOR_ONLY;

/* Another consumer has it from now on: with a window and a limit as stream_init() has
 * them, and nothing told yet. */
void stream_renew(struct stream *s, const struct usp_options *options) REACTOR_ONLY;

/* Read no more: its end of file is told soon, unless it has been. */
void stream_stop(struct stream *s) REACTOR_ONLY;

/* Tell no more of it, and close it unless it is shared: its end of file is told by the
 * next turn, unless it has been.  Before it is opened as well. */
void stream_drop(struct stream *s) REACTOR_ONLY;

/* Free the slot and the memory.  Nothing may be armed. */
void stream_done(struct stream *s) REACTOR_ONLY;

#endif
