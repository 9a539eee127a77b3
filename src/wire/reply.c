/*
 * Events of a process as frames, and back.
 *
 * The decoder refuses what no daemon may say, so that a client is told nothing
 * impossible.  Reasons and stages above those known here are a newer daemon's
 * and pass as numbers.
 */
#include "wire/reply.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "base/buf.h"
#include "wire/bytes.h"
#include "wire/end.h"

/* The numbers of spawn.h travel as they are; docs/PROTOCOL.md lists them. */
_Static_assert(USP_STAGE_VALIDATE == 1 && USP_STAGE_ADMISSION == 2, "frozen");
_Static_assert(USP_STAGE_FDS == 3 && USP_STAGE_CLONE == 4, "frozen");
_Static_assert(USP_STAGE_STDIO == 5 && USP_STAGE_SESSION == 6, "frozen");
_Static_assert(USP_STAGE_LIMITS == 7 && USP_STAGE_CHDIR == 8, "frozen");
_Static_assert(USP_STAGE_SIGNALS == 9 && USP_STAGE_EXEC == 10, "frozen");
_Static_assert(USP_STAGE_INTERPRETER == 11 && USP_STAGE_CGROUP == 12, "frozen");
_Static_assert(USP_STAGE_CREDENTIALS == 13 && USP_STAGE_READY == 14, "frozen");
_Static_assert(USP_REASON_EXITED == 1 && USP_REASON_SIGNALLED == 2, "frozen");
_Static_assert(USP_REASON_FAILED == 3 && USP_REASON_TIMEOUT == 4, "frozen");
_Static_assert(USP_REASON_LAUNCH_TIMEOUT == 5 && USP_REASON_KILLED == 6, "frozen");
_Static_assert(USP_REASON_CLIENT_GONE == 7 && USP_REASON_STATUS_LOST == 8, "frozen");
_Static_assert(USP_REASON_IDLE_TIMEOUT == 9 && USP_REASON_QUEUE_TIMEOUT == 10, "frozen");
_Static_assert(USP_REASON_OUTPUT_LIMIT == 11 && USP_REASON_CGROUP_OOM == 12, "frozen");
_Static_assert(USP_REASON_RELEASED == 13, "frozen");

#define STDIN_CLOSED  1 /* a flag of STDIN_WINDOW: nobody reads any more */
#define STREAM_SHIFT  8 /* of the flags of STDIN_WINDOW: where the stream stands */
#define FAILED_BYTES  8 /* of a FAILED payload before the path */
#define GIVEN_BYTES   2 /* of a STARTED payload for each descriptor */
#define EXIT_CODE_MAX 255

/* ---- encoding ------------------------------------------------------------ */

/*
 * Append the header of @frame and room for @tail_bytes of its payload, which the
 * caller fills at *ret_tail at once.
 */
static int append(const struct frame *frame, size_t tail_bytes, struct buf *out,
		  uint8_t **ret_tail)
{
	uint8_t *place;
	int ret = buf_reserve(out, USP_WIRE_HEADER_BYTES + tail_bytes, &place);

	if (ret < 0)
		return ret;
	frame_encode_header(frame, place);
	buf_grew(out, USP_WIRE_HEADER_BYTES + tail_bytes);
	*ret_tail = place + USP_WIRE_HEADER_BYTES;
	return 0;
}

static int append_header(const struct frame *frame, struct buf *out)
{
	uint8_t *tail;

	return append(frame, 0, out, &tail);
}

static int encode_output(const struct usp_output *output, struct frame frame,
			 struct buf *out)
{
	assert(output->size <= UINT32_MAX);
	frame.type = USP_WIRE_OUTPUT;
	frame.flags = (uint16_t)output->stream;
	frame.payload_bytes = (uint32_t)output->size;
	return append_header(&frame, out);
}

static int encode_exit(const struct usp_exit *gone, struct frame frame, struct buf *out)
{
	frame.type = USP_WIRE_EXIT;
	if (gone->signal) {
		frame.flags = gone->core ? USP_WIRE_EXIT_CORE : USP_WIRE_EXIT_SIGNAL;
		frame.arg = (uint32_t)gone->signal;
	} else if (gone->code < 0) {
		frame.flags = USP_WIRE_EXIT_LOST;
	} else {
		frame.flags = USP_WIRE_EXIT_CODE;
		frame.arg = (uint32_t)gone->code;
	}
	return append_header(&frame, out);
}

/* A path longer than a client keeps is cut here already. */
static int encode_failed(const struct usp_failure *failed, struct frame frame,
			 struct buf *out)
{
	size_t path_size = strnlen(failed->path, REPLY_PATH_BYTES - 1);
	uint8_t *tail;

	frame.type = USP_WIRE_FAILED;
	frame.flags = (uint16_t)failed->stage;
	frame.arg = (uint32_t)failed->error;
	frame.payload_bytes = (uint32_t)(FAILED_BYTES + path_size);

	int ret = append(&frame, frame.payload_bytes, out, &tail);

	if (ret < 0)
		return ret;
	tail = store_u32(tail, (uint32_t)failed->signal);
	memcpy(store_u32(tail, failed->retry_ms), failed->path, path_size);
	return 0;
}

