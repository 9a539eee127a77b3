/*
 * Any bytes as a stream of frames: decoding stays inside its input, encoding the
 * header again gives the same bytes, and the frames do not depend on how the
 * stream is cut.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/frame.h"

#define PAYLOAD_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What a receiver that has only @size bytes at @bytes is told. */
static int64_t decode_exactly(const uint8_t *bytes, size_t size, struct frame *ret_frame)
{
	uint8_t *copy = malloc(size ? size : 1);

	assert(copy);
	memcpy(copy, bytes, size);

	int64_t used = frame_decode(copy, size, PAYLOAD_MAX, ret_frame);

	if (used > 0)
		ret_frame->payload = bytes + USP_WIRE_HEADER_BYTES;
	free(copy);
	return used;
}

/* A frame is told as soon as its last byte is there, whatever came before. */
static void check_cuts(const uint8_t *bytes, size_t size, const struct frame *whole)
{
	struct frame frame;

	for (size_t cut = 0; cut < size; cut += cut < 64 ? 1 : 61)
		assert(decode_exactly(bytes, cut, &frame) == 0);
	assert(decode_exactly(bytes, size, &frame) == (int64_t)size);
	assert(frame.payload_bytes == whole->payload_bytes && frame.arg == whole->arg);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		uint8_t header[USP_WIRE_HEADER_BYTES];
		struct frame frame = { 0 };
		int64_t used = decode_exactly(bytes, size, &frame);

		if (used <= 0)
			return 0;
		assert((size_t)used <= size);
		assert(used == (int64_t)sizeof(header) + frame.payload_bytes);
		assert(frame.payload_bytes <= PAYLOAD_MAX);
		frame_encode_header(&frame, header);
		assert(memcmp(header, bytes, sizeof(header)) == 0);
		check_cuts(bytes, (size_t)used, &frame);
		bytes += used;
		size -= (size_t)used;
	}
	return 0;
}
