/*
 * The reactor: operations and their owners, timers, deferred work, slots.
 *
 * A turn hands over what is armed, waits, and runs what came: completions, then
 * timers, then deferred work.  It does not know how the kernel is asked: that is
 * the back end's (uring.c, epoll.c).
 */
#include "reactor/reactor.h"

#include <assert.h>
#include <errno.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "reactor/backend.h"

/* A turn looks at the clock again after so many rounds of completions, or of deferred work. */
#define ROUNDS_MAX 16

/* A kernel that does not know all that is asked for says EINVAL. */
static int open_uring(const struct reactor_options *options, struct reactor **ret_reactor)
{
	int ret = uring_open(options, ret_reactor);

	return ret == -EINVAL ? -ENOSYS : ret;
}

/* What io_uring says where a sandbox, an administrator, the kernel's age or a limit of
 * locked memory is in its way: epoll asks for none of that. */
static bool is_refusal(int ret)
{
	return ret == -EPERM || ret == -EACCES || ret == -ENOSYS || ret == -ENOMEM;
}

int reactor_open(const struct reactor_options *options, struct reactor **ret_reactor)
{
	int ret;

	if (options->backend == REACTOR_EPOLL)
		return epoll_open(options, ret_reactor);
	ret = open_uring(options, ret_reactor);
	if (options->backend == REACTOR_AUTO && is_refusal(ret))
		ret = epoll_open(options, ret_reactor);
	return ret;
}

const char *reactor_backend_name(const struct reactor *r)
{
	return r->backend->name;
}

void reactor_close(struct reactor *r)
{
	if (!r)
		return;
	assert(r->inflight == 0);
	r->backend->close(r);
}

int reactor_common_init(struct reactor *r, unsigned slots)
{
	list_init(&r->deferred);
	list_init(&r->parked_reads);
	list_init(&r->parked_recvs);
	list_init(&r->aborted);
	r->now_ns = clock_now_ns();
	r->free_slots = mem_alloc(slots * sizeof(*r->free_slots));
	r->slot_filled = mem_zalloc(slots * sizeof(*r->slot_filled));
	r->slot_dropped = mem_zalloc(slots * sizeof(*r->slot_dropped));
	if (!r->free_slots || !r->slot_filled || !r->slot_dropped)
		return -ENOMEM;
	r->handovers = 1;
	r->n_slots = r->n_free = slots;
	for (unsigned i = 0; i < slots; i++)
		r->free_slots[i] = (int)(slots - 1 - i);
	return 0;
}

void reactor_common_done(struct reactor *r)
{
	mem_free(r->free_slots);
	mem_free(r->slot_filled);
	mem_free(r->slot_dropped);
	pool_done(&r->read_pool);
	pool_done(&r->recv_pool);
}

int reactor_fd(struct reactor *r)
{
	return r->backend->fd(r);
}

uint64_t reactor_now_ns(const struct reactor *r)
{
	return r->in_turn ? r->now_ns : clock_now_ns();
}

const struct reactor_stats *reactor_stats(const struct reactor *r)
{
	return &r->stats;
}

/* ---- operations ---------------------------------------------------------- */

void op_init(struct op *op, struct owner *owner, op_fn *on_done)
{
	*op = (struct op){ .on_done = on_done, .owner = owner };
	list_init(&op->parked);
	list_init(&op->queued);
}

static void arm(struct reactor *r, struct op *op, enum op_kind kind,
		int slot) REACTOR_ONLY
{
	assert(op->state == OP_IDLE);
	assert(!op->owner->closing);
	op->state = OP_ARMED;
	op->kind = kind;
	op->slot = slot;
	op->owner->inflight++;
	r->inflight++;
	r->backend->arm(r, op);
}

void reactor_poll(struct reactor *r, struct op *op, int slot, unsigned events)
{
	op->events = events;
	op->multishot = false;
	arm(r, op, OP_POLL, slot);
}

void reactor_poll_changes(struct reactor *r, struct op *op, int slot, unsigned events)
{
	op->events = events;
	op->multishot = true;
	arm(r, op, OP_POLL, slot);
}

void reactor_read(struct reactor *r, struct op *op, int slot, size_t limit)
{
	op->limit = limit;
	op->multishot = false;
	arm(r, op, OP_READ, slot);
}

void reactor_read_multishot(struct reactor *r, struct op *op, int slot)
{
	op->multishot = true;
	arm(r, op, OP_READ, slot);
}

void reactor_write(struct reactor *r, struct op *op, int slot, const void *data,
		   size_t size)
{
	op->data = data;
	op->size = size;
	arm(r, op, OP_WRITE, slot);
}

void reactor_accept(struct reactor *r, struct op *op, int slot)
{
	arm(r, op, OP_ACCEPT, slot);
}

void reactor_recv(struct reactor *r, struct op *op, int slot)
{
	arm(r, op, OP_RECV, slot);
}

