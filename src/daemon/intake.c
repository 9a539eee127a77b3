/*
 * Frames and descriptors of one client, in the order of their arrival.
 *
 * The memory for a frame in pieces is as large as that frame, so that a client
 * that is slow with a small one costs little.
 */
#include "daemon/intake.h"

#include <errno.h>
#include <string.h>
#include "sys/fd.h"

void intake_init(struct intake *in, uint32_t frame_max)
{
	*in = (struct intake){ 0 };
	intake_limit(in, frame_max);
	buf_init(&in->fds, INTAKE_FDS_MAX * sizeof(int));
}

void intake_limit(struct intake *in, uint32_t frame_max)
{
	in->frame_max = frame_max;
	in->partial.max = (size_t)frame_max + USP_WIRE_HEADER_BYTES;
}

void intake_done(struct intake *in)
{
	const int *fds = (const int *)(const void *)buf_bytes(&in->fds);

	for (size_t i = 0; i < buf_size(&in->fds) / sizeof(int); i++)
		sys_close(fds[i]);
	buf_done(&in->fds);
	buf_done(&in->partial);
}

bool intake_partial(const struct intake *in)
{
	return buf_size(&in->partial) > in->given;
}

/* The header of a frame that is too long was read all the same: for the message. */
static int decode(const uint8_t *bytes, size_t size, uint32_t frame_max,
		  struct frame *ret_frame, size_t *ret_used)
{
	int64_t used = frame_decode(bytes, size, frame_max, ret_frame);

	if (used < 0) {
		frame_decode(bytes, size, UINT32_MAX, ret_frame);
		return (int)used;
	}
	*ret_used = (size_t)used;
	return used > 0;
}

/* How many bytes the kept beginning lacks of its header, or of its frame. */
static size_t missing(const struct intake *in, const struct frame *frame)
{
	size_t have = buf_size(&in->partial);

	if (have < USP_WIRE_HEADER_BYTES)
		return USP_WIRE_HEADER_BYTES - have;
	return USP_WIRE_HEADER_BYTES + (size_t)frame->payload_bytes - have;
}

/* Complete the frame whose beginning was kept. */
static int next_in_pieces(struct intake *in, const uint8_t **bytes, size_t *size,
			  struct frame *ret_frame)
{
	for (;;) {
		struct frame frame = { 0 };
		size_t part, used = 0;
		int ret = decode(buf_bytes(&in->partial), buf_size(&in->partial),
				 in->frame_max, &frame, &used);

		if (ret != 0) {
			in->given = used;
			*ret_frame = frame;
			return ret;
		}
		if (*size == 0)
			return 0;
		part = missing(in, &frame);
		if (part > *size)
			part = *size;
		ret = buf_append(&in->partial, *bytes, part);
		if (ret < 0)
			return ret;
		*bytes += part;
		*size -= part;
	}
}

int intake_next(struct intake *in, const uint8_t **bytes, size_t *size,
		struct frame *ret_frame)
{
	size_t used = 0;
	int ret;

	if (in->given > 0) {
		in->given = 0;
		buf_done(&in->partial);
	}
	if (intake_partial(in))
		return next_in_pieces(in, bytes, size, ret_frame);
	if (*size == 0)
		return 0;
	ret = decode(*bytes, *size, in->frame_max, ret_frame, &used);
	if (ret < 0)
		return ret;
	if (ret == 0) {
		ret = buf_append(&in->partial, *bytes, *size);
		used = *size;
	}
	if (ret < 0)
		return ret;
	*bytes += used;
	*size -= used;
	return ret;
}

int intake_add_fds(struct intake *in, const int *fds, unsigned n)
{
	int ret = buf_append(&in->fds, fds, n * sizeof(*fds));

	if (ret < 0)
		for (unsigned i = 0; i < n; i++)
			sys_close(fds[i]);
	return ret;
}

int intake_take_fds(struct intake *in, unsigned n, int *ret_fds)
{
	size_t size = n * sizeof(*ret_fds);

	if (n == 0)
		return 0;
	if (size > buf_size(&in->fds))
		return -EBADF;
	memcpy(ret_fds, buf_bytes(&in->fds), size);
	buf_consume(&in->fds, size);
	if (buf_size(&in->fds) == 0)
		buf_done(&in->fds);
	return 0;
}
