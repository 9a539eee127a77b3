/*
 * What the child writes to, read within a window and up to a limit.
 */
#include "process/stream.h"

#include <errno.h>
#include <poll.h>
#include "base/list.h"
#include "sys/fd.h"
#include "sys/proc.h"

static void on_read(struct op *op, const struct completion *done) REACTOR_ONLY;
static void on_look(struct visit *look, int fd) REACTOR_ONLY;
static void on_later(struct deferred *later) REACTOR_ONLY;

/* The window and the limit of its consumer. */
static void set_up(struct stream *s, const struct usp_options *options)
{
	uint64_t max = options->output_max_bytes ? options->output_max_bytes : UINT64_MAX;

	s->action = options->output_action;
	s->limited = options->window_bytes > 0;
	s->credit_bytes = options->window_bytes;
	s->head_bytes = max - options->output_tail_bytes;
	tail_init(&s->tail, (size_t)options->output_tail_bytes);
}

void stream_init(struct stream *s, struct reactor *r, struct owner *owner,
		 const struct stream_verbs *verbs, int number,
		 const struct usp_options *options)
{
	*s = (struct stream){
		.reactor = r,
		.verbs = verbs,
		.number = number,
		.slot = -1,
		.eof = true,
	};
	set_up(s, options);
	deferred_init(&s->later, on_later);
	op_init(&s->read, owner, on_read);
	visit_init(&s->look, r, owner, on_look);
}

/* ---- what is to be done -------------------------------------------------- */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What its consumer has room for. */
static uint64_t room(const struct stream *s)
{
	if (s->paused)
		return 0;
	return s->limited ? s->credit_bytes : UINT64_MAX;
}

/* How much is to be read: UINT64_MAX: whatever comes; 0: nothing. */
static uint64_t wanted_bytes(const struct stream *s)
{
	uint64_t bytes = s->head_bytes ? least(s->head_bytes, room(s)) : UINT64_MAX;

	if (s->eof || s->closing || (s->finishing && !s->measured))
		return 0;
	if (s->clearing)
		return s->clearing == CLEARING_READING ? s->to_clear_bytes : 0;
	/* One byte says that there is more than there may be. */
	if (s->head_bytes == 0 && s->action == USP_OUTPUT_KILL)
		bytes = 1;
	return s->finishing ? least(bytes, s->in_pipe_bytes) : bytes;
}

/* Its file is to be had as a descriptor for a moment. */
static bool wants_look(const struct stream *s)
{
	if (s->eof)
		return false;
	return s->looking || s->clearing == CLEARING_ASKED ||
	       (s->finishing && !s->measured && !s->closing);
}

/* What a look is to find out needs all that was read to have come. */
static bool look_waits_for_read(const struct stream *s)
{
	return s->finishing || s->clearing == CLEARING_ASKED;
}

static void drop_tail(struct stream *s)
{
	s->dropped_bytes += s->tail.size;
	s->tail.size = 0;
}

/* Who writes to it finds that nobody reads.  A look that is in flight needs the slot, and
 * lets go of it. */
static void let_go(struct stream *s) REACTOR_ONLY
{
	if (s->slot < 0 || s->shared || op_armed(&s->look.install))
		return;
	reactor_slot_drop(s->reactor, s->slot);
	s->slot = -1;
}

/* All that may be read was read. */
static void end(struct stream *s) REACTOR_ONLY
{
	if (s->tail.size > 0 && room(s) > 0) {
		reactor_defer(s->reactor, &s->later);
		return;
	}
	if (s->tail.size > 0 && !s->impatient)
		return;
	drop_tail(s);
	visit_stop(&s->look);
	s->eof = true;
	if (s->dropped)
		let_go(s);
	s->verbs->on_eof(s);
}

static void read_on(struct stream *s, uint64_t bytes) REACTOR_ONLY
{
	if (s->polled && !s->ready)
		reactor_poll(s->reactor, &s->read, s->slot, POLLIN);
	else if (s->polled || bytes < UINT64_MAX)
		reactor_read(s->reactor, &s->read, s->slot,
			     (size_t)least(bytes, READ_BUFFER_BYTES));
	else
		reactor_read_multishot(s->reactor, &s->read, s->slot);
}

