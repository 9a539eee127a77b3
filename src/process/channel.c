/*
 * The channels of a process: those of its child's descriptors whose other ends are
 * served here.
 */
#include "process/channel.h"

#include "base/list.h"
#include "sys/fd.h"
#include "sys/pty.h"

#define channels_each(channel, c)                                                        \
	for (struct channel *channel = (c)->each; channel < (c)->each + (c)->n; channel++)

/* ---- what they tell ------------------------------------------------------ */

static void on_output(struct stream *s, const void *data, size_t size,
		      struct buffer *buffer) REACTOR_ONLY
{
	struct channels *c = container_of(s, struct channel, stream)->all;

	c->verbs->on_output(c, s->number, data, size, buffer);
}

static void on_eof(struct stream *s) REACTOR_ONLY
{
	struct channels *c = container_of(s, struct channel, stream)->all;

	c->verbs->on_eof(c, s->number);
}

static void on_limit(struct stream *s) REACTOR_ONLY
{
	struct channels *c = container_of(s, struct channel, stream)->all;

	c->verbs->on_limit(c);
}

static void on_cleared(struct stream *s) REACTOR_ONLY
{
	struct channels *c = container_of(s, struct channel, stream)->all;

	c->verbs->on_cleared(c, s->number);
}

static void on_looked(struct stream *s) REACTOR_ONLY
{
	struct channels *c = container_of(s, struct channel, stream)->all;

	c->verbs->on_looked(c);
}

static const struct stream_verbs stream_verbs = {
	.on_output = on_output,
	.on_eof = on_eof,
	.on_limit = on_limit,
	.on_cleared = on_cleared,
	.on_looked = on_looked,
};

static void on_window(struct input *in, uint32_t bytes) REACTOR_ONLY
{
	struct channels *c = container_of(in, struct channel, input)->all;

	c->verbs->on_window(c, in->number, bytes);
}

/* ---- what is done to them ------------------------------------------------ */

static void on_visit(struct visit *v, int fd) REACTOR_ONLY
{
	struct channel *channel = container_of(v, struct channel, visit);

	if (channel->is_terminal)
		(void)sys_pty_resize(fd, &channel->size);
	else
		sys_shutdown(fd, channel->dropped);
}

static void on_end(struct input *in) REACTOR_ONLY
{
	visit_want(&container_of(in, struct channel, input)->visit);
}

void channel_resize(struct channel *channel, const struct usp_winsize *size)
{
	channel->size = *size;
	visit_want(&channel->visit);
}

/* A pipe is closed; a socket pair is shut down, since a stream and an input have it. */
void channel_drop(struct channel *channel)
{
	if (channel->is_written)
		input_stop(&channel->input);
	if (channel->is_read)
		stream_drop(&channel->stream);
	if (channel->is_read && channel->is_written && !channel->dropped) {
		channel->dropped = true;
		visit_want(&channel->visit);
	}
}

void channels_drop(struct channels *c)
{
	channels_each(channel, c)
		if (!channel->is_terminal)
			channel_drop(channel);
}

/* ---- start and end ------------------------------------------------------- */

static bool is_channel(const struct spec_fd *fd)
{
	return fd->kind == USP_STDIO_PIPE || fd->kind == USP_STDIO_DUPLEX ||
	       fd->kind == USP_STDIO_PTY;
}

unsigned channels_count(const struct spec *spec)
{
	unsigned n = 0;

	for (size_t i = 0; spec && i < spec->n_fds; i++)
		n += is_channel(&spec->fds[i]);
	return n;
}

static void init(struct channel *channel, const struct spec *spec, size_t end)
{
	const struct spec_fd *fd = &spec->fds[end];
	struct channels *c = channel->all;

	channel->end = (int)end;
	channel->slot = -1;
	channel->is_terminal = fd->kind == USP_STDIO_PTY;
	channel->is_written = fd->kind != USP_STDIO_PIPE || fd->is_read;
	channel->is_read = fd->kind != USP_STDIO_PIPE || !fd->is_read;
	/* Whichever of the child's descriptors a terminal is, these are its numbers. */
	stream_init(&channel->stream, c->reactor, c->owner, &stream_verbs,
		    channel->is_terminal ? 1 : fd->target, &spec->options);
	input_init(&channel->input, c->reactor, c->owner, on_window,
		   channel->is_terminal ? 0 : fd->target);
	visit_init(&channel->visit, c->reactor, c->owner, on_visit);
	if (channel->is_terminal)
		stream_poll_first(&channel->stream);
	if (channel->is_read && channel->is_written)
		stream_share(&channel->stream);
}

