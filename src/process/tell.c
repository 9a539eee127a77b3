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

static int take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* From here on they are the owner's. */
static size_t take_given(struct process *p, struct usp_given_fd *ret_given)
{
	const struct spec *spec = p->spec;
	size_t n = 0;

	for (size_t i = 0; i < spec->n_fds; i++)
		if (spec->fds[i].kind == USP_STDIO_HANDOVER)
			ret_given[n++] = (struct usp_given_fd){
				.stream = spec->fds[i].target,
				.fd = take(&p->plan.ours[i]),
			};
	return n;
}

void tell_started(struct process *p)
{
	struct usp_given_fd given[SPEC_FDS_MAX];
	const struct usp_event event = {
		.kind = USP_EVENT_STARTED,
		.started = {
			.pid = p->plan.pid,
			.pidfd = take(&p->plan.given_pidfd),
			.fds = given,
			.n_fds = take_given(p, given),
		},
	};

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

/* What was told of it; of one that is only written to, what was taken there. */
static uint64_t carried(const struct process *p, int stream)
{
	const struct channel *read = channels_read(&p->channels, stream);
	const struct channel *written = channels_written(&p->channels, stream);

	if (read)
		return read->stream.total_bytes;
	return written ? written->input.total_bytes : 0;
}

/* Of the streams beyond 2. */
static size_t totals_of(const struct process *p, struct usp_stream_total *ret_totals)
{
	size_t n = 0;

	for (unsigned i = 0; i < p->channels.n; i++) {
		int stream = p->channels.each[i].stream.number;

		if (stream > 2)
			ret_totals[n++] = (struct usp_stream_total){
				.stream = stream,
				.bytes = carried(p, stream),
			};
	}
	return n;
}

void tell_end(struct process *p)
{
	struct usp_stream_total totals[USP_FDS_MAX];
	const struct usp_event event = {
		.kind = USP_EVENT_END,
		.end = {
			.reason = reason_of(p),
			.bytes = { carried(p, 0), carried(p, 1), carried(p, 2) },
			.streams = totals,
			.n_streams = totals_of(p, totals),
			.stdin_unread_bytes = channels_unread_bytes(&p->channels),
			.timings = timings_of(p, reactor_now_ns(p->host->reactor)),
		},
	};

	p->host->on_end(p->host, p, &event.end);
	handle_tell(&p->handle, &event);
}
