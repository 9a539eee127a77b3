/*
 * The epoll back end: the way back from other threads, a stack that the reactor takes
 * as a whole, and an eventfd that is signalled when the reactor may be asleep.
 */
#include "reactor/epoll.h"

#include <errno.h>
#include "base/alloc.h"
#include "sys/fd.h"
#include "sys/futex.h"

/*
 * "Asleep" is said before the stack is looked at for the last time, and who posts puts
 * before it looks at that: one of the two sees the other.
 */
bool epoll_go_to_sleep(struct epoll *e)
{
	atomic_store(&e->asleep, true);
	return atomic_load(&e->inbox) == NULL;
}

void epoll_mailbox_post(struct mailbox *mailbox, struct op *op, int res)
{
	struct epoll *e = epoll_of(mailbox->reactor);
	struct op *last = atomic_load_explicit(&e->inbox, memory_order_relaxed);

	op->outcome = res;
	do
		op->next_posted = last;
	while (!atomic_compare_exchange_weak(&e->inbox, &last, op));
	if (!last && atomic_load(&e->asleep))
		sys_event_signal(e->event_fd);
}

/* In the order in which they were posted. */
static struct op *reverse(struct op *last)
{
	struct op *first = NULL;

	while (last) {
		struct op *before = last->next_posted;

		last->next_posted = first;
		first = last;
		last = before;
	}
	return first;
}

unsigned epoll_take_posted(struct epoll *e)
{
	struct op *op, *next;
	unsigned n = 0;

	if (e->timer_fd < 0) /* else somebody polls, at any time */
		atomic_store(&e->asleep, false);
	for (op = reverse(atomic_exchange(&e->inbox, NULL)); op; op = next) {
		const struct completion done = { .res = op->outcome };

		next = op->next_posted;
		reactor_complete(&e->base, op, &done);
		n++;
	}
	return n;
}

void epoll_wake(struct reactor *r, uint32_t *word)
{
	(void)r;
	sys_futex_wake(word, 1);
}

int epoll_mailbox_open(struct reactor *r, struct mailbox **ret_mailbox)
{
	struct mailbox *m = mem_zalloc(sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->reactor = r;
	*ret_mailbox = m;
	return 0;
}

void epoll_mailbox_close(struct mailbox *mailbox)
{
	mem_free(mailbox);
}
