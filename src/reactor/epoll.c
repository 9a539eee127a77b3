/*
 * The epoll back end, for where io_uring is refused or too old: set-up and waiting.
 *
 * The kernel tells that a file may be ready; the operation is then tried
 * (epoll_try.c).  No flag of an open file is ever changed: a child, or whoever passed
 * it, may have the same one.
 */
#include "reactor/epoll.h"

#include <errno.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "sys/fd.h"
#include "sys/uring_abi.h"

/* Between two attempts at a file that could not be watched. */
#define RETRY_NS (10 * NS_PER_MS)

/* ---- waiting ------------------------------------------------------------- */

/* Strays are tried again later than now. */
static uint64_t with_strays(const struct epoll *e, uint64_t deadline_ns)
{
	uint64_t retry_ns;

	if (list_empty(&e->strays))
		return deadline_ns;
	retry_ns = clock_now_ns() + RETRY_NS;
	return retry_ns < deadline_ns ? retry_ns : deadline_ns;
}

static int collect(struct epoll *e, uint64_t timeout_ns)
{
	int n = sys_pollset_wait(e->set_fd, e->events, EPOLL_BATCH, timeout_ns);

	e->base.stats.enters++;
	e->n_events = n > 0 ? n : 0;
	e->collected = n < EPOLL_BATCH;
	return n < 0 && n != -EINTR ? n : 0;
}

static int wait_until(struct epoll *e, uint64_t deadline_ns)
{
	uint64_t now_ns;

	deadline_ns = with_strays(e, deadline_ns);
	if (deadline_ns == UINT64_MAX)
		return collect(e, UINT64_MAX);
	now_ns = clock_now_ns();
	return collect(e, deadline_ns > now_ns ? deadline_ns - now_ns : 0);
}

/* Without waiting there is nothing to hand over, and what came is asked for by reap. */
static int epoll_enter(struct reactor *r, bool wait, uint64_t deadline_ns)
{
	struct epoll *e = epoll_of(r);
	struct list *link;
	int ret = 0;

	e->collected = false;
	if (wait && list_empty(&e->due) && epoll_go_to_sleep(e))
		ret = wait_until(e, deadline_ns);
	while ((link = list_take_first(&e->strays)))
		list_append(&e->due, link);
	return ret;
}

static void take_events(struct epoll *e) REACTOR_ONLY
{
	for (int i = 0; i < e->n_events; i++) {
		const struct epoll_event *event = &e->events[i];

		if (event->data.u64 == EPOLL_TAG_TIMER)
			e->wakeup_ns = 0;
		else if (event->data.u64 != EPOLL_TAG_MAILBOX)
			epoll_take_event(e, event);
	}
	e->n_events = 0;
}

/* No callback runs before all that the kernel told is written down. */
static unsigned epoll_reap(struct reactor *r) REACTOR_ONLY
{
	struct epoll *e = epoll_of(r);
	unsigned n;

	if (!e->collected && e->n_events == 0)
		(void)collect(e, 0);
	take_events(e);
	n = epoll_take_posted(e);
	return n + epoll_run_due(e);
}

/* The set is readable while a file has something new; the rest is the timer's. */
static void epoll_arm_wakeup(struct reactor *r, uint64_t deadline_ns)
{
	struct epoll *e = epoll_of(r);

	if (e->timer_fd < 0)
		return;
	if (!list_empty(&e->due) || !epoll_go_to_sleep(e))
		deadline_ns = 1;
	deadline_ns = with_strays(e, deadline_ns);
	if (deadline_ns == UINT64_MAX || (e->wakeup_ns && e->wakeup_ns <= deadline_ns))
		return;
	e->wakeup_ns = deadline_ns ? deadline_ns : 1;
	sys_timer_set(e->timer_fd, e->wakeup_ns);
}

