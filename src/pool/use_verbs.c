/*
 * What is done to a use: to its member's process when it has one, and else written down
 * until it has.
 */
#include "pool/pool_parts.h"

#include <errno.h>
#include <signal.h>

static struct use *use_of(struct usp_process *handle)
{
	return (struct use *)handle;
}

static void submit(const struct use *use) REACTOR_ONLY
{
	reactor_submit(use->pool->reactor);
}

struct early *use_read(struct use *use, int stream)
{
	for (unsigned i = 0; i < use->n_streams; i++)
		if (use->streams[i].is_read && use->streams[i].stream == stream)
			return &use->streams[i];
	return NULL;
}

struct early *use_written(struct use *use, int stream)
{
	for (unsigned i = 0; i < use->n_streams; i++)
		if (use->streams[i].is_written && use->streams[i].stream == stream)
			return &use->streams[i];
	return NULL;
}

static const struct early *terminal(const struct use *use)
{
	for (unsigned i = 0; i < use->n_streams; i++)
		if (use->streams[i].is_terminal)
			return &use->streams[i];
	return NULL;
}

static struct usp_process *process(const struct use *use)
{
	return use->state == USE_RUNNING ? use->member->process : NULL;
}

/* ---- what is done later --------------------------------------------------------------- */

static int write_early(struct early *early, const void *data, size_t size)
{
	if (early->ended || early->dropped)
		return -EPIPE;
	if (size > INPUT_WINDOW_BYTES - buf_size(&early->data))
		return -EAGAIN;
	return buf_append(&early->data, data, size);
}

static int replay(const struct usp_process *handle, struct early *early)
{
	struct usp_process *p = (struct usp_process *)handle;
	size_t size = buf_size(&early->data);
	int ret = 0;

	if (early->credit_bytes)
		process_verbs.api.credit(p, early->stream, early->credit_bytes);
	if (size)
		ret = process_verbs.api.write(p, early->stream, buf_bytes(&early->data),
					      size);
	buf_done(&early->data);
	if (early->ended)
		(void)process_verbs.api.close(p, early->stream);
	if (early->dropped)
		(void)process_verbs.api.drop(p, early->stream);
	/* One that reads no more is told of by an event. */
	return ret == -ENOMEM ? ret : 0;
}

static void send_signals(const struct use *use)
{
	for (int target = 0; target <= USP_TARGET_TREE; target++)
		for (int signal = 1; signal < NSIG; signal++)
			if (use->signals[target] & (UINT64_C(1) << (signal - 1)))
				(void)process_verbs.api.signal(process(use), signal,
							       target);
}

int use_replay(struct use *use)
{
	int ret = 0;

	if (use->resized)
		(void)process_verbs.api.resize(process(use), &use->size);
	for (unsigned i = 0; ret == 0 && i < use->n_streams; i++)
		ret = replay(process(use), &use->streams[i]);
	send_signals(use);
	return ret;
}

/* ---- the public calls ------------------------------------------------------------------- */

static int verb_write(struct usp_process *handle, int stream, const void *data,
		      size_t size)
{
	struct use *use = use_of(handle);
	struct early *early = use_written(use, stream);

	if (!early)
		return -ENOTSUP;
	if (use->state == USE_OVER)
		return -EPIPE;
	if (!process(use))
		return write_early(early, data, size);
	return process_verbs.api.write(process(use), stream, data, size);
}

static int verb_close(struct usp_process *handle, int stream)
{
	struct use *use = use_of(handle);
	struct early *early = use_written(use, stream);

	if (!early || early->is_terminal)
		return -ENOTSUP;
	if (process(use))
		return process_verbs.api.close(process(use), stream);
	early->ended = true;
	return 0;
}

static int verb_drop(struct usp_process *handle, int stream)
{
	struct use *use = use_of(handle);
	struct early *early = use_read(use, stream);

	if (!early)
		early = use_written(use, stream);
	if (!early || early->is_terminal)
		return -ENOTSUP;
	if (process(use))
		return process_verbs.api.drop(process(use), stream);
	use->unread_bytes += buf_size(&early->data);
	buf_done(&early->data);
	early->dropped = true;
	return 0;
}

