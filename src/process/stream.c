/*
 * A pipe that the child writes to, read within a window.
 */
#include "process/stream.h"

#include <errno.h>

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
	} else if (wanted && s->limited) {
		reactor_read(s->reactor, &s->read, s->slot, s->credit_bytes);
	} else if (wanted) {
		reactor_read_multishot(s->reactor, &s->read, s->slot);
	}
}

static void on_read(struct op *op, const struct completion *done)
{
	struct stream *s = container_of(op, struct stream, read);
	bool again = done->res == -ECANCELED || done->res == -EINTR ||
		     done->res == -EAGAIN || done->res == -ENOMEM;

	if (done->res > 0) {
		size_t size = (size_t)done->res;

		s->total_bytes += size;
		if (s->limited)
			s->credit_bytes -= size;
		s->verbs->on_output(s, done->buffer, size);
	} else if (!again) {
		/* The end; an error of a pipe (there is none known) is one as well. */
		s->closing = true;
	}
	step(s);
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
