/*
 * Any bytes as a frame from the daemon: what decodes is an event that a daemon
 * may tell, and encodes to a frame that decodes to the same event.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "wire/reply.h"

#define PAYLOAD_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_possible(const struct usp_event *event)
{
	switch (event->kind) {
	case USP_EVENT_STARTED:
		assert(event->started.pid > 0);
		break;
	case USP_EVENT_FAILED:
		assert(event->failed.stage != USP_STAGE_NONE && event->failed.error >= 0);
		assert(strlen(event->failed.path) < sizeof(struct reply_text));
		break;
	case USP_EVENT_OUTPUT:
		assert(event->output.stream == 1 || event->output.stream == 2);
		break;
	case USP_EVENT_EXIT:
		assert(event->exit.signal == 0 || event->exit.code == -1);
		break;
	default:
		break;
	}
}

static void encode(const struct usp_event *event, uint32_t job, struct buf *out)
{
	buf_init(out, USP_WIRE_HEADER_BYTES + PAYLOAD_MAX);
	assert(reply_encode(event, job, out) == 0);
	if (event->kind == USP_EVENT_OUTPUT)
		assert(buf_append(out, event->output.data, event->output.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct reply_text text;
	struct usp_event event;
	struct buf out, twice;
	struct frame frame;

	if (frame_decode(bytes, size, PAYLOAD_MAX, &frame) <= 0)
		return 0;
	if (reply_decode(&frame, &text, &event) < 0)
		return 0;
	check_possible(&event);
	encode(&event, frame.job, &out);
	assert(frame_decode(buf_bytes(&out), buf_size(&out), PAYLOAD_MAX, &frame) ==
	       (int64_t)buf_size(&out));
	assert(reply_decode(&frame, &text, &event) == 0);
	encode(&event, frame.job, &twice);
	assert(buf_size(&out) == buf_size(&twice));
	assert(memcmp(buf_bytes(&out), buf_bytes(&twice), buf_size(&out)) == 0);
	buf_done(&out);
	buf_done(&twice);
	return 0;
}