/* The one place that decides what the stream does next. */
static void step(struct stream *s) REACTOR_ONLY
{
	uint64_t bytes = wanted_bytes(s);
	bool reading = op_armed(&s->read);

	if (s->finishing && s->measured && s->in_pipe_bytes == 0 && !s->closing)
		s->closing = s->cut = true;
	if (reading && bytes == 0)
		reactor_cancel(s->reactor, &s->read);
	if (wants_look(s) && !(look_waits_for_read(s) && reading))
		visit_want(&s->look);
	if (reading || s->eof)
		return;
	if (s->closing)
		end(s);
	else if (bytes > 0)
		read_on(s, bytes);
}

static void on_later(struct deferred *later)
{
	struct stream *s = container_of(later, struct stream, later);

	while (s->closing && s->tail.size > 0 && room(s) > 0) {
		size_t size;
		const void *data = tail_take(
			&s->tail, (size_t)least(room(s), READ_BUFFER_BYTES), &size);

		s->total_bytes += size;
		if (s->limited)
			s->credit_bytes -= size;
		s->verbs->on_output(s, data, size, NULL);
	}
	step(s);
}

/* ---- what was read ------------------------------------------------------- */

static void tell(struct stream *s, const uint8_t *data, size_t size,
		 struct buffer *buffer) REACTOR_ONLY
{
	s->total_bytes += size;
	if (s->head_bytes < UINT64_MAX)
		s->head_bytes -= size;
	if (s->limited)
		s->credit_bytes -= size;
	s->verbs->on_output(s, data, size, buffer);
}

/* More than may be told at the moment came. */
static void exceed(struct stream *s, const uint8_t *data, size_t size) REACTOR_ONLY
{
	if (s->action == USP_OUTPUT_DROP && !s->dropped) {
		s->dropped_bytes += tail_keep(&s->tail, data, size);
		return;
	}
	s->dropped_bytes += size;
	if (s->closing)
		return;
	s->closing = s->cut = true;
	s->verbs->on_limit(s);
}

static void cleared(struct stream *s) REACTOR_ONLY
{
	s->clearing = CLEARING_NOT;
	s->paused = true;
	s->verbs->on_cleared(s);
}

/* What is read for nobody's credit. */
static void note_clearing(struct stream *s, size_t size) REACTOR_ONLY
{
	if (s->clearing != CLEARING_READING)
		return;
	s->to_clear_bytes -= least(size, s->to_clear_bytes);
	if (s->to_clear_bytes == 0)
		cleared(s);
}

static void take(struct stream *s, struct buffer *buffer, size_t size) REACTOR_ONLY
{
	const uint8_t *data = buffer_bytes(buffer);
	size_t told = s->dropped ? 0 : (size_t)least(size, s->head_bytes);

	s->active_ns = reactor_now_ns(s->reactor);
	s->in_pipe_bytes -= least(size, s->in_pipe_bytes);
	if (told > 0)
		tell(s, data, told, buffer);
	if (size > told)
		exceed(s, data + told, size - told);
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
		take(s, done->buffer, (size_t)done->res);
		note_clearing(s, (size_t)done->res);
	} else if (!again) {
		/* The end; an error is one as well: EIO of a terminal that nobody has open
		 * any more, ECONNRESET of a socket whose other end left something unread. */
		s->closing = true;
	}
	step(s);
}

/* ---- a look at its file -------------------------------------------------- */

/*
 * While nothing is being read all that was not read is in the pipe.  When nobody holds
 * the other end no more comes than that, and its end comes by itself.
 */
static void measure(struct stream *s, int fd, bool held)
{
	if (!held) {
		s->finishing = false;
	} else if (!op_armed(&s->read)) {
		s->measured = true;
		s->in_pipe_bytes = sys_unread_bytes(fd);
	}
}