/* The timer is made when the set is asked for: who does not poll does not pay. */
static int epoll_fd(struct reactor *r)
{
	struct epoll *e = epoll_of(r);
	int fd, ret;

	if (e->timer_fd >= 0)
		return e->set_fd;
	fd = sys_timer_open();
	if (fd < 0)
		return fd;
	ret = sys_pollset_add(e->set_fd, fd, EPOLLIN | EPOLLET, EPOLL_TAG_TIMER);
	if (ret < 0) {
		sys_close(fd);
		return ret;
	}
	e->timer_fd = fd;
	epoll_arm_wakeup(r, 1); /* nobody knows what came until now */
	return e->set_fd;
}

/* ---- set-up -------------------------------------------------------------- */

static void epoll_close(struct reactor *r)
{
	struct epoll *e = epoll_of(r);

	for (unsigned i = 0; i < r->n_slots; i++)
		if (r->slot_filled && r->slot_filled[i])
			sys_close(e->files[i].fd);
	sys_close(e->timer_fd);
	sys_close(e->event_fd);
	sys_close(e->set_fd);
	mem_free(e->files);
	mem_free(e->reads.buffers);
	mem_free(e->recvs.buffers);
	reactor_common_done(r);
	mem_free(e);
}

static const struct backend epoll_backend = {
	.name = "epoll",
	.arm = epoll_arm,
	.cancel = epoll_cancel,
	.slot_fill = epoll_slot_fill,
	.slot_close = epoll_slot_close,
	.buffer_give_back = epoll_buffer_give_back,
	.wake = epoll_wake,
	.enter = epoll_enter,
	.reap = epoll_reap,
	.arm_wakeup = epoll_arm_wakeup,
	.fd = epoll_fd,
	.mailbox_open = epoll_mailbox_open,
	.mailbox_close = epoll_mailbox_close,
	.mailbox_post = epoll_mailbox_post,
	.close = epoll_close,
};

static int open_pool(struct pool *pool, struct spares *spares, unsigned count,
		     size_t size)
{
	int ret = pool_init(pool, count, size);

	if (ret < 0)
		return ret;
	spares->buffers = mem_alloc(count * sizeof(struct buffer *));
	if (!spares->buffers)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		spares->buffers[i] = &pool->buffers[i];
	return 0;
}

static int open_set(struct epoll *e)
{
	e->set_fd = sys_pollset_open();
	if (e->set_fd < 0)
		return e->set_fd;
	e->event_fd = sys_event_open();
	if (e->event_fd < 0)
		return e->event_fd;
	return sys_pollset_add(e->set_fd, e->event_fd, EPOLLIN | EPOLLET,
			       EPOLL_TAG_MAILBOX);
}

/* Slots are ordinary descriptors here: a quarter is left for what is not in a slot. */
static unsigned slots_for(unsigned wanted)
{
	size_t limit = sys_nofile_limit();
	size_t most = limit - limit / 4;

	return wanted < most ? wanted : (unsigned)most;
}

static int set_up(struct epoll *e, const struct reactor_options *options)
{
	unsigned slots = slots_for(options->slots);
	int ret = open_set(e);

	if (ret < 0)
		return ret;
	ret = reactor_common_init(&e->base, slots);
	if (ret < 0)
		return ret;
	e->files = mem_zalloc(slots * sizeof(*e->files));
	if (!e->files)
		return -ENOMEM;
	ret = open_pool(&e->base.read_pool, &e->reads, options->read_buffers,
			READ_BUFFER_BYTES);
	if (ret < 0 || !options->recv_buffers)
		return ret;
	return open_pool(&e->base.recv_pool, &e->recvs, options->recv_buffers,
			 RECV_BUFFER_BYTES);
}

int epoll_open(const struct reactor_options *options, struct reactor **ret_reactor)
{
	struct epoll *e = mem_zalloc(sizeof(*e));
	int ret;

	if (!e)
		return -ENOMEM;
	e->base.backend = &epoll_backend;
	e->set_fd = e->event_fd = e->timer_fd = -1;
	e->write_flags = URING_RWF_NOSIGNAL;
	atomic_store(&e->asleep, true);
	list_init(&e->due);
	list_init(&e->running);
	list_init(&e->strays);
	ret = set_up(e, options);
	if (ret < 0) {
		epoll_close(&e->base);
		return ret;
	}
	*ret_reactor = &e->base;
	return 0;
}
