/*
 * The public usp_process_*() calls, for processes of an engine.
 *
 * What they arm is handed over by the turn they are called from; outside of a
 * turn at once, so that an embedder's loop needs no call after them.
 */
#include "process/verbs.h"

#include <errno.h>
#include "process/process.h"

static int verb_write(struct usp_process *handle, int stream, const void *data,
		      size_t size)
{
	struct process *p = process_of(handle);
	struct channel *channel = channels_written(&p->channels, stream);
	int ret;

	enter_reactor();
	if (!channel)
		return -ENOTSUP;
	if (p->state == PROCESS_ENDED)
		return -EPIPE;
	ret = input_write(&channel->input, data, size);
	reactor_submit(p->host->reactor);
	return ret;
}

static int verb_close(struct usp_process *handle, int stream)
{
	struct process *p = process_of(handle);
	struct channel *channel = channels_written(&p->channels, stream);

	enter_reactor();
	if (!channel || channel->is_terminal)
		return -ENOTSUP;
	if (p->state != PROCESS_ENDED)
		input_end(&channel->input);
	reactor_submit(p->host->reactor);
	return 0;
}

static int verb_drop(struct usp_process *handle, int stream)
{
	struct process *p = process_of(handle);
	struct channel *channel = channels_read(&p->channels, stream);

	enter_reactor();
	if (!channel)
		channel = channels_written(&p->channels, stream);
	if (!channel || channel->is_terminal)
		return -ENOTSUP;
	if (p->state != PROCESS_ENDED)
		channel_drop(channel);
	reactor_submit(p->host->reactor);
	return 0;
}

static int verb_resize(struct usp_process *handle, const struct usp_winsize *size)
{
	struct process *p = process_of(handle);
	struct channel *terminal = channels_terminal(&p->channels);

	enter_reactor();
	if (!terminal)
		return -ENOTTY;
	if (p->exited || p->state == PROCESS_ENDED)
		return -ESRCH;
	channel_resize(terminal, size);
	reactor_submit(p->host->reactor);
	return 0;
}

static void verb_credit(struct usp_process *handle, int stream, uint32_t bytes)
{
	struct process *p = process_of(handle);
	struct channel *channel = channels_read(&p->channels, stream);

	enter_reactor();
	if (!channel || p->state == PROCESS_ENDED)
		return;
	stream_credit(&channel->stream, bytes);
	reactor_submit(p->host->reactor);
}

static int verb_signal(struct usp_process *handle, int signal, enum usp_target target)
{
	struct process *p = process_of(handle);

	enter_reactor();
	if (p->state == PROCESS_ENDED || (p->exited && target == USP_TARGET_PROCESS))
		return -ESRCH;
	if (p->spec && target == USP_TARGET_GROUP && !spec_has_group(&p->spec->options))
		target = USP_TARGET_PROCESS;
	kill_send(&p->kill, signal, target);
	reactor_submit(p->host->reactor);
	return 0;
}

static void verb_kill(struct usp_process *handle)
{
	struct process *p = process_of(handle);

	enter_reactor();
	process_end(p, USP_REASON_KILLED);
	reactor_submit(p->host->reactor);
}

/* ---- of this program alone -------------------------------------------------- */

static void verb_pause(struct usp_process *handle, bool pause) REACTOR_ONLY
{
	process_pause(process_of(handle), pause);
}

static void verb_abandon(struct usp_process *handle) REACTOR_ONLY
{
	process_discard(process_of(handle));
	process_end(process_of(handle), USP_REASON_CLIENT_GONE);
}

static void verb_detach(struct usp_process *handle) REACTOR_ONLY
{
	process_discard(process_of(handle));
	for (int stream = 0; stream <= USP_FD_TARGET_MAX; stream++)
		(void)verb_close(handle, stream); /* if it is written to */
}

static void verb_release(struct usp_process *handle) REACTOR_ONLY
{
	process_release(process_of(handle));
}

static void verb_cut(struct usp_process *handle) REACTOR_ONLY
{
	process_cut(process_of(handle), USP_REASON_KILLED);
}

static const char *const states[PROCESS_STATES] = {
	[PROCESS_QUEUED] = "queued",   [PROCESS_LAUNCHING] = "launching",
	[PROCESS_RUNNING] = "running", [PROCESS_DRAINING] = "draining",
	[PROCESS_ENDED] = "ended",
};

static void verb_look(const struct usp_process *handle, struct look *ret_look)
{
	const struct process *p = container_of(handle, struct process, handle);
	uint64_t now = reactor_now_ns(p->host->reactor);

	*ret_look = (struct look){
		.state = states[p->state],
		.name = p->spec && p->spec->name ? p->spec->name : "",
		.pid = p->started && !p->exited ? p->plan.pid : 0,
		.age_ns = now > p->queued_ns ? now - p->queued_ns : 0,
	};
	for (unsigned i = 0; i < p->channels.n; i++)
		if (p->channel[i].is_read)
			ret_look->output_bytes += p->channel[i].stream.total_bytes;
}

const struct inner_verbs process_verbs = {
	.api = {
		.write = verb_write,
		.close = verb_close,
		.drop = verb_drop,
		.resize = verb_resize,
		.credit = verb_credit,
		.signal = verb_signal,
		.kill = verb_kill,
	},
	.pause = verb_pause,
	.abandon = verb_abandon,
	.detach = verb_detach,
	.release = verb_release,
	.cut = verb_cut,
	.look = verb_look,
};
