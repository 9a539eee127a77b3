/*
 * The public usp_process_*() calls, for processes of a daemon: frames that leave with
 * the next turn.
 */
#include <errno.h>
#include "client/client.h"
#include "client/remote.h"
#include "wire/frame.h"

static struct remote *remote_of(struct usp_process *process)
{
	return container_of(process, struct remote, process);
}

/* The daemon knows it and can still be told something about it. */
static bool reachable(const struct remote *remote)
{
	return !remote->client->error && !remote->client->freeing &&
	       remote->state != REMOTE_REFUSED && remote->state != REMOTE_ENDED;
}

static bool over(const struct remote *remote)
{
	return !reachable(remote) || remote->released || remote->state == REMOTE_EXITED ||
	       remote->state == REMOTE_FAILED;
}

/* Queue @size bytes as frames that the daemon takes: all of them or none. */
static int queue_stdin(struct remote *remote, int stream, const uint8_t *data,
		       size_t size)
{
	struct usp_client *client = remote->client;
	size_t before = buf_size(&client->out.bytes);

	while (size) {
		uint32_t part = client->limits.frame_bytes;
		struct frame frame = { .type = USP_WIRE_STDIN,
				       .flags = (uint16_t)stream,
				       .job = remote->job };

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

static int remote_write(struct usp_process *process, int number, const void *data,
			size_t size)
{
	struct remote *remote = remote_of(process);
	struct remote_stream *stream = remote_written_stream(remote, number);
	int ret;

	if (!stream)
		return -ENOTSUP;
	if (stream->closed || over(remote))
		return -EPIPE;
	if (size > stream->window_bytes)
		return -EAGAIN;

	ret = queue_stdin(remote, number, data, size);
	if (ret)
		return ret;
	stream->window_bytes -= (uint32_t)size;
	return 0;
}

static int remote_close(struct usp_process *process, int number)
{
	struct remote *remote = remote_of(process);
	struct remote_stream *stream = remote_written_stream(remote, number);
	struct frame frame = {
		.type = USP_WIRE_STDIN_EOF,
		.flags = (uint16_t)number,
		.job = remote->job,
	};

	if (!stream || (number == 0 && remote->has_terminal))
		return -ENOTSUP;
	if (stream->closed || over(remote))
		return 0;
	stream->closed = true;
	client_post(remote->client, &frame);
	return 0;
}

static int remote_drop(struct usp_process *process, int number)
{
	struct remote *remote = remote_of(process);
	struct remote_stream *read = remote_read_stream(remote, number);
	struct remote_stream *written = remote_written_stream(remote, number);
	struct frame frame = {
		.type = USP_WIRE_CLOSE,
		.flags = (uint16_t)number,
		.job = remote->job,
	};

	if ((!read && !written) || (number <= 1 && remote->has_terminal))
		return -ENOTSUP;
	if (written)
		written->closed = true;
	if (reachable(remote))
		client_post(remote->client, &frame);
	return 0;
}

static int remote_resize(struct usp_process *process, const struct usp_winsize *size)
{
	struct remote *remote = remote_of(process);
	struct frame frame = {
		.type = USP_WIRE_RESIZE,
		.job = remote->job,
		.arg = (uint32_t)size->rows << 16 | size->columns,
	};

	if (!remote->has_terminal)
		return -ENOTTY;
	if (over(remote))
		return -ESRCH;
	client_post(remote->client, &frame);
	return 0;
}

static void remote_credit(struct usp_process *process, int number, uint32_t bytes)
{
	struct remote *remote = remote_of(process);
	const struct remote_stream *stream = remote_read_stream(remote, number);
	struct frame frame = {
		.type = USP_WIRE_WINDOW,
		.job = remote->job,
		.flags = (uint16_t)number,
		.arg = bytes,
	};

	if (stream && !stream->eof && remote->own_credit && !remote->released &&
	    reachable(remote))
		client_post(remote->client, &frame);
}

static uint16_t signal_target(enum usp_target target)
{
	switch (target) {
	case USP_TARGET_GROUP:
		return USP_WIRE_SIGNAL_GROUP;
	case USP_TARGET_PROCESS:
		return USP_WIRE_SIGNAL_PROCESS;
	case USP_TARGET_TREE:
		break;
	}
	return USP_WIRE_SIGNAL_TREE;
}

static int remote_signal(struct usp_process *process, int signal, enum usp_target target)
{
	struct remote *remote = remote_of(process);
	struct frame frame = {
		.type = USP_WIRE_SIGNAL,
		.job = remote->job,
		.flags = signal_target(target),
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

	if (reachable(remote) && !remote->released && remote->state != REMOTE_FAILED)
		client_post(remote->client, &frame);
}

/* Without its member yet, or as far as is known here, it is still told what comes. */
static int remote_give_back(struct usp_process *process, unsigned uses, bool reuse)
{
	struct remote *remote = remote_of(process);
	struct frame frame = {
		.type = USP_WIRE_RELEASE,
		.job = remote->job,
		.flags = reuse ? 0 : 1,
		.arg = uses,
	};

	if (remote->use != REMOTE_USE_WORKER && remote->use != REMOTE_USE_SHARED)
		return -ENOTSUP;
	if (over(remote))
		return 0;
	remote->released =
		remote->use == REMOTE_USE_WORKER && remote->state == REMOTE_RUNNING;
	client_post(remote->client, &frame);
	return 0;
}

const struct process_verbs remote_verbs = {
	.write = remote_write,
	.close = remote_close,
	.drop = remote_drop,
	.resize = remote_resize,
	.credit = remote_credit,
	.signal = remote_signal,
	.kill = remote_kill,
	.give_back = remote_give_back,
};
