/*
 * What the child reads from, fed within a window.
 *
 * Two buffers: the write in flight needs its bytes to stay where they are, so
 * what comes meanwhile is gathered in the other one, and they change places.
 */
#include "process/input.h"

#include <errno.h>
#include <poll.h>
#include "base/list.h"

static void on_written(struct op *op, const struct completion *done) REACTOR_ONLY;

void input_init(struct input *in, struct reactor *r, struct owner *owner,
		input_fn *on_window, int number)
{
	*in = (struct input){
		.reactor = r,
		.on_window = on_window,
		.number = number,
		.slot = -1,
	};
	buf_init(&in->in_write, INPUT_WINDOW_BYTES);
	buf_init(&in->waiting, INPUT_WINDOW_BYTES);
	op_init(&in->write, owner, on_written);
}

static size_t held(const struct input *in)
{
	return buf_size(&in->in_write) + buf_size(&in->waiting);
}

static void drop_all(struct input *in)
{
	in->unread_bytes += held(in);
	buf_consume(&in->in_write, buf_size(&in->in_write));
	buf_consume(&in->waiting, buf_size(&in->waiting));
}

static void swap(struct input *in)
{
	struct buf empty = in->in_write;

	in->in_write = in->waiting;
	in->waiting = empty;
}

/* Nothing is written any more. */
static void let_go(struct input *in) REACTOR_ONLY
{
	if (!in->shared)
		reactor_slot_drop(in->reactor, in->slot);
	else if (!in->broken)
		in->on_end(in);
	in->slot = -1;
}

/* The one place that decides what happens to the pipe next. */
static void step(struct input *in) REACTOR_ONLY
{
	if (in->slot < 0 || op_armed(&in->write))
		return;
	if (in->broken)
		drop_all(in);
	if (buf_size(&in->in_write) == 0)
		swap(in);
	if (buf_size(&in->in_write) > 0 && in->full) {
		reactor_poll(in->reactor, &in->write, in->slot, POLLOUT);
	} else if (buf_size(&in->in_write) > 0) {
		reactor_write(in->reactor, &in->write, in->slot, buf_bytes(&in->in_write),
			      buf_size(&in->in_write));
	} else if (in->ending || in->broken) {
		let_go(in);
	}
}

static void on_written(struct op *op, const struct completion *done)
{
	struct input *in = container_of(op, struct input, write);

	in->full = op->kind == OP_WRITE && done->res == -EAGAIN;
	if (op->kind == OP_POLL) {
		/* the write that follows says what there is to know */
	} else if (done->res > 0) {
		buf_consume(&in->in_write, (size_t)done->res);
		in->total_bytes += (uint64_t)done->res;
		in->on_window(in, (uint32_t)done->res);
	} else if (done->res != -EINTR && done->res != -EAGAIN && !in->broken) {
		in->broken = true;
		in->on_window(in, 0);
	}
	step(in);
}

void input_open(struct input *in, int slot, int fd)
{
	in->slot = slot;
	reactor_slot_fill(in->reactor, slot, fd);
	step(in);
}

void input_share(struct input *in, int slot, input_end_fn *on_end)
{
	in->on_end = on_end;
	in->slot = slot;
	in->shared = true;
	step(in);
}

int input_write(struct input *in, const void *data, size_t size)
{
	int ret;

	if (in->broken || in->ending)
		return -EPIPE;
	if (size > INPUT_WINDOW_BYTES - held(in))
		return -EAGAIN;
	ret = buf_append(&in->waiting, data, size);
	if (ret < 0)
		return ret;
	step(in);
	return 0;
}

void input_end(struct input *in)
{
	in->ending = true;
	step(in);
}

void input_stop(struct input *in)
{
	in->broken = true;
	reactor_cancel(in->reactor, &in->write);
	step(in);
}

void input_done(struct input *in)
{
	drop_all(in);
	if (in->slot >= 0 && !in->shared)
		reactor_slot_drop(in->reactor, in->slot);
	in->slot = -1;
	buf_done(&in->in_write);
	buf_done(&in->waiting);
}
