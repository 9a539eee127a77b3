/*
 * A running process that is lent to one use after the other.
 */
#include "process/lend.h"

#include "base/clock.h"
#include "process/deadline.h"

/* Those of a worker's streams that are not its channel belong to nobody, and whoever
 * still holds one is not waited for longer than this. */
#define OTHERS_DRAIN_NS NS_PER_S

void lend_hold(struct process *p, int ready)
{
	process_pause(p, true);
	for (unsigned i = 0; i < p->channels.n; i++) {
		struct stream *s = &p->channel[i].stream;

		if (p->channel[i].is_read && s->number == ready)
			stream_renew(s, &(struct usp_options){ .window_bytes = 1 });
	}
}

bool lend_clear(struct process *p, int channel, void (*on_cleared)(struct process *p))
{
	struct channel *c = channels_read(&p->channels, channel);

	if (!c || c->stream.eof)
		return false;
	p->on_cleared = on_cleared;
	stream_clear(&c->stream);
	return true;
}

/* ---- from one to the other ---------------------------------------------------- */

static bool is_lent(const struct channel *c, int channel)
{
	return channel == LEND_ALL || c->stream.number == channel;
}

static void renew(struct process *p, const struct usp_options *use,
		  int channel) REACTOR_ONLY
{
	for (unsigned i = 0; i < p->channels.n; i++) {
		struct channel *c = &p->channel[i];

		if (!is_lent(c, channel))
			continue;
		c->input.total_bytes = c->input.unread_bytes = 0;
		if (c->is_read)
			stream_renew(&c->stream, use);
	}
}

static void set_limits(struct process *p, const struct usp_options *use)
{
	struct usp_options *o = &p->spec->options;

	o->timeout_ns = use->timeout_ns;
	o->idle_timeout_ns = use->idle_timeout_ns;
	o->drain_ns = use->drain_ns;
	o->drain_action = use->drain_action;
	o->kill = use->kill;
}

void lend_out(struct process *p, const struct usp_options *use, int channel)
{
	set_limits(p, use);
	if (channel != LEND_ALL)
		p->spec->options.drain_ns = OTHERS_DRAIN_NS;
	p->lent_ns = reactor_now_ns(p->host->reactor);
	deadline_of_run(p);
	renew(p, use, channel);
}

void lend_back(struct process *p, const struct usp_kill *kill, int channel)
{
	const struct usp_options none = { .kill = *kill };

	deadline_stop(p);
	set_limits(p, &none);
	if (p->state != PROCESS_ENDED)
		renew(p, &none, channel);
}

void lend_pause(struct process *p, bool pause, int channel)
{
	for (unsigned i = 0; i < p->channels.n; i++)
		if (is_lent(&p->channel[i], channel))
			stream_pause(&p->channel[i].stream, pause);
}

void lend_end_input(struct process *p)
{
	for (unsigned i = 0; i < p->channels.n; i++)
		if (p->channel[i].is_written && !p->channel[i].is_terminal)
			input_end(&p->channel[i].input);
}

/* ---- how it is ------------------------------------------------------------------ */

bool lend_is_ending(const struct process *p)
{
	return p->reason || p->exited || p->state != PROCESS_RUNNING;
}

bool lend_was_closed(const struct process *p, int channel)
{
	const struct channel *c = channels_read(&p->channels, channel);

	return c && (c->dropped || c->input.ending);
}

bool lend_is_whole(const struct process *p, int channel)
{
	const struct channel *c = channels_read(&p->channels, channel);

	return c && !lend_is_ending(p) && !lend_was_closed(p, channel) &&
	       !c->stream.closing && !c->stream.eof && !c->input.broken;
}

bool lend_is_flushed(const struct process *p, int channel)
{
	const struct channel *c = channels_read(&p->channels, channel);

	return c && buf_size(&c->input.in_write) == 0 && buf_size(&c->input.waiting) == 0;
}
