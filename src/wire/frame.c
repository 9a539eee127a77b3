/*
 * Frame headers, 16 bytes each, read from and written to plain memory.
 *
 * Knows nothing of what a payload means and judges no type: a frame of a type
 * that nobody knows still has a length, and so an end.
 */
#include "wire/frame.h"

#include <errno.h>

#include "wire/bytes.h"

int64_t frame_decode(const void *bytes, size_t size, uint32_t payload_max,
		     struct frame *ret_frame)
{
	const uint8_t *at = bytes;

	if (size < USP_WIRE_HEADER_BYTES)
		return 0;

	uint32_t payload_bytes = load_u32(at);

	if (payload_bytes > payload_max)
		return -EMSGSIZE;
	*ret_frame = (struct frame){
		.payload_bytes = payload_bytes,
		.type = at[4],
		.fds = at[5],
		.flags = load_u16(at + 6),
		.job = load_u32(at + 8),
		.arg = load_u32(at + 12),
	};
	if (size - USP_WIRE_HEADER_BYTES < payload_bytes)
		return 0;
	ret_frame->payload = at + USP_WIRE_HEADER_BYTES;
	return (int64_t)USP_WIRE_HEADER_BYTES + payload_bytes;
}

void frame_encode_header(const struct frame *frame, void *out)
{
	uint8_t *at = store_u32(out, frame->payload_bytes);

	*at++ = frame->type;
	*at++ = frame->fds;
	at = store_u16(at, frame->flags);
	at = store_u32(at, frame->job);
	store_u32(at, frame->arg);
}