static int encode_window(const struct usp_window *window, struct frame frame,
			 struct buf *out)
{
	frame.type = USP_WIRE_STDIN_WINDOW;
	frame.flags = (uint16_t)(window->stream << STREAM_SHIFT);
	if (window->bytes == 0)
		frame.flags |= STDIN_CLOSED;
	frame.arg = window->bytes;
	return append_header(&frame, out);
}

/* The descriptors that it counts are for the caller to send. */
static int encode_started(const struct usp_started *started, struct frame frame,
			  struct buf *out)
{
	bool has_pidfd = started->pidfd >= 0;
	size_t count = started->n_fds + has_pidfd;
	uint8_t *tail;
	int ret;

	assert(count <= USP_WIRE_FDS_MAX);
	frame.type = USP_WIRE_STARTED;
	frame.fds = (uint8_t)count;
	frame.arg = (uint32_t)started->pid;
	frame.payload_bytes = (uint32_t)(count * GIVEN_BYTES);
	ret = append(&frame, frame.payload_bytes, out, &tail);
	if (ret < 0)
		return ret;
	if (has_pidfd)
		tail = store_u16(tail, USP_WIRE_PIDFD);
	for (size_t i = 0; i < started->n_fds; i++)
		tail = store_u16(tail, (uint16_t)started->fds[i].stream);
	return 0;
}

/* Its header is written last, when the size of its fields is known. */
static int encode_end(const struct usp_end *end, struct frame frame, struct buf *out)
{
	size_t before = buf_size(out);
	uint8_t *tail;
	int ret = append_header(&frame, out);

	if (ret == 0)
		ret = end_encode(end, out);
	if (ret < 0) {
		out->end = out->start + before;
		return ret;
	}
	tail = buf_bytes(out) + before;
	frame.type = USP_WIRE_END;
	frame.arg = (uint32_t)end->reason;
	frame.payload_bytes = (uint32_t)(buf_size(out) - before - USP_WIRE_HEADER_BYTES);
	frame_encode_header(&frame, tail);
	return 0;
}

int reply_encode(const struct usp_event *event, uint32_t job, struct buf *out)
{
	struct frame frame = { .job = job };

	switch (event->kind) {
	case USP_EVENT_STARTED:
		return encode_started(&event->started, frame, out);
	case USP_EVENT_FAILED:
		return encode_failed(&event->failed, frame, out);
	case USP_EVENT_OUTPUT:
		return encode_output(&event->output, frame, out);
	case USP_EVENT_EOF:
		frame.type = USP_WIRE_EOF;
		frame.flags = (uint16_t)event->eof.stream;
		return append_header(&frame, out);
	case USP_EVENT_WINDOW:
		return encode_window(&event->window, frame, out);
	case USP_EVENT_EXIT:
		return encode_exit(&event->exit, frame, out);
	case USP_EVENT_END:
		return encode_end(&event->end, frame, out);
	}
	assert(false && "an event of no known kind");
	return -EINVAL;
}

int reply_encode_error(int error, const char *sentence, struct buf *out)
{
	size_t size = strlen(sentence);
	struct frame frame = {
		.payload_bytes = (uint32_t)size,
		.type = USP_WIRE_ERROR,
		.arg = (uint32_t)error,
	};
	uint8_t *tail;

	assert(error > 0);

	int ret = append(&frame, size, out, &tail);

	if (ret < 0)
		return ret;
	memcpy(tail, sentence, size);
	return 0;
}

/* ---- decoding ------------------------------------------------------------ */

static bool is_stream(uint32_t number)
{
	return number <= USP_FD_TARGET_MAX;
}

/* What a STARTED brings; the descriptors themselves are not known here. */
static int decode_given(const struct frame *frame, struct reply_room *room,
			struct usp_started *started)
{
	bool seen[USP_FD_TARGET_MAX + 1] = { false };

	for (unsigned i = 0; i < frame->fds; i++) {
		uint16_t stream = load_u16(frame->payload + i * GIVEN_BYTES);

		room->given[i] = stream;
		if (stream == USP_WIRE_PIDFD) {
			if (room->has_pidfd)
				return -EINVAL;
			room->has_pidfd = true;
			continue;
		}
		if (!is_stream(stream) || seen[stream])
			return -EINVAL;
		seen[stream] = true;
		room->fds[started->n_fds++] =
			(struct usp_given_fd){ .stream = stream, .fd = -1 };
	}
	return 0;
}

static int decode_started(const struct frame *frame, struct reply_room *room,
			  struct usp_event *event)
{
	if (frame->fds > USP_WIRE_FDS_MAX ||
	    frame->payload_bytes != (uint32_t)frame->fds * GIVEN_BYTES ||
	    frame->arg == 0 || frame->arg > INT_MAX)
		return -EINVAL;
	room->has_pidfd = false;
	event->kind = USP_EVENT_STARTED;
	event->started = (struct usp_started){
		.pid = (pid_t)frame->arg,
		.pidfd = -1,
		.fds = room->fds,
	};
	return decode_given(frame, room, &event->started);
}

