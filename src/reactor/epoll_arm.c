/*
 * The epoll back end: what waits for which file, and what is due.
 *
 * An operation is in one list: that of the file it waits for, or of those that are due.
 * What is due is tried by the turn, one system call each, and told at once; only what
 * the order of calls may matter to (it may be the last use of its slot) is tried as it
 * is armed, and told by the turn.
 */
#include "reactor/epoll.h"

#include <assert.h>
#include <errno.h>
#include "sys/fd.h"

static void make_due(struct epoll *e, struct op *op)
{
	list_remove(&op->queued);
	list_append(&e->due, &op->queued);
}

static void settle(struct epoll *e, struct op *op, int outcome)
{
	op->settled = true;
	op->outcome = outcome;
	make_due(e, op);
}

/* ---- waiting for a file -------------------------------------------------- */

static uint64_t data_of(const struct epoll *e, const struct file *file)
{
	return (uint64_t)file->generation << 32 | (uint64_t)(file - e->files);
}

/*
 * Have the set watch @file for @events.  Returns 1 when what holds now is going to be
 * reported, 0 when the file was watched already, or -errno.
 */
static int watch(struct epoll *e, struct file *file, uint32_t events)
{
	uint32_t wanted = file->watched | events | EPOLLET;
	int ret;

	if (wanted == file->watched)
		return 0;
	if (file->watched)
		ret = sys_pollset_change(e->set_fd, file->fd, wanted, data_of(e, file));
	else
		ret = sys_pollset_add(e->set_fd, file->fd, wanted, data_of(e, file));
	if (ret == -EPERM)
		file->unwatchable = file->blocks = true;
	if (ret < 0)
		return ret;
	file->watched = wanted;
	return 1;
}

/* @known: what is known to be ready is to be tried at once. */
static void wait_for_file(struct epoll *e, struct op *op, bool known)
{
	struct file *file = epoll_file(e, op);
	uint32_t needs = epoll_needs(op);
	int ret = file->unwatchable ? -EPERM : watch(e, file, needs);

	if (ret == -EPERM || (ret == 0 && known))
		make_due(e, op);
	else if (ret < 0)
		list_append(&e->strays, &op->queued);
	else
		list_append(&file->waiting, &op->queued);
}

void epoll_take_event(struct epoll *e, const struct epoll_event *event)
{
	uint32_t slot = (uint32_t)event->data.u64;
	struct file *file = &e->files[slot];

	if (file->generation != event->data.u64 >> 32)
		return;
	file->ready |= event->events;
	list_each(link, following, &file->waiting) {
		struct op *op = container_of(link, struct op, queued);
		uint32_t told = event->events & epoll_needs(op);

		if (told && op->kind == OP_POLL)
			settle(e, op, (int)told);
		else if (told)
			make_due(e, op);
	}
}

/* ---- arming -------------------------------------------------------------- */

/* Its bytes may be gone, or its slot another file's, when the turn comes to it. */
static void try_now(struct epoll *e, struct op *op)
{
	int ret = epoll_try(e, op, NULL);

	if (ret == -EAGAIN)
		wait_for_file(e, op, false);
	else
		settle(e, op, ret);
}

void epoll_arm(struct reactor *r, struct op *op)
{
	struct epoll *e = epoll_of(r);

	list_init(&op->queued);
	op->settled = false;
	if (op->kind == OP_POSTED)
		return;
	if (!r->slot_filled[op->slot]) {
		settle(e, op, -EBADF);
		return;
	}
	switch (op->kind) {
	case OP_WRITE:
	case OP_SEND:
	case OP_INSTALL:
		try_now(e, op);
		return;
	case OP_POLL: /* what is ready is no longer known where nothing takes it back */
		wait_for_file(e, op, true);
		return;
	default:
		wait_for_file(e, op, epoll_file(e, op)->ready & epoll_needs(op));
	}
}

/* It is told by a later turn; what has happened already is told as it happened. */
void epoll_cancel(struct reactor *r, struct op *op)
{
	if (op->kind != OP_POSTED)
		make_due(epoll_of(r), op);
}

/* ---- what is due --------------------------------------------------------- */

static bool finds_no_buffer(const struct reactor *r, const struct op *op)
{
	return (op->kind == OP_READ && r->read_pool.free == 0) ||
	       (op->kind == OP_RECV && r->recv_pool.free == 0);
}

/* Does @op stay armed after a completion with @res? */
static bool goes_on(const struct op *op, int res)
{
	if (op->state != OP_ARMED)
		return false;
	switch (op->kind) {
	case OP_ACCEPT:
		return res >= 0;
	case OP_RECV:
		return res > 0;
	case OP_READ:
	case OP_POLL:
		return op->multishot && res > 0;
	default:
		return false;
	}
}

static void tell(struct epoll *e, struct op *op, struct completion *done) REACTOR_ONLY
{
	done->more = goes_on(op, done->res);
	op->settled = false;
	reactor_complete(&e->base, op, done);
	/* Its callback may have cancelled it: then it is due. */
	if (!done->more || !list_empty(&op->queued))
		return;
	if (op->kind == OP_POLL)
		wait_for_file(e, op, false);
	else
		make_due(e, op);
}

/* The system call had to wait after all: until the next event, nothing is ready. */
static void wait_on(struct epoll *e, struct op *op) REACTOR_ONLY
{
	epoll_file(e, op)->ready &= ~(epoll_needs(op) & (EPOLLIN | EPOLLOUT));
	wait_for_file(e, op, false);
}

static void run(struct epoll *e, struct op *op) REACTOR_ONLY
{
	struct completion done = { .res = op->outcome };

	if (!op->settled) {
		if (op->state == OP_CANCELLING) {
			done.res = -ECANCELED;
		} else if (finds_no_buffer(&e->base, op)) {
			reactor_park(&e->base, op);
			return;
		} else {
			done.res = epoll_try(e, op, &done.buffer);
		}
		if (done.res == -EAGAIN) {
			wait_on(e, op);
			return;
		}
	}
	tell(e, op, &done);
}

unsigned epoll_run_due(struct epoll *e)
{
	struct list *link;
	unsigned n = 0;

	list_take_all(&e->due, &e->running);
	while ((link = list_take_first(&e->running))) {
		run(e, container_of(link, struct op, queued));
		n++;
	}
	return n;
}

/* ---- slots --------------------------------------------------------------- */

void epoll_slot_fill(struct reactor *r, int slot, int fd)
{
	struct file *file = &epoll_of(r)->files[slot];

	*file = (struct file){ .fd = fd, .generation = file->generation };
	list_init(&file->waiting);
}

/*
 * Closing alone would not take it out of the set: a child that was forked a moment ago
 * may hold the same open file.
 */
void epoll_slot_close(struct reactor *r, int slot)
{
	struct epoll *e = epoll_of(r);
	struct file *file = &e->files[slot];

	assert(list_empty(&file->waiting));
	if (file->watched)
		sys_pollset_remove(e->set_fd, file->fd);
	file->generation++;
	sys_close(file->fd);
}
