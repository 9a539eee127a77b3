/*
 * Which back end of the reactor this run of the suite is about: what the environment
 * asks for, and io_uring else.
 */
#ifndef SUPPORT_BACKEND_H
#define SUPPORT_BACKEND_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"

static inline bool on_epoll(void)
{
	const char *name = getenv(USP_BACKEND_VARIABLE);

	return name && strcmp(name, "epoll") == 0;
}

static inline enum reactor_backend backend_wanted(void)
{
	return on_epoll() ? REACTOR_EPOLL : REACTOR_URING;
}

/* The name that the engine has for it. */
static inline const char *backend_name(void)
{
	return on_epoll() ? "epoll" : "io_uring";
}

#endif