void reactor_send(struct reactor *r, struct op *op, int slot,
		  const struct msghdr *message)
{
	op->message = message;
	arm(r, op, OP_SEND, slot);
}

void reactor_wait_exit(struct reactor *r, struct op *op, int slot, pid_t pid,
		       siginfo_t *info, struct rusage *usage)
{
	op->pid = pid;
	op->info = info;
	op->usage = usage;
	arm(r, op, OP_WAIT_EXIT, slot);
}

void reactor_install(struct reactor *r, struct op *op, int slot)
{
	arm(r, op, OP_INSTALL, slot);
}

void reactor_expect(struct reactor *r, struct op *op)
{
	op->files_due = op->files_here = 0;
	op->is_told = false;
	op->told_res = 0;
	arm(r, op, OP_POSTED, -1);
}

void reactor_cancel(struct reactor *r, struct op *op)
{
	if (op->state != OP_ARMED)
		return;
	op->state = OP_CANCELLING;
	if (list_empty(&op->parked)) {
		r->backend->cancel(r, op);
		return;
	}
	/* The kernel does not know it: its completion is made by the next turn. */
	list_remove(&op->parked);
	list_append(&r->aborted, &op->parked);
}

void reactor_park(struct reactor *r, struct op *op)
{
	struct list *parked = op->kind == OP_READ ? &r->parked_reads : &r->parked_recvs;

	r->stats.reads_parked++;
	list_append(op->state == OP_ARMED ? parked : &r->aborted, &op->parked);
}

static void owner_put(struct owner *owner) REACTOR_ONLY
{
	assert(owner->inflight > 0);
	if (--owner->inflight == 0 && owner->closing)
		owner->on_drained(owner);
}

void owner_close(struct owner *owner)
{
	assert(!owner->closing);
	owner->closing = true;
	if (owner->inflight == 0)
		owner->on_drained(owner);
}

void reactor_complete(struct reactor *r, struct op *op, const struct completion *done)
{
	struct owner *owner = op->owner;
	struct buffer *buffer = done->buffer;

	assert(op->state != OP_IDLE);
	r->stats.completions++;
	if (!done->more)
		op->state = OP_IDLE;
	op->on_done(op, done);
	if (buffer && !buffer->kept)
		buffer_give_back(r, buffer);
	if (done->more)
		return;
	r->inflight--;
	owner_put(owner);
}

static void abort_parked(struct reactor *r) REACTOR_ONLY
{
	const struct completion done = { .res = -ECANCELED };
	struct list *link;

	while ((link = list_take_first(&r->aborted)))
		reactor_complete(r, container_of(link, struct op, parked), &done);
}

/* ---- deferred work ------------------------------------------------------- */

void deferred_init(struct deferred *d, void (*run)(struct deferred *deferred))
{
	d->run = run;
	list_init(&d->link);
}

void reactor_defer(struct reactor *r, struct deferred *d)
{
	if (list_empty(&d->link))
		list_append(&r->deferred, &d->link);
}

void reactor_undefer(struct deferred *d)
{
	list_remove(&d->link);
}

/* What is there now, and not what that puts off in its turn. */
static void run_deferred_once(struct reactor *r) REACTOR_ONLY
{
	struct list *link, last;

	list_init(&last);
	list_append(&r->deferred, &last);
	while ((link = list_take_first(&r->deferred)) != &last) {
		struct deferred *d = container_of(link, struct deferred, link);

		d->run(d);
	}
}

static void run_deferred(struct reactor *r) REACTOR_ONLY
{
	for (int i = 0; i < ROUNDS_MAX && !list_empty(&r->deferred); i++)
		run_deferred_once(r);
}

/* ---- timers -------------------------------------------------------------- */

void timer_arm(struct reactor *r, struct timer *timer, uint64_t deadline_ns)
{
	timer_cancel(r, timer);
	heap_insert(&r->timers, &timer->node, deadline_ns);
}

void timer_cancel(struct reactor *r, struct timer *timer)
{
	if (timer->node.linked)
		heap_remove(&r->timers, &timer->node);
}

static void run_timers(struct reactor *r) REACTOR_ONLY
{
	while (r->timers.root && r->timers.root->key <= r->now_ns) {
		struct timer *timer = container_of(r->timers.root, struct timer, node);

		heap_remove(&r->timers, &timer->node);
		timer->on_fire(timer);
	}
}

static uint64_t next_deadline(const struct reactor *r)
{
	return r->timers.root ? r->timers.root->key : UINT64_MAX;
}

/* ---- the turn ------------------------------------------------------------ */

/*
 * Try parked operations again while there are buffers.  One that is tried may turn
 * out not to need a buffer yet, so those behind it must not wait for its buffer to
 * come back.  False: there is a buffer for more of them, in the next turn.
 */
