/*
 * What the child writes to, read within a window.
 */
#include "process/stream.h"

#include <errno.h>
#include <poll.h>

static void on_read(struct op *op, const struct completion *done) REACTOR_ONLY;

void stream_init(struct stream *s, struct reactor *r, struct owner *owner,
		 const struct stream_verbs *verbs, int number, uint32_t window_bytes)
{
	*s = (struct stream){
		.reactor = r,
		.verbs = verbs,
		.number = number,
		.slot = -1,
		.limited = window_bytes > 0,
		.eof = true,
		.credit_bytes = window_bytes,
	};
	op_init(&s->read, owner, on_read);
}

static void read_more(struct stream *s) REACTOR_ONLY
{
	size_t most = s->limited ? s->credit_bytes : READ_BUFFER_BYTES;

	if (s->polled && !s->ready)
		reactor_poll(s->reactor, &s->read, s->slot, POLLIN);
	else if (s->polled || s->limited)
		reactor_read(s->reactor, &s->read, s->slot, most);
	else
		reactor_read_multishot(s->reactor, &s->read, s->slot);
}

/* The one place that decides whether the stream reads. */
static void step(struct stream *s) REACTOR_ONLY
{
	bool wanted = !s->eof && !s->closing && !s->paused &&
		      (!s->limited || s->credit_bytes > 0);

	if (op_armed(&s->read)) {
		if (!wanted)
			reactor_cancel(s->reactor, &s->read);
	} else if (s->closing && !s->eof) {
		s->eof = true;
		s->verbs->on_eof(s);
	} else if (wanted) {
		read_more(s);
	}
}

static void on_read(struct op *op, const struct completion *done)
{
	struct stream *s = container_of(op, struct stream, read);
	bool again = done->res == -ECANCELED || done->res == -EINTR ||
		     done->res == -EAGAIN || done->res == -ENOMEM;

	if (op->kind == OP_POLL) {
		s->ready = !again;
		step(s);
		return;
	}
	s->ready = false;
	if (done->res > 0) {
		size_t size = (size_t)done->res;

		s->total_bytes += size;
		if (s->limited)
			s->credit_bytes -= size;
		s->verbs->on_output(s, done->buffer, size);
	} else if (!again) {
		/* The end; an error is one as well: EIO of a terminal that nobody has open
		 * any more, ECONNRESET of a socket whose other end left something unread. */
		s->closing = true;
	}
	step(s);
}

void stream_poll_first(struct stream *s)
{
	s->polled = true;
}

void stream_open(struct stream *s, int slot, int fd)
{
	s->slot = slot;
	s->eof = false;
	reactor_slot_fill(s->reactor, slot, fd);
	step(s);
}

void stream_credit(struct stream *s, uint32_t bytes)
{
	s->credit_bytes += bytes;
	step(s);
}

void stream_pause(struct stream *s, bool pause)
{
	s->paused = pause;
	step(s);
}

void stream_stop(struct stream *s)
{
	s->closing = true;
	step(s);
}

void stream_done(struct stream *s)
{
	if (s->slot >= 0)
		reactor_slot_drop(s->reactor, s->slot);
	s->slot = -1;
}
