/*
 * What JavaScript calls about a link.  After close(), to transfer bytes is EBADF, and all
 * else is nothing.
 */
#include "link.h"

#include <errno.h>
#include <poll.h>

#include "message.h"
#include "watch.h"

enum { EVENT_READABLE = 1, EVENT_WRITABLE = 2 };

/* The arguments of a call, whose first is a link. */
static struct link *link_call(napi_env env, napi_callback_info info, size_t count,
			      napi_value arguments[VALUE_ARGUMENTS_MAX])
{
	struct link *link;

	if (!value_arguments(env, info, count, arguments) ||
	    !watch_of(env, arguments[0], &link))
		return NULL;
	return link;
}

/* open(fd, onRead, onWritable) -> link; see watch.h. Takes the descriptor. */
static napi_value do_open(napi_env env, napi_callback_info info)
{
	napi_value arguments[VALUE_ARGUMENTS_MAX];
	napi_value object;
	int fd;

	if (!value_arguments(env, info, 3, arguments))
		return NULL;
	if (!value_is(env, arguments[1], napi_function) ||
	    !value_is(env, arguments[2], napi_function)) {
		value_refuse(env, "a callback is not a function");
		return NULL;
	}
	if (!value_int(env, arguments[0], "the descriptor", &fd))
		return NULL;
	return watch_open(env, fd, arguments[1], arguments[2], &object) ? object : NULL;
}

/* setSpace(link, view): what comes next is read into it, whoever reads. */
static napi_value do_set_space(napi_env env, napi_callback_info info)
{
	napi_value arguments[VALUE_ARGUMENTS_MAX];
	struct link *link = link_call(env, info, 2, arguments);

	if (!link || (!link->closing && !watch_set_space(link, arguments[1])))
		return NULL;
	return value_undefined(env);
}

static bool append(napi_env env, napi_value list, const struct message_fds *fds)
{
	uint32_t length;

	if (!value_ok(env, napi_get_array_length(env, list, &length)))
		return false;
	for (uint32_t i = 0; i < fds->count; i++) {
		napi_value one = value_of_int(env, fds->fds[i]);

		if (!one || !value_ok(env, napi_set_element(env, list, length + i, one)))
			return false;
	}
	return true;
}

/*
 * receive(link, fds) -> nread: what is there now, into the space; descriptors are added to
 * the array `fds`. 0: the end; -errno: EAGAIN when nothing is there.
 */
static napi_value do_receive(napi_env env, napi_callback_info info)
{
	napi_value arguments[VALUE_ARGUMENTS_MAX];
	struct link *link = link_call(env, info, 2, arguments);
	struct message_fds fds = { .count = 0 };
	uint8_t *bytes;
	size_t size;
	ssize_t came;

	if (!link)
		return NULL;
	if (link->closing)
		return value_of_int(env, -EBADF);
	if (!watch_space(link, &bytes, &size))
		return NULL;
	came = size > 0 ? message_receive(link->fd, bytes, size, &fds) : -ENOBUFS;
	if (fds.count > 0 && !append(env, arguments[1], &fds)) {
		message_close(&fds);
		return NULL;
	}
	return value_of_int(env, came);
}

/*
 * write(link, view, offset, length, fds) -> how many bytes were taken, or -errno. Borrows
 * the descriptors, of which there are none when it is undefined.
 */
static napi_value do_write(napi_env env, napi_callback_info info)
{
	napi_value arguments[VALUE_ARGUMENTS_MAX];
	struct link *link = link_call(env, info, 4, arguments);
	int fds[VALUE_FDS_MAX];
	size_t count;
	uint8_t *bytes;
	size_t size;

	/* The bytes last: to read an array may run JavaScript. */
	if (!link || !value_fds(env, arguments[4], fds, &count) ||
	    !value_bytes(env, arguments[1], arguments[2], arguments[3], &bytes, &size))
		return NULL;
	if (link->closing)
		return value_of_int(env, -EBADF);
	if (size == 0)
		return count == 0 ? value_of_int(env, 0) : value_of_int(env, -EINVAL);
	return value_of_int(env, message_send(link->fd, bytes, size, fds, count));
}

/*
 * wait(link, events, ms) -> events: 1 readable, or at its end; 2 writable. The event loop
 * stands still meanwhile. 0: the time has passed, or a signal came.
 */
static napi_value do_wait(napi_env env, napi_callback_info info)
{
	napi_value arguments[VALUE_ARGUMENTS_MAX];
	struct link *link = link_call(env, info, 3, arguments);
	struct pollfd one = { .fd = -1 };
	int events, ms;

	if (!link || !value_int(env, arguments[1], "the events", &events) ||
	    !value_int(env, arguments[2], "the time", &ms))
		return NULL;
	if (ms < 0) {
		value_refuse(env, "the time is negative");
		return NULL;
	}
	if (link->closing)
		return value_of_int(env, EVENT_READABLE);
	one.fd = link->fd;
	one.events = (short)((events & EVENT_READABLE ? POLLIN : 0) |
			     (events & EVENT_WRITABLE ? POLLOUT : 0));
	if (poll(&one, 1, ms) <= 0)
		return value_of_int(env, 0);
	return value_of_int(env, (one.revents & ~POLLOUT ? EVENT_READABLE : 0) |
					 (one.revents & POLLOUT ? EVENT_WRITABLE : 0));
}

/* wantWritable(link, wanted) */
static napi_value do_want_writable(napi_env env, napi_callback_info info)
{
	napi_value arguments[VALUE_ARGUMENTS_MAX];
	struct link *link = link_call(env, info, 2, arguments);
	bool wanted;

	if (!link || !value_ok(env, napi_get_value_bool(env, arguments[1], &wanted)))
		return NULL;
	if (!link->closing)
		watch_writable(link, wanted);
	return value_undefined(env);
}

static napi_value hold(napi_env env, napi_callback_info info,
		       void (*set)(uv_handle_t *handle))
{
	napi_value arguments[VALUE_ARGUMENTS_MAX];
	struct link *link = link_call(env, info, 1, arguments);

	if (!link)
		return NULL;
	if (!link->closing)
		set((uv_handle_t *)&link->poll);
	return value_undefined(env);
}

/* ref(link): the event loop stays for it, as it does from open() on. */
static napi_value do_ref(napi_env env, napi_callback_info info)
{
	return hold(env, info, uv_ref);
}

/* unref(link): it does not. */
static napi_value do_unref(napi_env env, napi_callback_info info)
{
	return hold(env, info, uv_unref);
}

/* close(link): its descriptor as well, in a later turn. */
static napi_value do_close(napi_env env, napi_callback_info info)
{
	napi_value arguments[VALUE_ARGUMENTS_MAX];
	struct link *link = link_call(env, info, 1, arguments);

	if (!link)
		return NULL;
	watch_close(link);
	return value_undefined(env);
}

bool link_export(napi_env env, napi_value exports)
{
	const napi_property_descriptor functions[] = {
		{ .utf8name = "open", .method = do_open },
		{ .utf8name = "setSpace", .method = do_set_space },
		{ .utf8name = "receive", .method = do_receive },
		{ .utf8name = "write", .method = do_write },
		{ .utf8name = "wait", .method = do_wait },
		{ .utf8name = "wantWritable", .method = do_want_writable },
		{ .utf8name = "ref", .method = do_ref },
		{ .utf8name = "unref", .method = do_unref },
		{ .utf8name = "close", .method = do_close },
	};

	return value_ok(env, napi_define_properties(
				     env, exports, sizeof(functions) / sizeof(*functions),
				     functions));
}
