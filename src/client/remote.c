#include "client/remote.h"

#include <errno.h>
#include "base/alloc.h"
#include "base/table.h"
#include "client/client.h"
#include "wire/frame.h"

static struct remote *remote_of(struct usp_process *process)
{
	return container_of(process, struct remote, process);
}

/* ---- what happened ------------------------------------------------------- */

static void tell(struct remote *remote, const struct usp_event *event)
{
	handle_tell(&remote->process, event);
}

/* The last event: afterwards nobody holds the remote. */
static void finish(struct remote *remote, const struct usp_event *end)
{
	list_remove(&remote->link);
	if (remote->job)
		table_remove(&remote->client->jobs, remote->job);
	remote->state = REMOTE_ENDED;
	tell(remote, end);
	mem_free(remote);
}

/* Give credit back for what was told, half a window at a time. */
static void credit_consumed(struct remote *remote, int stream, size_t size)
{
	uint32_t *consumed = &remote->consumed_bytes[stream];

	if (remote->own_credit)
		return;
	*consumed += (uint32_t)size;
	if (*consumed < remote->client->limits.window_bytes / 2)
		return;

	struct frame window = {
		.type = USP_WIRE_WINDOW,
		.job = remote->job,
		.flags = (uint16_t)stream,
		.arg = *consumed,
	};

	*consumed = 0;
	client_post(remote->client, &window);
}

static int take_started(struct remote *remote, const struct usp_event *event)
{
	if (remote->state != REMOTE_WAITING)
		return -EPROTO;
	remote->state = REMOTE_RUNNING;
	remote->process.pid = event->started.pid;
	tell(remote, event);
	return 0;
}

static int take_failed(struct remote *remote, const struct usp_event *event)
{
	if (remote->state != REMOTE_WAITING)
		return -EPROTO;
	remote->state = REMOTE_FAILED;
	tell(remote, event);
	return 0;
}

static bool streams_open(const struct remote *remote, int stream)
{
	return (remote->state == REMOTE_RUNNING || remote->state == REMOTE_EXITED) &&
	       !remote->eof[stream];
}

static int take_output(struct remote *remote, const struct usp_event *event)
{
	if (!streams_open(remote, event->output.stream))
		return -EPROTO;
	tell(remote, event);
	credit_consumed(remote, event->output.stream, event->output.size);
	return 0;
}

static int take_eof(struct remote *remote, const struct usp_event *event)
{
	if (!streams_open(remote, event->eof.stream))
		return -EPROTO;
	remote->eof[event->eof.stream] = true;
	tell(remote, event);
	return 0;
}

/* A window of 0 bytes says that nobody reads stdin any more: told all the same, so
 * that a program that waits for room writes again and learns it. */
static int take_window(struct remote *remote, const struct usp_event *event)
{
	uint32_t whole = remote->client->limits.stdin_window_bytes;
	uint32_t bytes = event->window.bytes;

	if (!remote->stdin_piped || bytes > whole - remote->stdin_window_bytes)
		return -EPROTO;
	if (bytes == 0)
		remote->stdin_closed = true;
	remote->stdin_window_bytes += bytes;
	tell(remote, event);
	return 0;
}

static int take_exit(struct remote *remote, const struct usp_event *event)
{
	if (remote->state != REMOTE_RUNNING)
		return -EPROTO;
	remote->state = REMOTE_EXITED;
	tell(remote, event);
	return 0;
}

static int take_end(struct remote *remote, const struct usp_event *event)
{
	if (remote->state == REMOTE_WAITING)
		return -EPROTO;
	finish(remote, event);
	return 0;
}

int remote_take(struct remote *remote, const struct usp_event *event)
{
	switch (event->kind) {
	case USP_EVENT_STARTED:
		return take_started(remote, event);
	case USP_EVENT_FAILED:
		return take_failed(remote, event);
	case USP_EVENT_OUTPUT:
		return take_output(remote, event);
	case USP_EVENT_EOF:
		return take_eof(remote, event);
	case USP_EVENT_WINDOW:
		return take_window(remote, event);
	case USP_EVENT_EXIT:
		return take_exit(remote, event);
	case USP_EVENT_END:
		return take_end(remote, event);
	}
	return -EPROTO;
}

void remote_tell_refusal(struct remote *remote)
{
	struct usp_event failed = { .kind = USP_EVENT_FAILED, .failed = remote->refusal };
	struct usp_event end = { .kind = USP_EVENT_END, .end.reason = USP_REASON_FAILED };

	tell(remote, &failed);
	finish(remote, &end);
}

