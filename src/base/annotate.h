/*
 * Which thread may call a function, checked by clang's -Wthread-safety, and
 * cleanup of what a function owns until it gives it away.
 */
#ifndef BASE_ANNOTATE_H
#define BASE_ANNOTATE_H

#include "base/alloc.h"

#if defined(__clang__)
#define TSA(x) __attribute__((x))
#else
#define TSA(x)
#endif

/* The kinds of thread of an engine; never locked, only named. */
struct TSA(capability("thread")) thread_role {
	char unused;
};

#define REACTOR_ONLY  TSA(requires_capability(on_reactor))
#define LAUNCHER_ONLY TSA(requires_capability(on_launcher))
#define JANITOR_ONLY  TSA(requires_capability(on_janitor))
extern struct thread_role on_reactor, on_launcher, on_janitor;

/* Said where a thread's role is known from outside: its first function, the public
 * calls of the engine, and callbacks that libraries make. */
static inline void enter_reactor(void) TSA(assert_capability(on_reactor))
{
}

static inline void enter_launcher(void) TSA(assert_capability(on_launcher))
{
}

static inline void enter_janitor(void) TSA(assert_capability(on_janitor))
{
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void annotate_free(void *place)
{
	mem_free(*(void **)place);
}

/* own_mem char *s = ...; is freed when its scope ends, unless taken. */
#define own_mem __attribute__((cleanup(annotate_free)))
#define take_ptr(place)                                                                  \
	({                                                                               \
		__typeof__(*(place)) taken = *(place);                                   \
		*(place) = NULL;                                                         \
		taken;                                                                   \
	})

#endif
