/*
 * The life of a link: a socket, the loop's poll handle on it, and what JavaScript wants to
 * hear.  It is freed when the object of JavaScript is gone, the loop has closed the handle,
 * and no callback is under way.
 */
#ifndef ADDON_WATCH_H
#define ADDON_WATCH_H

#include "value.h"

#include <uv.h>

struct link {
	uv_poll_t poll;
	int fd;
	napi_env env;
	napi_async_context context;
	napi_async_cleanup_hook_handle hook;
	napi_ref self; /* strong until it is closed */
	napi_ref on_read;
	napi_ref on_writable;
	napi_ref space; /* a Uint8Array that is read into */
	unsigned holds;
	bool wants_writable;
	bool ended;
	bool closing;
};

/**
 * Watch a socket, which it takes.  Returns NULL when it threw.
 *
 * @param on_read      called with (nread, fds): fds is undefined when none came; nread is 0
 *                     at the end, -errno on an error, and then it is not called again.
 *                     Returns a Uint8Array to read into from now on, or undefined.
 * @param on_writable  called while watch_writable() wants it and there is room
 */
struct link *watch_open(napi_env env, int fd, napi_value on_read, napi_value on_writable,
			napi_value *ret_object);

/** The link of an object that watch_open() made. */
bool watch_of(napi_env env, napi_value object, struct link **ret_link);

bool watch_set_space(struct link *link, napi_value space);

/** What there is to read into; false when it threw. */
bool watch_space(struct link *link, uint8_t **ret_bytes, size_t *ret_size);

void watch_writable(struct link *link, bool wanted);

/** Stop, and close the socket; again is nothing. */
void watch_close(struct link *link);

#endif
