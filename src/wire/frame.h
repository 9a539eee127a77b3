/*
 * Frames: a byte stream split into headers with payloads, and back.
 *
 * Pure functions: no descriptor, no clock, no allocation.  Any split of the same
 * bytes gives the same frames.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <uringspawn/wire.h>

struct frame {
	uint32_t payload_bytes;
	uint8_t type; /* enum usp_wire_type, or one that this version does not know */
	uint8_t fds;  /* descriptors that travel with it */
	uint16_t flags;
	uint32_t job; /* chosen by the client; 0 for the connection itself */
	uint32_t arg;
	const uint8_t *payload; /* borrowed from the input of frame_decode() */
};

/*
 * Read the frame at the start of @bytes.
 *
 * Returns the bytes it takes, header included; 0: more bytes are needed (then
 * *ret_frame holds the header if USP_WIRE_HEADER_BYTES are there, so that the
 * caller can make room); -EMSGSIZE: its payload is larger than @payload_max.
 */
int64_t frame_decode(const void *bytes, size_t size, uint32_t payload_max,
		     struct frame *ret_frame);

/* Write the header of @frame, USP_WIRE_HEADER_BYTES, to @out.  Copies nothing else. */
void frame_encode_header(const struct frame *frame, void *out);

#endif