static void measure_for_clearing(struct stream *s, int fd) REACTOR_ONLY
{
	s->to_clear_bytes = sys_unread_bytes(fd);
	if (s->to_clear_bytes)
		s->clearing = CLEARING_READING;
	else
		cleared(s);
}

static void on_look(struct visit *look, int fd)
{
	struct stream *s = container_of(look, struct stream, look);
	bool held = !sys_is_hung_up(fd);

	if (s->eof) {
		if (s->dropped)
			let_go(s);
		return;
	}
	if (s->finishing && !s->measured)
		measure(s, fd, held);
	if (s->clearing == CLEARING_ASKED && !op_armed(&s->read))
		measure_for_clearing(s, fd);
	if (s->looking) {
		s->looking = false;
		if (!held || sys_proc_link(fd, s->link, sizeof(s->link)) < 0)
			s->link[0] = '\0';
		s->verbs->on_looked(s);
	}
	step(s);
}

/* ---- what is asked of it ------------------------------------------------- */

void stream_poll_first(struct stream *s)
{
	s->polled = true;
}

void stream_share(struct stream *s)
{
	s->shared = true;
}

void stream_open(struct stream *s, int slot, int fd)
{
	s->slot = slot;
	s->eof = false;
	reactor_slot_fill(s->reactor, slot, fd);
	visit_open(&s->look, slot);
	if (s->dropped)
		stream_drop(s);
	else
		step(s);
}

bool stream_is_held(const struct stream *s)
{
	bool to_tell = s->closing ? s->tail.size > 0 : s->head_bytes > 0;

	return !s->eof && to_tell && room(s) == 0;
}

static void note_held(struct stream *s, bool was_held)
{
	if (was_held && !stream_is_held(s))
		s->active_ns = reactor_now_ns(s->reactor);
}

void stream_credit(struct stream *s, uint32_t bytes)
{
	bool was_held = stream_is_held(s);

	s->credit_bytes += bytes;
	note_held(s, was_held);
	step(s);
}

void stream_pause(struct stream *s, bool pause)
{
	bool was_held = stream_is_held(s);

	s->paused = pause;
	note_held(s, was_held);
	step(s);
}

void stream_unlimit(struct stream *s)
{
	s->limited = false;
	stream_pause(s, false);
}

void stream_clear(struct stream *s)
{
	s->clearing = CLEARING_ASKED;
	s->limited = false;
	step(s);
}

void stream_renew(struct stream *s, const struct usp_options *options)
{
	drop_tail(s);
	tail_done(&s->tail);
	set_up(s, options);
	s->total_bytes = s->dropped_bytes = 0;
	s->active_ns = reactor_now_ns(s->reactor);
	s->clearing = CLEARING_NOT;
	s->paused = false;
	step(s);
}

void stream_look(struct stream *s)
{
	s->looking = true;
	step(s);
}

void stream_finish(struct stream *s, bool patient)
{
	s->finishing = true;
	if (!patient) {
		/* What there is no room for goes the way of what is beyond the limit. */
		s->impatient = true;
		s->head_bytes = least(s->head_bytes, room(s));
		s->action = USP_OUTPUT_DROP;
	}
	step(s);
}

void stream_stop(struct stream *s)
{
	s->cut |= !s->closing && !s->eof;
	s->closing = s->impatient = true;
	drop_tail(s);
	step(s);
}

/* Its end is not told from here: this may be a call of the API, or come before the
 * start was told. */
void stream_drop(struct stream *s)
{
	s->dropped = s->impatient = true;
	if (s->eof)
		return; /* not there yet, or not any more */
	s->closing = true;
	drop_tail(s);
	if (op_armed(&s->read))
		reactor_cancel(s->reactor, &s->read);
	else
		reactor_defer(s->reactor, &s->later);
}

void stream_done(struct stream *s)
{
	visit_stop(&s->look);
	reactor_undefer(&s->later);
	tail_done(&s->tail);
	if (s->slot >= 0)
		reactor_slot_drop(s->reactor, s->slot);
	s->slot = -1;
}
