/*
 * The frames of pools that are no lists of fields: POOL_RESIZE, POOL_CLOSE, POOL_DONE
 * and POOL_OUTPUT.  POOL_OPEN is a request, RELEASE a header alone.
 *
 * Decoding borrows from the frame's payload.
 */
#ifndef WIRE_POOL_FRAME_H
#define WIRE_POOL_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uringspawn/wire.h>
#include "wire/frame.h"

/* A field's name in POOL_DONE: what is more is cut. */
#define POOL_FIELD_BYTES 64

struct buf;

struct pool_new_size {
	uint32_t min, max, spare;
};

/* Of a POOL_CLOSE. */
struct pool_closing {
	enum usp_wire_pool_close how;
	uint64_t drain_ns;
};

/* Of a POOL_DONE. */
struct pool_done {
	uint8_t answers; /* the type of a frame: POOL_OPEN, POOL_RESIZE or POOL_CLOSE */
	int error;	 /* 0, or errno */
	char field[POOL_FIELD_BYTES];
};

/* Of a POOL_OUTPUT. */
struct pool_said {
	int stream;
	pid_t pid;
	const void *data;
	size_t size;
};

/* Each returns 0, or -EINVAL: it is malformed, or for pool 0. */
int pool_resize_decode(const struct frame *frame, struct pool_new_size *ret_size);
int pool_close_decode(const struct frame *frame, struct pool_closing *ret_close);
int pool_done_decode(const struct frame *frame, struct pool_done *ret_done);
int pool_output_decode(const struct frame *frame, struct pool_said *ret_output);

#define POOL_RESIZE_BYTES 12
#define POOL_CLOSE_BYTES  8

/* The frame, whose payload is written to @place. */
struct frame pool_resize_frame(uint32_t pool, const struct pool_new_size *size,
			       uint8_t place[POOL_RESIZE_BYTES]);
struct frame pool_close_frame(uint32_t pool, const struct pool_closing *close,
			      uint8_t place[POOL_CLOSE_BYTES]);

/* The frame, which borrows what it carries. */
struct frame pool_done_frame(uint32_t pool, uint8_t answers, int error,
			     const char *field);
struct frame pool_output_frame(uint32_t pool, const struct pool_said *output);

#endif