static int verb_resize(struct usp_process *handle, const struct usp_winsize *size)
{
	struct use *use = use_of(handle);

	if (!terminal(use))
		return -ENOTTY;
	if (use->state == USE_OVER)
		return -ESRCH;
	if (process(use))
		return process_verbs.api.resize(process(use), size);
	use->resized = true;
	use->size = *size;
	return 0;
}

static void verb_credit(struct usp_process *handle, int stream, uint32_t bytes)
{
	struct use *use = use_of(handle);
	struct early *early = use_read(use, stream);

	if (!early)
		return;
	if (process(use))
		process_verbs.api.credit(process(use), stream, bytes);
	else if (bytes <= UINT32_MAX - early->credit_bytes)
		early->credit_bytes += bytes;
}

static int verb_signal(struct usp_process *handle, int signal, enum usp_target target)
{
	struct use *use = use_of(handle);

	if (use->state == USE_OVER)
		return -ESRCH;
	if (process(use))
		return process_verbs.api.signal(process(use), signal, target);
	use->signals[target] |= UINT64_C(1) << (signal - 1);
	return 0;
}

/* It has no member, or was not told of it. */
static bool cancel(struct use *use, enum usp_reason reason) REACTOR_ONLY
{
	bool waits = use->state == USE_WAITING || use->state == USE_TAKEN;

	if (waits)
		use_cancel(use, reason);
	return waits;
}

static void verb_kill(struct usp_process *handle)
{
	struct use *use = use_of(handle);

	enter_reactor();
	if (!cancel(use, USP_REASON_KILLED) && process(use))
		process_verbs.api.kill(process(use));
	submit(use);
}

static int verb_give_back(struct usp_process *handle, unsigned uses, bool reuse)
{
	struct use *use = use_of(handle);

	enter_reactor();
	if (!pool_is_worker(use->pool))
		return -ENOTSUP;
	/* One whose member comes to its end hears of that. */
	if (!cancel(use, USP_REASON_KILLED) && process(use) &&
	    !lend_is_ending(member_process(use->member)))
		use_give_back(use, uses, reuse);
	submit(use);
	return 0;
}

/* ---- of this program alone ------------------------------------------------------------------ */

static void verb_pause(struct usp_process *handle, bool pause) REACTOR_ONLY
{
	struct use *use = use_of(handle);

	use->paused = pause;
	if (process(use))
		lend_pause(member_process(use->member), pause, use->pool->channel);
}

static void verb_abandon(struct usp_process *handle) REACTOR_ONLY
{
	struct use *use = use_of(handle);

	if (!cancel(use, USP_REASON_CLIENT_GONE) && process(use))
		process_verbs.abandon(process(use));
}

static void verb_detach(struct usp_process *handle) REACTOR_ONLY
{
	struct use *use = use_of(handle);

	use->paused = false;
	use->o.window_bytes = 0;
	for (unsigned i = 0; i < use->n_streams; i++)
		use->streams[i].ended |= use->streams[i].is_written;
	if (process(use))
		process_verbs.detach(process(use));
}

static void verb_cut(struct usp_process *handle) REACTOR_ONLY
{
	struct use *use = use_of(handle);

	if (!cancel(use, USP_REASON_KILLED) && process(use))
		process_verbs.cut(process(use));
}

static void verb_look(const struct usp_process *handle, struct look *ret_look)
{
	const struct use *use = (const struct use *)handle;
	const struct usp_process *p = process(use);
	uint64_t now_ns = reactor_now_ns(use->pool->reactor);

	*ret_look = (struct look){ .state = use->state == USE_OVER ? "ended" : "queued" };
	if (p)
		process_verbs.look(p, ret_look);
	ret_look->name = use->pool->shape->name;
	ret_look->age_ns = now_ns > use->asked_ns ? now_ns - use->asked_ns : 0;
}

const struct inner_verbs use_verbs = {
	.api = {
		.write = verb_write,
		.close = verb_close,
		.drop = verb_drop,
		.resize = verb_resize,
		.credit = verb_credit,
		.signal = verb_signal,
		.kill = verb_kill,
		.give_back = verb_give_back,
	},
	.pause = verb_pause,
	.abandon = verb_abandon,
	.detach = verb_detach,
	/* No use outlives this program. */
	.release = verb_abandon,
	.cut = verb_cut,
	.look = verb_look,
};
