/*
 * Any bytes as a frame from the daemon: what decodes is an event that a daemon
 * may tell, and encodes to a frame that decodes to the same event.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "wire/pool_frame.h"
#include "wire/reply.h"

#define PAYLOAD_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_possible(const struct usp_event *event)
{
	switch (event->kind) {
	case USP_EVENT_STARTED:
		assert(event->started.pid > 0);
		assert(event->started.n_fds <= USP_WIRE_FDS_MAX);
		break;
	case USP_EVENT_FAILED:
		assert(event->failed.stage != USP_STAGE_NONE && event->failed.error >= 0);
		assert(strlen(event->failed.path) < REPLY_PATH_BYTES);
		break;
	case USP_EVENT_OUTPUT:
		assert(event->output.stream >= 0 && event->output.stream <= 255);
		break;
	case USP_EVENT_EXIT:
		assert(event->exit.signal == 0 || event->exit.code == -1);
		break;
	case USP_EVENT_END:
		assert(event->end.n_streams <= USP_FDS_MAX);
		assert(event->end.n_holders <= REPLY_HOLDERS_MAX);
		break;
	default:
		break;
	}
}

/* As a receiver does: each descriptor has a place. */
static void place(const struct frame *frame, struct reply_room *room,
		  struct usp_event *event)
{
	int descriptors[USP_WIRE_FDS_MAX];

	if (event->kind != USP_EVENT_STARTED)
		return;
	for (int i = 0; i < USP_WIRE_FDS_MAX; i++)
		descriptors[i] = i;
	reply_place(descriptors, frame, room, event);
	for (size_t i = 0; i < event->started.n_fds; i++)
		assert(event->started.fds[i].fd >= 0);
}

static void encode(const struct usp_event *event, uint32_t job, struct buf *out)
{
	buf_init(out, USP_WIRE_HEADER_BYTES + PAYLOAD_MAX);
	assert(reply_encode(event, job, out) == 0);
	if (event->kind == USP_EVENT_OUTPUT)
		assert(buf_append(out, event->output.data, event->output.size) == 0);
}

static void check_pool_done(const struct frame *frame)
{
	struct pool_done done, again;
	struct frame second;

	if (pool_done_decode(frame, &done) < 0)
		return;
	assert(strlen(done.field) < POOL_FIELD_BYTES && done.error >= 0);
	second = pool_done_frame(frame->job, done.answers, done.error, done.field);
	assert(pool_done_decode(&second, &again) == 0);
	assert(again.answers == done.answers && again.error == done.error);
	assert(strcmp(again.field, done.field) == 0);
}

static void check_pool_output(const struct frame *frame)
{
	struct pool_said said;
	struct frame second;

	if (pool_output_decode(frame, &said) < 0)
		return;
	second = pool_output_frame(frame->job, &said);
	assert(second.flags == frame->flags && second.arg == frame->arg);
	assert(second.payload == frame->payload &&
	       second.payload_bytes == frame->payload_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct reply_room room, again;
	struct usp_event event;
	struct buf out, twice;
	struct frame frame;

	if (frame_decode(bytes, size, PAYLOAD_MAX, &frame) <= 0)
		return 0;
	check_pool_done(&frame);
	check_pool_output(&frame);
	if (reply_decode(&frame, &room, &event) < 0)
		return 0;
	check_possible(&event);
	place(&frame, &room, &event);
	encode(&event, frame.job, &out);
	assert(frame_decode(buf_bytes(&out), buf_size(&out), PAYLOAD_MAX, &frame) ==
	       (int64_t)buf_size(&out));
	assert(reply_decode(&frame, &again, &event) == 0);
	place(&frame, &again, &event);
	encode(&event, frame.job, &twice);
	assert(buf_size(&out) == buf_size(&twice));
	assert(memcmp(buf_bytes(&out), buf_bytes(&twice), buf_size(&out)) == 0);
	buf_done(&out);
	buf_done(&twice);
	return 0;
}
