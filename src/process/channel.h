/*
 * The channels of a process: those of its child's descriptors whose other ends are
 * served here.
 *
 * A channel is read (a stream), written (an input), or both, by one slot.
 */
#ifndef PROCESS_CHANNEL_H
#define PROCESS_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>
#include "base/annotate.h"
#include "launch/plan.h"
#include "process/visit.h"
#include "process/input.h"
#include "process/stream.h"

struct channels;

/* What channels tell, by the numbers that events have. */
struct channel_verbs {
	/* @buffer: the one that @data is in, or NULL: it is elsewhere. */
	void (*on_output)(struct channels *c, int stream, const void *data, size_t size,
			  struct buffer *buffer);
	void (*on_eof)(struct channels *c, int stream);
	/* One of them has more than it may deliver, and is read no more. */
	void (*on_limit)(struct channels *c);
	/* As stream_clear() was asked for. */
	void (*on_cleared)(struct channels *c, int stream);
	/* As channels_look() was asked for: one of them is done. */
	void (*on_looked)(struct channels *c);
	/* @bytes: so many more may be written; 0: nobody reads any more. */
	void (*on_window)(struct channels *c, int stream, uint32_t bytes);
};

struct channel {
	struct channels *all;
	int end;  /* of the plan's ends: the one that it serves */
	int slot; /* set aside for it until it is opened; -1: none */
	bool is_read, is_written;
	bool is_terminal;
	bool dropped; /* a socket pair: nothing more goes through it, either way */
	struct stream stream;
	struct input input;
	/* A new size of a terminal; the end of what is sent through a socket pair. */
	struct visit visit;
	struct usp_winsize size;
};

struct channels {
	struct reactor *reactor;
	struct owner *owner;
	const struct channel_verbs *verbs;
	struct channel *each; /* borrowed */
	unsigned n;
};

/* How many channels a child of @spec has; NULL: none. */
unsigned channels_count(const struct spec *spec);

/* All of @c but its number is set; @each has a place for each of @spec's. */
void channels_init(struct channels *c, const struct spec *spec);

/* Set a slot aside for each, known to the plan: there are enough. */
void channels_take_slots(struct channels *c, struct plan *plan) REACTOR_ONLY;

/* Serve the ends that the plan made; they are taken. */
void channels_open(struct channels *c, struct plan *plan) REACTOR_ONLY;

/* The channel that is read, or written, as @stream; NULL: there is none. */
struct channel *channels_read(const struct channels *c, int stream);
struct channel *channels_written(const struct channels *c, int stream);

/* Tell a terminal its size, as soon as it is there. */
void channel_resize(struct channel *channel, const struct usp_winsize *size) REACTOR_ONLY;

/* Close it, both ways, as soon as it is there and nothing is in flight on it.  Nothing is
 * told from inside the call.  Not for a terminal. */
void channel_drop(struct channel *channel) REACTOR_ONLY;
void channels_drop(struct channels *c) REACTOR_ONLY;

/* The one that is a terminal; NULL: none is. */
struct channel *channels_terminal(const struct channels *c);

/* Nothing more comes from any of them. */
bool channels_drained(const struct channels *c);

void channels_pause(struct channels *c, bool pause) REACTOR_ONLY;

/* Read all without limit, from now on. */
void channels_unlimit(struct channels *c) REACTOR_ONLY;

/* When one of them last brought something, or could do so again; 0: never. */
uint64_t channels_active_ns(const struct channels *c);

/* One of them would be read if its consumer had room. */
bool channels_held(const struct channels *c);

/* Find out by which names /proc knows the files of those that have not ended:
 * on_looked, or on_eof, comes for each. */
void channels_look(struct channels *c) REACTOR_ONLY;

/* Has each that has not ended been looked at? */
bool channels_looked(const struct channels *c);

/* The name of the @i-th of them, or NULL: it is not known, or the channel has ended. */
const char *channels_link(const struct channels *c, unsigned i);

/* Was one of them closed here, with somebody who may have held it? */
bool channels_cut(const struct channels *c);

/* stream_finish() for all. */
void channels_finish(struct channels *c, bool patient) REACTOR_ONLY;

/* Read no more, and write no more. */
void channels_stop_reading(struct channels *c) REACTOR_ONLY;
void channels_stop_writing(struct channels *c) REACTOR_ONLY;

/* Written to inputs, and never taken by the child. */
uint64_t channels_unread_bytes(const struct channels *c);

/* Free slots and memory.  Nothing may be armed. */
void channels_done(struct channels *c) REACTOR_ONLY;

#endif
