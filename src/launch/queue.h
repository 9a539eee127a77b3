/*
 * A bounded queue from one thread to several: the reactor puts plans in, the
 * launchers take them out.  No lock: nobody ever waits for anybody.
 */
#ifndef LAUNCH_QUEUE_H
#define LAUNCH_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_SIZE 64u /* a power of two; more than launchers can be busy with at once */

struct plan;

struct queue {
	_Atomic uint32_t head; /* next to take; moved by the takers */
	_Atomic uint32_t tail; /* next free place; moved by the one that puts */
	struct plan *_Atomic places[QUEUE_SIZE];
};

static inline uint32_t queue_length(struct queue *q)
{
	return atomic_load(&q->tail) -
	       atomic_load_explicit(&q->head, memory_order_acquire);
}

/* Thread: the one that puts.  False: it is full. */
static inline bool queue_put(struct queue *q, struct plan *plan)
{
	uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

	if (queue_length(q) == QUEUE_SIZE)
		return false;
	atomic_store_explicit(&q->places[tail % QUEUE_SIZE], plan, memory_order_relaxed);
	atomic_store(&q->tail, tail + 1);
	return true;
}

/*
 * Thread: any taker.  NULL: it is empty.
 *
 * A place may be filled anew while it is read here, but only after head has
 * moved on, and then the exchange fails.
 */
static inline struct plan *queue_take(struct queue *q)
{
	uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);

	while (head != atomic_load(&q->tail)) {
		struct plan *plan = atomic_load_explicit(&q->places[head % QUEUE_SIZE],
							 memory_order_relaxed);

		if (atomic_compare_exchange_weak(&q->head, &head, head + 1))
			return plan;
	}
	return NULL;
}

#endif
