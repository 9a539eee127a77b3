/*
 * What the child reads from, fed within a window.
 */
#ifndef PROCESS_INPUT_H
#define PROCESS_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/annotate.h"
#include "base/buf.h"
#include "reactor/reactor.h"

/* What may be waiting in an input: four pipes full. */
#define INPUT_WINDOW_BYTES (256u << 10)

struct input;

/* @bytes: so many more may be written; 0: the child reads no more. */
typedef void input_fn(struct input *in, uint32_t bytes);

typedef void input_end_fn(struct input *in);

struct input {
	struct op write;
	struct reactor *reactor;
	input_fn *on_window;
	input_end_fn *on_end; /* of a shared slot */
	int number;	      /* the stream's, in events */
	int slot;	      /* -1: not open yet, or closed */
	bool shared;	      /* the slot is a stream's, which closes it */
	bool ending;	      /* close it after what waits */
	bool full;	      /* it took nothing: to be polled before the next write */
	bool broken;	      /* the child closed its end */
	struct buf in_write;  /* what the write in flight is about */
	struct buf waiting;
	uint64_t total_bytes;  /* taken by the pipe */
	uint64_t unread_bytes; /* dropped: nobody was there to read it */
};

void input_init(struct input *in, struct reactor *r, struct owner *owner,
		input_fn *on_window, int number);

/* Start writing to @fd, which is taken, through @slot, which is the input's now. */
void input_open(struct input *in, int slot, int fd) REACTOR_ONLY;

/* The same through a slot that is open already, as a stream, and stays that one's:
 * instead of being closed it is told by @on_end that no more is to be written. */
void input_share(struct input *in, int slot, input_end_fn *on_end) REACTOR_ONLY;

/* Copies @data.  Returns 0, -EAGAIN: no room in the window; -EPIPE; -ENOMEM. */
int input_write(struct input *in, const void *data, size_t size) REACTOR_ONLY;

/* End of file after what waits. */
void input_end(struct input *in) REACTOR_ONLY;

/* Write no more; what waits counts as unread. */
void input_stop(struct input *in) REACTOR_ONLY;

/* Free the slot and the memory.  Nothing may be armed. */
void input_done(struct input *in) REACTOR_ONLY;

#endif