static bool retry_parked(struct reactor *r, struct list *parked,
			 const struct pool *pool) REACTOR_ONLY
{
	unsigned n = list_empty(parked) ? 0 : pool->free;

	for (; n > 0 && !list_empty(parked); n--)
		r->backend->arm(r,
				container_of(list_take_first(parked), struct op, parked));
	return list_empty(parked) || pool->free == 0;
}

/* Nothing is to be done before something happens. */
static bool is_idle(struct reactor *r) REACTOR_ONLY
{
	bool reads = retry_parked(r, &r->parked_reads, &r->read_pool);
	bool recvs = retry_parked(r, &r->parked_recvs, &r->recv_pool);

	return reads && recvs && list_empty(&r->aborted) && list_empty(&r->deferred);
}

static int enter(struct reactor *r, bool wait, uint64_t deadline_ns) REACTOR_ONLY
{
	int ret = r->backend->enter(r, wait, deadline_ns);

	r->handovers += !r->backend->is_handed_over || r->backend->is_handed_over(r);
	return ret;
}

int reactor_turn(struct reactor *r, bool wait)
{
	bool idle = is_idle(r);
	int ret;

	assert(!r->in_turn); /* not from an event */
	ret = enter(r, wait && idle, next_deadline(r));
	if (ret < 0)
		return ret;
	r->in_turn = true;
	r->now_ns = clock_now_ns();
	abort_parked(r);
	for (int i = 0; i < ROUNDS_MAX && r->backend->reap(r) > 0; i++)
		continue;
	run_timers(r);
	run_deferred(r);
	r->in_turn = false;
	if (!wait)
		reactor_submit(r);
	return 0;
}

void reactor_submit(struct reactor *r)
{
	bool idle;

	if (r->in_turn)
		return;
	idle = is_idle(r);
	r->backend->arm_wakeup(r, idle ? next_deadline(r) : clock_now_ns());
	(void)enter(r, false, UINT64_MAX);
}

void reactor_wake(struct reactor *r, uint32_t *word)
{
	r->stats.wakes++;
	r->backend->wake(r, word);
}

/* ---- slots --------------------------------------------------------------- */

int reactor_slot_take(struct reactor *r)
{
	return r->n_free ? r->free_slots[--r->n_free] : -EMFILE;
}

/*
 * The closing of a slot's last file may still be in the queue, and would close what
 * another thread puts there.  Slots that were dropped since the queue was handed over
 * lie on top: below them there is another one, as a rule.
 */
int reactor_slot_reserve(struct reactor *r)
{
	unsigned i = r->n_free;
	int slot;

	while (i > 0 && r->slot_dropped[r->free_slots[i - 1]] == r->handovers)
		i--;
	if (i == 0) {
		(void)enter(r, false, UINT64_MAX);
		return reactor_slot_take(r);
	}
	slot = r->free_slots[i - 1];
	r->free_slots[i - 1] = r->free_slots[--r->n_free];
	return slot;
}

void reactor_slot_fill(struct reactor *r, int slot, int fd)
{
	assert(!r->slot_filled[slot]);
	r->slot_filled[slot] = true;
	if (fd >= 0)
		r->backend->slot_fill(r, slot, fd);
}

void reactor_slot_drop(struct reactor *r, int slot)
{
	if (r->slot_filled[slot]) {
		r->backend->slot_close(r, slot);
		r->slot_dropped[slot] = r->handovers;
	}
	r->slot_filled[slot] = false;
	r->free_slots[r->n_free++] = slot;
}

unsigned reactor_slots(const struct reactor *r)
{
	return r->n_slots;
}

unsigned reactor_slots_free(const struct reactor *r)
{
	return r->n_free;
}

/* ---- mailboxes ----------------------------------------------------------- */

int mailbox_open(struct reactor *r, struct mailbox **ret_mailbox)
{
	return r->backend->mailbox_open(r, ret_mailbox);
}

void mailbox_close(struct mailbox *mailbox)
{
	if (mailbox)
		mailbox->reactor->backend->mailbox_close(mailbox);
}

void mailbox_post(struct mailbox *mailbox, struct op *op, int res)
{
	mailbox->reactor->backend->mailbox_post(mailbox, op, res);
}

bool mailbox_can_move(struct mailbox *mailbox)
{
	const struct backend *backend = mailbox->reactor->backend;

	return backend->mailbox_can_move && backend->mailbox_can_move(mailbox);
}

int mailbox_move(struct mailbox *mailbox, int host)
{
	return mailbox->reactor->backend->mailbox_move(mailbox, host);
}

void mailbox_leave(struct mailbox *mailbox)
{
	mailbox->reactor->backend->mailbox_leave(mailbox);
}

void mailbox_post_files(struct mailbox *mailbox, struct op *op, int res,
			const struct mailbox_files *files)
{
	mailbox->reactor->backend->mailbox_post_files(mailbox, op, res, files);
}

void mailbox_look(struct mailbox *mailbox)
{
	mailbox->reactor->backend->mailbox_look(mailbox);
}
