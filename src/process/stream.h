/*
 * What the child writes to, read within a window.
 *
 * A stream reads only what its consumer gave credit for: beyond it the child
 * finds its pipe full and waits.  Without a window (credit unlimited) one
 * multishot read serves the stream's whole life; with one, each read asks for no
 * more than the credit, since a multishot read cannot be held to it.  Nor does a
 * multishot read ever learn that a terminal was hung up (Linux 6.12 to 7.3): that is
 * polled, and then read once.
 */
#ifndef PROCESS_STREAM_H
#define PROCESS_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include "base/annotate.h"
#include "reactor/reactor.h"

struct stream;

/* What a stream tells; both end with the stream still there. */
struct stream_verbs {
	void (*on_output)(struct stream *s, struct buffer *buffer, size_t size);
	void (*on_eof)(struct stream *s);
};

struct stream {
	struct op read;
	struct reactor *reactor;
	const struct stream_verbs *verbs;
	int number; /* in events */
	int slot;   /* -1: no pipe, or it is closed */
	bool limited, paused;
	bool polled, ready; /* it is to be polled before a read; it has been */
	bool closing;	    /* not to be read any more */
	bool eof;	    /* nothing more comes; true for a stream without a pipe */
	uint64_t credit_bytes;
	uint64_t total_bytes; /* read and told */
};

/* @window_bytes: the credit to start with; 0: no limit. */
void stream_init(struct stream *s, struct reactor *r, struct owner *owner,
		 const struct stream_verbs *verbs, int number, uint32_t window_bytes);

/* It is a terminal.  Before it is opened. */
void stream_poll_first(struct stream *s);

/* Start reading @fd, which is taken, through @slot, which is the stream's now. */
void stream_open(struct stream *s, int slot, int fd) REACTOR_ONLY;

void stream_credit(struct stream *s, uint32_t bytes) REACTOR_ONLY;
void stream_pause(struct stream *s, bool pause) REACTOR_ONLY;

/* Read no more: its end of file is told soon, unless it has been. */
void stream_stop(struct stream *s) REACTOR_ONLY;

/* Free the slot.  Nothing may be armed. */
void stream_done(struct stream *s) REACTOR_ONLY;

#endif
