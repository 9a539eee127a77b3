/*
 * A reactor with one owner, and operations that write down what they were told.
 */
#include "support/loop.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/backend.h"

static void on_drained(struct owner *owner)
{
	container_of(owner, struct loop, owner)->drained++;
}

void loop_open(struct loop *loop, const struct reactor_options *options)
{
	const struct reactor_options usual = {
		.entries = 64,
		.slots = 32,
		.read_buffers = 4,
		.recv_buffers = 4,
	};

	struct reactor_options chosen = options ? *options : usual;

	if (chosen.backend == REACTOR_AUTO)
		chosen.backend = backend_wanted();
	*loop = (struct loop){ .owner = { .on_drained = on_drained } };
	cr_assert(eq(int, reactor_open(&chosen, &loop->reactor), 0));
}

void loop_close(struct loop *loop)
{
	if (!loop->owner.closing)
		owner_close(&loop->owner);
	loop_until(loop, loop->drained);
	cr_assert(eq(uint, loop->drained, 1));
	reactor_close(loop->reactor);
}

int loop_slot(struct loop *loop, int fd)
{
	int slot = reactor_slot_take(loop->reactor);

	cr_assert(ge(int, slot, 0));
	cr_assert(ge(int, fd, 0));
	reactor_slot_fill(loop->reactor, slot, fd);
	return slot;
}

int loop_pipe_in(struct loop *loop, int *ret_slot)
{
	int ends[2];

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	*ret_slot = loop_slot(loop, ends[0]);
	return ends[1];
}

int loop_pipe_out(struct loop *loop, int *ret_slot)
{
	int ends[2];

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	*ret_slot = loop_slot(loop, ends[1]);
	return ends[0];
}

int loop_socket(struct loop *loop, int *ret_slot)
{
	int ends[2];

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0));
	*ret_slot = loop_slot(loop, ends[0]);
	return ends[1];
}

void loop_turn(struct loop *loop)
{
	cr_assert(eq(int, reactor_turn(loop->reactor, false), 0));
}

static void on_done(struct op *op, const struct completion *done)
{
	struct watched *w = container_of(op, struct watched, op);

	cr_assert(eq(int, op_armed(op), done->more),
		  "it is idle at the last, and only then");
	w->calls++;
	w->last += !done->more;
	w->res = done->res;
	if (done->buffer && done->res > 0)
		cr_assert(eq(int,
			     buf_append(&w->got, buffer_bytes(done->buffer),
					(size_t)done->res),
			     0));
	if (w->also)
		w->also(w, done);
}

void watched_init(struct watched *w, struct loop *loop)
{
	*w = (struct watched){ .loop = loop };
	op_init(&w->op, &loop->owner, on_done);
	buf_init(&w->got, 64u << 20);
}

void watched_done(struct watched *w)
{
	buf_done(&w->got);
}
