/*
 * What the daemon says of a process, and what cannot be said in its state.
 */
#include "client/remote.h"

#include <errno.h>
#include "base/alloc.h"
#include "base/table.h"
#include "client/client.h"
#include "wire/frame.h"

/* ---- what it has ----------------------------------------------------------- */

static void add_stream(struct remote *remote, int number, bool is_read, bool is_written)
{
	remote->streams[remote->n_streams++] = (struct remote_stream){
		.number = number,
		.is_read = is_read,
		.is_written = is_written,
		.window_bytes = remote->client->limits.stdin_window_bytes,
	};
}

/* One that is named for the first time, of a use that may have it. */
static struct remote_stream *named_stream(struct remote *remote, int number)
{
	if (!remote->open_streams || number < 0 || number > USP_FD_TARGET_MAX ||
	    remote->n_streams == REMOTE_STREAMS_MAX)
		return NULL;
	add_stream(remote, number, true, true);
	return &remote->streams[remote->n_streams - 1];
}

struct remote_stream *remote_read_stream(struct remote *remote, int number)
{
	for (unsigned i = 0; i < remote->n_streams; i++)
		if (remote->streams[i].is_read && remote->streams[i].number == number)
			return &remote->streams[i];
	return named_stream(remote, number);
}

struct remote_stream *remote_written_stream(struct remote *remote, int number)
{
	for (unsigned i = 0; i < remote->n_streams; i++)
		if (remote->streams[i].is_written && remote->streams[i].number == number)
			return &remote->streams[i];
	return named_stream(remote, number);
}

/* Does the child read it?  One of stdio that is not given a direction, by its number. */
static bool child_reads(const struct usp_stdio *stdio, int number)
{
	if (stdio->direction == USP_DIRECTION_DEFAULT)
		return number == 0;
	return stdio->direction == USP_DIRECTION_READ;
}

static void add_stdio(struct remote *remote, int number, const struct usp_stdio *stdio)
{
	bool in = child_reads(stdio, number);

	switch (stdio->kind) {
	case USP_STDIO_DEFAULT:
		if (number > 0)
			add_stream(remote, number, true, false);
		break;
	case USP_STDIO_PIPE:
		add_stream(remote, number, !in, in);
		break;
	case USP_STDIO_DUPLEX:
		add_stream(remote, number, true, true);
		break;
	case USP_STDIO_PTY:
		remote->has_terminal = true;
		break;
	case USP_STDIO_HANDOVER:
		remote->handovers++;
		break;
	default:
		break;
	}
}

static struct remote *new_remote(struct usp_client *client,
				 const struct usp_options *options, size_t streams)
{
	struct remote *remote =
		mem_zalloc(sizeof(*remote) + streams * sizeof(remote->streams[0]));

	if (!remote)
		return NULL;
	remote->process = (struct usp_process){
		.verbs = &remote_verbs,
		.on_event = options->on_event,
		.user = options->user,
	};
	remote->client = client;
	list_init(&remote->link);
	remote->own_credit = options->window_bytes != 0;
	remote->wants_pidfd = options->flags & USP_FLAG_PIDFD;
	return remote;
}

struct remote *remote_new(struct usp_client *client, const struct usp_options *options)
{
	size_t n_fds = options->n_fds <= USP_FDS_MAX ? options->n_fds : 0;
	/* One for each descriptor, and the two of a terminal that is one of them. */
	struct remote *remote = new_remote(client, options, 3 + n_fds + 1);

	if (!remote)
		return NULL;
	for (int i = 0; i < 3; i++)
		add_stdio(remote, i, &options->stdio[i]);
	for (size_t i = 0; i < n_fds; i++)
		add_stdio(remote, options->fds[i].target, &options->fds[i].stdio);
	if (remote->has_terminal) {
		add_stream(remote, 1, true, false);
		add_stream(remote, 0, false, true);
	}
	return remote;
}

struct remote *remote_new_open(struct usp_client *client,
			       const struct usp_options *options)
{
	struct remote *remote = new_remote(client, options, REMOTE_STREAMS_MAX);

	if (remote)
		remote->open_streams = true;
	return remote;
}

/* ---- what happened ------------------------------------------------------- */

/* What was on its way when it was released is nobody's. */
static void tell(struct remote *remote, const struct usp_event *event)
{
	if (remote->released && event->kind != USP_EVENT_END)
		return;
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
static void credit_consumed(struct remote *remote, struct remote_stream *stream,
			    size_t size)
{
	if (remote->own_credit)
		return;
	stream->consumed_bytes += (uint32_t)size;
	if (stream->consumed_bytes < remote->client->limits.window_bytes / 2)
		return;

	struct frame window = {
		.type = USP_WIRE_WINDOW,
		.job = remote->job,
		.flags = (uint16_t)stream->number,
		.arg = stream->consumed_bytes,
	};

	stream->consumed_bytes = 0;
	client_post(remote->client, &window);
}

/* A descriptor that nobody asked for would never be closed. */
static int take_started(struct remote *remote, const struct usp_event *event)
{
	const struct usp_started *started = &event->started;

	if (remote->state != REMOTE_WAITING || started->n_fds > remote->handovers ||
	    (started->pidfd >= 0 && !remote->wants_pidfd))
		return -EPROTO;
	remote->state = REMOTE_RUNNING;
	remote->process.pid = started->pid;
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

/* The stream that more may come on, or NULL. */
static struct remote_stream *open_stream(struct remote *remote, int number)
{
	struct remote_stream *stream = remote_read_stream(remote, number);

	if (remote->state != REMOTE_RUNNING && remote->state != REMOTE_EXITED)
		return NULL;
	return stream && !stream->eof ? stream : NULL;
}

static int take_output(struct remote *remote, const struct usp_event *event)
{
	struct remote_stream *stream = open_stream(remote, event->output.stream);

	if (!stream)
		return -EPROTO;
	tell(remote, event);
	if (!remote->released)
		credit_consumed(remote, stream, event->output.size);
	return 0;
}

static int take_eof(struct remote *remote, const struct usp_event *event)
{
	struct remote_stream *stream = open_stream(remote, event->eof.stream);

	if (!stream)
		return -EPROTO;
	stream->eof = true;
	tell(remote, event);
	return 0;
}

/* A window of 0 bytes says that nobody reads the stream any more: told all the same, so
 * that a program that waits for room writes again and learns it. */
static int take_window(struct remote *remote, const struct usp_event *event)
{
	struct remote_stream *stream =
		remote_written_stream(remote, event->window.stream);
	uint32_t whole = remote->client->limits.stdin_window_bytes;
	uint32_t bytes = event->window.bytes;

	if (!stream || bytes > whole - stream->window_bytes)
		return -EPROTO;
	if (bytes == 0)
		stream->closed = true;
	stream->window_bytes += bytes;
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

void remote_lose(struct remote *remote, enum usp_reason reason, int error,
		 const char *path)
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
				    .path = path },
		};

		remote->state = REMOTE_FAILED;
		tell(remote, &failed);
	} else if (remote->state == REMOTE_FAILED) {
		end.end.reason = USP_REASON_FAILED;
	}
	finish(remote, &end);
}
