/*
 * Time: CLOCK_MONOTONIC in nanoseconds, so that neither a set clock nor a
 * suspended machine ends a job early.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* @span_ns after @start_ns; what is too far away is never. */
static inline uint64_t clock_after(uint64_t start_ns, uint64_t span_ns)
{
	return span_ns < UINT64_MAX - start_ns ? start_ns + span_ns : UINT64_MAX;
}

#endif