void reply_place(const int *descriptors, const struct frame *frame,
		 struct reply_room *room, struct usp_event *event)
{
	size_t n_fds = 0;

	for (unsigned i = 0; i < frame->fds; i++)
		if (room->given[i] == USP_WIRE_PIDFD)
			event->started.pidfd = descriptors[i];
		else
			room->fds[n_fds++].fd = descriptors[i];
}

static int decode_output(const struct frame *frame, struct usp_event *event)
{
	if (!is_stream(frame->flags))
		return -EINVAL;
	event->kind = USP_EVENT_OUTPUT;
	event->output = (struct usp_output){
		.stream = frame->flags,
		.data = frame->payload,
		.size = frame->payload_bytes,
	};
	return 0;
}

static int decode_eof(const struct frame *frame, struct usp_event *event)
{
	if (frame->payload_bytes != 0 || !is_stream(frame->flags))
		return -EINVAL;
	event->kind = USP_EVENT_EOF;
	event->eof.stream = frame->flags;
	return 0;
}

static bool is_signal(uint32_t number)
{
	return number > 0 && number < NSIG;
}

static int decode_exit(const struct frame *frame, struct usp_event *event)
{
	if (frame->payload_bytes != 0)
		return -EINVAL;
	event->kind = USP_EVENT_EXIT;
	event->exit = (struct usp_exit){ .code = -1 };
	switch (frame->flags) {
	case USP_WIRE_EXIT_CODE:
		if (frame->arg > EXIT_CODE_MAX)
			return -EINVAL;
		event->exit.code = (int)frame->arg;
		return 0;
	case USP_WIRE_EXIT_SIGNAL:
	case USP_WIRE_EXIT_CORE:
		if (!is_signal(frame->arg))
			return -EINVAL;
		event->exit.signal = (int)frame->arg;
		event->exit.core = frame->flags == USP_WIRE_EXIT_CORE;
		return 0;
	case USP_WIRE_EXIT_LOST:
		return 0;
	}
	return -EINVAL;
}

static int decode_end(const struct frame *frame, struct reply_room *room,
		      struct usp_event *event)
{
	if (frame->arg == 0 || frame->arg > INT_MAX)
		return -EINVAL;
	event->kind = USP_EVENT_END;
	event->end = (struct usp_end){ .reason = (enum usp_reason)frame->arg };
	return end_decode(frame->payload, frame->payload_bytes, room, &event->end);
}

static int decode_failed(const struct frame *frame, struct reply_room *room,
			 struct usp_event *event)
{
	if (frame->payload_bytes < FAILED_BYTES)
		return -EINVAL;

	uint32_t signal = load_u32(frame->payload);
	const uint8_t *path = frame->payload + FAILED_BYTES;
	size_t size = frame->payload_bytes - FAILED_BYTES;

	if (frame->flags == USP_STAGE_NONE || frame->arg > INT_MAX)
		return -EINVAL;
	if ((signal != 0 && !is_signal(signal)) || memchr(path, 0, size))
		return -EINVAL;
	if (size > sizeof(room->path) - 1)
		size = sizeof(room->path) - 1;
	memcpy(room->path, path, size);
	room->path[size] = 0;
	event->kind = USP_EVENT_FAILED;
	event->failed = (struct usp_failure){
		.stage = (enum usp_stage)frame->flags,
		.error = (int)frame->arg,
		.signal = (int)signal,
		.path = room->path,
		.retry_ms = load_u32(frame->payload + 4),
	};
	return 0;
}

/* Nothing given back and the stream still open would say nothing. */
static int decode_window(const struct frame *frame, struct usp_event *event)
{
	bool closed = frame->flags & STDIN_CLOSED;

	if (frame->payload_bytes != 0 || (!closed && frame->arg == 0))
		return -EINVAL;
	event->kind = USP_EVENT_WINDOW;
	event->window = (struct usp_window){
		.stream = frame->flags >> STREAM_SHIFT,
		.bytes = closed ? 0 : frame->arg,
	};
	return 0;
}

static int decode_event(const struct frame *frame, struct reply_room *room,
			struct usp_event *event)
{
	switch (frame->type) {
	case USP_WIRE_STARTED:
		return decode_started(frame, room, event);
	case USP_WIRE_OUTPUT:
		return decode_output(frame, event);
	case USP_WIRE_EOF:
		return decode_eof(frame, event);
	case USP_WIRE_EXIT:
		return decode_exit(frame, event);
	case USP_WIRE_END:
		return decode_end(frame, room, event);
	case USP_WIRE_FAILED:
		return decode_failed(frame, room, event);
	case USP_WIRE_STDIN_WINDOW:
		return decode_window(frame, event);
	}
	return -ENOTSUP;
}

int reply_decode(const struct frame *frame, struct reply_room *room,
		 struct usp_event *ret_event)
{
	struct usp_event event = { 0 };
	int ret = decode_event(frame, room, &event);

	if (ret < 0)
		return ret;
	if (frame->job == 0 || (frame->fds != 0 && frame->type != USP_WIRE_STARTED))
		return -EINVAL;
	*ret_event = event;
	return 0;
}