void channels_init(struct channels *c, const struct spec *spec)
{
	c->n = 0;
	for (size_t i = 0; spec && i < spec->n_fds; i++) {
		struct channel *channel = &c->each[c->n];

		if (!is_channel(&spec->fds[i]))
			continue;
		c->n++;
		channel->all = c;
		init(channel, spec, i);
	}
}

void channels_take_slots(struct channels *c, struct plan *plan)
{
	channels_each(channel, c) {
		channel->slot = reactor_slot_reserve(c->reactor);
		plan->ends[channel->end].slot = channel->slot;
	}
}

static int take_number(int *number)
{
	int taken = *number;

	*number = -1;
	return taken;
}

void channels_open(struct channels *c, struct plan *plan)
{
	channels_each(channel, c) {
		int slot = take_number(&channel->slot);
		int fd = take_number(&plan->ends[channel->end].ours);

		if (!channel->is_read) {
			input_open(&channel->input, slot, fd);
			continue;
		}
		stream_open(&channel->stream, slot, fd);
		if (channel->is_written) {
			input_share(&channel->input, slot, on_end);
			visit_open(&channel->visit, slot);
		}
	}
}

void channels_done(struct channels *c)
{
	channels_each(channel, c) {
		stream_done(&channel->stream);
		input_done(&channel->input);
		if (channel->slot >= 0)
			reactor_slot_drop(c->reactor, channel->slot);
	}
}

/* ---- one of them, and all of them ---------------------------------------- */

struct channel *channels_read(const struct channels *c, int stream)
{
	channels_each(channel, c)
		if (channel->is_read && channel->stream.number == stream)
			return channel;
	return NULL;
}

struct channel *channels_written(const struct channels *c, int stream)
{
	channels_each(channel, c)
		if (channel->is_written && channel->input.number == stream)
			return channel;
	return NULL;
}

struct channel *channels_terminal(const struct channels *c)
{
	channels_each(channel, c)
		if (channel->is_terminal)
			return channel;
	return NULL;
}

bool channels_drained(const struct channels *c)
{
	channels_each(channel, c)
		if (!channel->stream.eof)
			return false;
	return true;
}

void channels_pause(struct channels *c, bool pause)
{
	channels_each(channel, c)
		stream_pause(&channel->stream, pause);
}

void channels_unlimit(struct channels *c)
{
	channels_each(channel, c)
		stream_unlimit(&channel->stream);
}

uint64_t channels_active_ns(const struct channels *c)
{
	uint64_t latest_ns = 0;

	channels_each(channel, c)
		if (channel->stream.active_ns > latest_ns)
			latest_ns = channel->stream.active_ns;
	return latest_ns;
}

bool channels_held(const struct channels *c)
{
	channels_each(channel, c)
		if (stream_is_held(&channel->stream))
			return true;
	return false;
}

void channels_look(struct channels *c)
{
	channels_each(channel, c)
		if (!channel->stream.eof)
			stream_look(&channel->stream);
}

bool channels_looked(const struct channels *c)
{
	channels_each(channel, c)
		if (!channel->stream.eof && channel->stream.looking)
			return false;
	return true;
}

const char *channels_link(const struct channels *c, unsigned i)
{
	const struct stream *s = &c->each[i].stream;

	return s->eof || !*s->link ? NULL : s->link;
}

bool channels_cut(const struct channels *c)
{
	channels_each(channel, c)
		if (channel->stream.cut)
			return true;
	return false;
}

void channels_finish(struct channels *c, bool patient)
{
	channels_each(channel, c)
		stream_finish(&channel->stream, patient);
}

void channels_stop_reading(struct channels *c)
{
	channels_each(channel, c)
		stream_stop(&channel->stream);
}

void channels_stop_writing(struct channels *c)
{
	channels_each(channel, c) {
		input_stop(&channel->input);
		visit_stop(&channel->visit);
	}
}

uint64_t channels_unread_bytes(const struct channels *c)
{
	uint64_t bytes = 0;

	channels_each(channel, c)
		bytes += channel->input.unread_bytes;
	return bytes;
}
