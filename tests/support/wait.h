/*
 * Waiting for something to become true, with a limit.  No test sleeps for a
 * time and hopes.
 */
#ifndef SUPPORT_WAIT_H
#define SUPPORT_WAIT_H

#include <poll.h>
#include <stdbool.h>
#include <time.h>

#include "base/clock.h"

/* Long enough for any machine; reached only when something is wrong. */
#define WAIT_MS 20000

static inline void wait_pause(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 500 * (long)NS_PER_US }, NULL);
}

/* wait_until(condition, limit_ms): true when it came true in time. */
#define wait_until(condition, limit_ms)                                                  \
	({                                                                               \
		uint64_t wait_end = clock_now_ns() + (uint64_t)(limit_ms)*NS_PER_MS;     \
		bool wait_held;                                                          \
                                                                                         \
		while (!(wait_held = (condition)) && clock_now_ns() < wait_end)          \
			wait_pause();                                                    \
		wait_held;                                                               \
	})

/* Wait for @events on @fd; true when one of them, or an error, is there. */
static inline bool wait_fd(int fd, short events, int limit_ms)
{
	struct pollfd waited = { .fd = fd, .events = events };

	return poll(&waited, 1, limit_ms) == 1;
}

#endif
