/*
 * What happened to a process, as events for its owner.
 */
#include "process/tell.h"

#include <sys/wait.h>

/* The event of an output, and the buffer that its bytes are in. */
struct output_event {
	struct usp_event event;
	struct buffer *buffer;
};

struct buffer *process_output_buffer(const struct usp_event *event)
{
	return container_of(event, struct output_event, event)->buffer;
}

void tell_output(struct process *p, int stream, struct buffer *buffer, size_t size)
{
	const struct output_event output = {
		.event = {
			.kind = USP_EVENT_OUTPUT,
			.output = { .stream = stream, .data = buffer_bytes(buffer), .size = size },
		},
		.buffer = buffer,
	};

	handle_tell(&p->handle, &output.event);
}

void tell_eof(struct process *p, int stream)
{
	const struct usp_event event = { .kind = USP_EVENT_EOF, .eof = { stream } };

	handle_tell(&p->handle, &event);
}

void tell_window(struct process *p, int stream, uint32_t bytes)
{
	const struct usp_event event = { .kind = USP_EVENT_WINDOW,
					 .window = { .stream = stream, .bytes = bytes } };

	handle_tell(&p->handle, &event);
}

void tell_started(struct process *p)
{
	const struct usp_event event = { .kind = USP_EVENT_STARTED,
					 .started = { p->plan.pid } };

	p->handle.pid = p->plan.pid;
	handle_tell(&p->handle, &event);
}

void tell_failed(struct process *p)
{
	const struct usp_event event = { .kind = USP_EVENT_FAILED, .failed = p->failure };

	handle_tell(&p->handle, &event);
}

void tell_exit(struct process *p)
{
	struct usp_event event = { .kind = USP_EVENT_EXIT, .exit = { .code = -1 } };

	if (p->status_lost) {
		/* nothing is known */
	} else if (p->exit_info.si_code == CLD_EXITED) {
		event.exit.code = p->exit_info.si_status;
	} else {
		event.exit.signal = p->exit_info.si_status;
		event.exit.core = p->exit_info.si_code == CLD_DUMPED;
	}
	handle_tell(&p->handle, &event);
}

static enum usp_reason reason_of(const struct process *p)
{
	if (p->reason)
		return p->reason;
	if (p->failed)
		return USP_REASON_FAILED;
	if (p->status_lost)
		return USP_REASON_STATUS_LOST;
	return p->exit_info.si_code == CLD_EXITED ? USP_REASON_EXITED
						  : USP_REASON_SIGNALLED;
}

static uint64_t later_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The phases that were not reached are empty; together they last until now. */
static struct usp_timings timings_of(const struct process *p, uint64_t now_ns)
{
	uint64_t taken_ns = p->taken_ns ? p->taken_ns : later_of(now_ns, p->queued_ns);
	uint64_t execed_ns = p->execed_ns ? p->execed_ns : later_of(now_ns, taken_ns);
	uint64_t exited_ns = later_of(p->exited ? p->exited_ns : now_ns, execed_ns);

	return (struct usp_timings){
		.queued_ns = taken_ns - p->queued_ns,
		.launch_ns = execed_ns - taken_ns,
		.running_ns = exited_ns - execed_ns,
		.drain_ns = later_of(now_ns, exited_ns) - exited_ns,
	};
}

static uint64_t written_to(const struct process *p, int stream)
{
	const struct channel *channel = channels_written(&p->channels, stream);

	return channel ? channel->input.total_bytes : 0;
}

static uint64_t told_of(const struct process *p, int stream)
{
	const struct channel *channel = channels_read(&p->channels, stream);

	return channel ? channel->stream.total_bytes : 0;
}

void tell_end(struct process *p)
{
	const struct usp_event event = {
		.kind = USP_EVENT_END,
		.end = {
			.reason = reason_of(p),
			.bytes = { written_to(p, 0), told_of(p, 1), told_of(p, 2) },
			.stdin_unread_bytes = channels_unread_bytes(&p->channels),
			.timings = timings_of(p, reactor_now_ns(p->host->reactor)),
		},
	};

	handle_tell(&p->handle, &event);
}
