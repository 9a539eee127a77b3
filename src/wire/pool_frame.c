/*
 * What is said of a pool that is open.
 */
#include "wire/pool_frame.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <uringspawn/spawn.h>
#include "wire/bytes.h"

/* ---- from the client --------------------------------------------------------- */

int pool_resize_decode(const struct frame *frame, struct pool_new_size *ret_size)
{
	if (frame->job == 0 || frame->payload_bytes != POOL_RESIZE_BYTES)
		return -EINVAL;
	*ret_size = (struct pool_new_size){
		.min = load_u32(frame->payload),
		.max = load_u32(frame->payload + 4),
		.spare = load_u32(frame->payload + 8),
	};
	return 0;
}

struct frame pool_resize_frame(uint32_t pool, const struct pool_new_size *size,
			       uint8_t place[POOL_RESIZE_BYTES])
{
	store_u32(store_u32(store_u32(place, size->min), size->max), size->spare);
	return (struct frame){
		.type = USP_WIRE_POOL_RESIZE,
		.job = pool,
		.payload_bytes = POOL_RESIZE_BYTES,
		.payload = place,
	};
}

int pool_close_decode(const struct frame *frame, struct pool_closing *ret_close)
{
	if (frame->job == 0 || frame->payload_bytes != POOL_CLOSE_BYTES ||
	    frame->flags > USP_WIRE_POOL_END)
		return -EINVAL;
	*ret_close = (struct pool_closing){
		.how = (enum usp_wire_pool_close)frame->flags,
		.drain_ns = load_u64(frame->payload),
	};
	return 0;
}

struct frame pool_close_frame(uint32_t pool, const struct pool_closing *close,
			      uint8_t place[POOL_CLOSE_BYTES])
{
	store_u64(place, close->drain_ns);
	return (struct frame){
		.type = USP_WIRE_POOL_CLOSE,
		.flags = (uint16_t)close->how,
		.job = pool,
		.payload_bytes = POOL_CLOSE_BYTES,
		.payload = place,
	};
}

/* ---- from the daemon --------------------------------------------------------- */

/* A field at fault without an error would say nothing. */
int pool_done_decode(const struct frame *frame, struct pool_done *ret_done)
{
	size_t size = frame->payload_bytes;

	if (frame->job == 0 || frame->arg > INT_MAX || (frame->arg == 0 && size > 0) ||
	    frame->flags < USP_WIRE_POOL_OPEN || frame->flags > USP_WIRE_POOL_CLOSE)
		return -EINVAL;
	if (size > 0 && memchr(frame->payload, 0, size))
		return -EINVAL;
	*ret_done = (struct pool_done){
		.answers = (uint8_t)frame->flags,
		.error = (int)frame->arg,
	};
	if (size > POOL_FIELD_BYTES - 1)
		size = POOL_FIELD_BYTES - 1;
	if (size > 0)
		memcpy(ret_done->field, frame->payload, size);
	return 0;
}

struct frame pool_done_frame(uint32_t pool, uint8_t answers, int error, const char *field)
{
	return (struct frame){
		.type = USP_WIRE_POOL_DONE,
		.flags = answers,
		.job = pool,
		.arg = (uint32_t)error,
		.payload_bytes = (uint32_t)strnlen(field, POOL_FIELD_BYTES - 1),
		.payload = (const uint8_t *)field,
	};
}

int pool_output_decode(const struct frame *frame, struct pool_said *ret_output)
{
	if (frame->job == 0 || frame->arg == 0 || frame->arg > INT_MAX ||
	    frame->flags > USP_FD_TARGET_MAX || frame->payload_bytes == 0)
		return -EINVAL;
	*ret_output = (struct pool_said){
		.stream = frame->flags,
		.pid = (pid_t)frame->arg,
		.data = frame->payload,
		.size = frame->payload_bytes,
	};
	return 0;
}

struct frame pool_output_frame(uint32_t pool, const struct pool_said *output)
{
	return (struct frame){
		.type = USP_WIRE_POOL_OUTPUT,
		.flags = (uint16_t)output->stream,
		.job = pool,
		.arg = (uint32_t)output->pid,
		.payload_bytes = (uint32_t)output->size,
		.payload = output->data,
	};
}
