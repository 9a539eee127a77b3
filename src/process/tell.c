/*
 * What happened to a process, as events for its owner.
 */
#include "process/tell.h"

#include <sys/wait.h>
#include "process/outcome.h"

/* The event of an output, and the buffer that its bytes are in. */
struct output_event {
	struct usp_event event;
	struct buffer *buffer;
};

struct buffer *process_output_buffer(const struct usp_event *event)
{
	return container_of(event, struct output_event, event)->buffer;
}

void tell_output(struct process *p, int stream, const void *data, size_t size,
		 struct buffer *buffer)
{
	const struct output_event output = {
		.event = {
			.kind = USP_EVENT_OUTPUT,
			.output = { .stream = stream, .data = data, .size = size },
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
				.fd = take(&p->plan.ends[i].ours),
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

/* What was told of it; of one that is only written to, what was taken there. */
static struct usp_stream_total total_of(const struct process *p, int stream)
{
	const struct channel *read = channels_read(&p->channels, stream);
	const struct channel *written = channels_written(&p->channels, stream);
	struct usp_stream_total total = { .stream = stream };

	if (read) {
		total.bytes = read->stream.total_bytes;
		total.dropped = read->stream.dropped_bytes;
	} else if (written) {
		total.bytes = written->input.total_bytes;
	}
	return total;
}

/* Of the streams beyond 2. */
static size_t totals_of(const struct process *p, struct usp_stream_total *ret_totals)
{
	size_t n = 0;

	for (unsigned i = 0; i < p->channels.n; i++) {
		int stream = p->channels.each[i].stream.number;

		if (stream > 2)
			ret_totals[n++] = total_of(p, stream);
	}
	return n;
}

void tell_end(struct process *p)
{
	const struct usp_stream_total in = total_of(p, 0), out = total_of(p, 1),
				      err = total_of(p, 2);
	const bool cut = channels_cut(&p->channels) || p->drain.killing;
	const struct holders *holders = cut ? p->drain.holders : NULL;
	struct usp_stream_total totals[USP_FDS_MAX];
	struct usp_rusage usage;
	struct usp_cgroup_usage cgroup;
	const struct usp_event event = {
		.kind = USP_EVENT_END,
		.end = {
			.reason = outcome_reason(p),
			.bytes = { in.bytes, out.bytes, err.bytes },
			.dropped = { in.dropped, out.dropped, err.dropped },
			.streams = totals,
			.n_streams = totals_of(p, totals),
			.stdin_unread_bytes = channels_unread_bytes(&p->channels),
			.timings = outcome_timings(p, reactor_now_ns(p->host->reactor)),
			.drain = cut ? USP_DRAIN_DEADLINE : USP_DRAIN_EOF,
			.tree = outcome_tree(p),
			.orphans = outcome_orphans(p, holders),
			.holders = holders ? holders->found : NULL,
			.n_holders = holders ? holders->n : 0,
			.rusage = outcome_usage(p, &usage) ? &usage : NULL,
			.cgroup = outcome_cgroup(p, &cgroup) ? &cgroup : NULL,
		},
	};

	p->host->on_end(p->host, p, &event.end);
	handle_tell(&p->handle, &event);
}