void remote_lose(struct remote *remote, enum usp_reason reason, int error)
{
	struct usp_event end = { .kind = USP_EVENT_END, .end.reason = reason };

	if (remote->state == REMOTE_REFUSED) {
		remote_tell_refusal(remote);
		return;
	}
	if (remote->state == REMOTE_WAITING) {
		struct usp_event failed = {
			.kind = USP_EVENT_FAILED,
			.failed = { .stage = USP_STAGE_ADMISSION,
				    .error = error,
				    .path = "" },
		};

		remote->state = REMOTE_FAILED;
		tell(remote, &failed);
	} else if (remote->state == REMOTE_FAILED) {
		end.end.reason = USP_REASON_FAILED;
	}
	finish(remote, &end);
}

/* ---- verbs --------------------------------------------------------------- */

/* The daemon knows it and can still be told something about it. */
static bool reachable(const struct remote *remote)
{
	return !remote->client->error && !remote->client->freeing &&
	       remote->state != REMOTE_REFUSED && remote->state != REMOTE_ENDED;
}

static bool over(const struct remote *remote)
{
	return !reachable(remote) || remote->state == REMOTE_EXITED ||
	       remote->state == REMOTE_FAILED;
}

/* Queue @size bytes as frames that the daemon takes: all of them or none. */
static int queue_stdin(struct remote *remote, const uint8_t *data, size_t size)
{
	struct usp_client *client = remote->client;
	size_t before = buf_size(&client->out.bytes);

	while (size) {
		uint32_t part = client->limits.frame_bytes;
		struct frame frame = { .type = USP_WIRE_STDIN, .job = remote->job };

		if (part > size)
			part = (uint32_t)size;
		frame.payload = data;
		frame.payload_bytes = part;
		if (sendq_put(&client->out, &frame, NULL)) {
			client->out.bytes.end = client->out.bytes.start + before;
			return -ENOMEM;
		}
		data += part;
		size -= part;
	}
	return 0;
}

static int remote_write(struct usp_process *process, int stream, const void *data,
			size_t size)
{
	struct remote *remote = remote_of(process);
	int ret;

	if (stream != 0 || !remote->stdin_piped)
		return -ENOTSUP;
	if (remote->stdin_closed || over(remote))
		return -EPIPE;
	if (size > remote->stdin_window_bytes)
		return -EAGAIN;

	ret = queue_stdin(remote, data, size);
	if (ret)
		return ret;
	remote->stdin_window_bytes -= (uint32_t)size;
	return 0;
}

static int remote_close(struct usp_process *process, int stream)
{
	struct remote *remote = remote_of(process);
	struct frame frame = { .type = USP_WIRE_STDIN_EOF, .job = remote->job };

	if (stream != 0 || !remote->stdin_piped)
		return -ENOTSUP;
	if (remote->stdin_closed || over(remote))
		return 0;
	remote->stdin_closed = true;
	client_post(remote->client, &frame);
	return 0;
}

static int remote_resize(struct usp_process *process, const struct usp_winsize *size)
{
	(void)process;
	(void)size;
	return -ENOTTY;
}

static void remote_credit(struct usp_process *process, int stream, uint32_t bytes)
{
	struct remote *remote = remote_of(process);
	struct frame frame = {
		.type = USP_WIRE_WINDOW,
		.job = remote->job,
		.flags = (uint16_t)stream,
		.arg = bytes,
	};

	if (stream != 1 && stream != 2)
		return;
	if (remote->own_credit && reachable(remote) && !remote->eof[stream])
		client_post(remote->client, &frame);
}

static int remote_signal(struct usp_process *process, int signal, enum usp_target target)
{
	struct remote *remote = remote_of(process);
	struct frame frame = {
		.type = USP_WIRE_SIGNAL,
		.job = remote->job,
		.flags = target == USP_TARGET_PROCESS ? USP_WIRE_SIGNAL_PROCESS
						      : USP_WIRE_SIGNAL_GROUP,
		.arg = (uint32_t)signal,
	};

	if (over(remote))
		return -ESRCH;
	client_post(remote->client, &frame);
	return 0;
}

/* After the exit as well: what it left behind may hold its output open. */
static void remote_kill(struct usp_process *process)
{
	struct remote *remote = remote_of(process);
	struct frame frame = {
		.type = USP_WIRE_SIGNAL,
		.job = remote->job,
		.flags = USP_WIRE_SIGNAL_PLAN,
	};

	if (reachable(remote) && remote->state != REMOTE_FAILED)
		client_post(remote->client, &frame);
}

const struct process_verbs remote_verbs = {
	.write = remote_write,
	.close = remote_close,
	.resize = remote_resize,
	.credit = remote_credit,
	.signal = remote_signal,
	.kill = remote_kill,
};
