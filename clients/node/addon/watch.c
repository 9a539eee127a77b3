/*
 * The life of a link.  All of it happens on the thread of its environment.
 */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "message.h"

/* Then the other handles of the loop have their turn. */
#define READS_PER_TURN 16

static const napi_type_tag link_tag = { 0x8f2f6c1f4b7d4c0eu, 0xa1d03e95b6624f7bu };

/* ---- its end ---------------------------------------------------------------- */

static void release(struct link *link)
{
	if (--link->holds == 0)
		free(link);
}

static void on_object_gone(napi_env env, void *data, void *hint)
{
	(void)env;
	(void)hint;
	release(data);
}

static void on_closed(uv_handle_t *handle)
{
	struct link *link = handle->data;

	(void)close(link->fd);
	if (link->hook)
		(void)napi_remove_async_cleanup_hook(link->hook);
	release(link);
}

static void drop(napi_env env, napi_ref *reference)
{
	if (*reference)
		(void)napi_delete_reference(env, *reference);
	*reference = NULL;
}

void watch_close(struct link *link)
{
	if (link->closing)
		return;
	link->closing = true;
	uv_close((uv_handle_t *)&link->poll, on_closed);
	drop(link->env, &link->on_read);
	drop(link->env, &link->on_writable);
	drop(link->env, &link->space);
	drop(link->env, &link->self);
	if (link->context)
		(void)napi_async_destroy(link->env, link->context);
	link->context = NULL;
}

/* The environment ends: a worker was terminated, or the program is done. */
static void on_cleanup(napi_async_cleanup_hook_handle hook, void *data)
{
	(void)hook;
	watch_close(data);
}

/* ---- what there is to read into ----------------------------------------------- */

bool watch_set_space(struct link *link, napi_value space)
{
	napi_ref next;
	bool is = false;

	if (!value_ok(link->env, napi_is_typedarray(link->env, space, &is)))
		return false;
	if (!is)
		return value_refuse(link->env, "the space is not a Uint8Array");
	if (!value_ok(link->env, napi_create_reference(link->env, space, 1, &next)))
		return false;
	drop(link->env, &link->space);
	link->space = next;
	return true;
}

/* Asked anew for each read: who has the buffer may have given it to another thread. */
bool watch_space(struct link *link, uint8_t **ret_bytes, size_t *ret_size)
{
	napi_value space;
	void *data = NULL;

	*ret_bytes = NULL;
	*ret_size = 0;
	if (!link->space)
		return true;
	if (!value_ok(link->env,
		      napi_get_reference_value(link->env, link->space, &space)) ||
	    !value_ok(link->env, napi_get_typedarray_info(link->env, space, NULL,
							  ret_size, &data, NULL, NULL)))
		return false;
	*ret_bytes = data;
	return true;
}

/* ---- what the loop tells --------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events);

static void start(struct link *link)
{
	int events = (link->ended ? 0 : UV_READABLE) |
		     (link->wants_writable ? UV_WRITABLE : 0);

	if (link->closing)
		return;
	if (events)
		(void)uv_poll_start(&link->poll, events, on_poll);
	else
		(void)uv_poll_stop(&link->poll);
}

/* What JavaScript threw is the program's, as if its own handle had called it. */
static void surface(napi_env env)
{
	napi_value error;
	bool pending = false;

	if (napi_is_exception_pending(env, &pending) == napi_ok && pending &&
	    napi_get_and_clear_last_exception(env, &error) == napi_ok)
		(void)napi_fatal_exception(env, error);
}

static napi_value call(struct link *link, napi_ref callback, size_t count,
		       const napi_value *arguments)
{
	napi_value self, function, result;

	if (!callback ||
	    !value_ok(link->env,
		      napi_get_reference_value(link->env, link->self, &self)) ||
	    !value_ok(link->env,
		      napi_get_reference_value(link->env, callback, &function)) ||
	    !value_ok(link->env,
		      napi_make_callback(link->env, link->context, self, function, count,
					 arguments, &result))) {
		surface(link->env);
		return NULL;
	}
	return result;
}

/* Gives the descriptors; returns whether they came to JavaScript. */
static bool tell(struct link *link, ssize_t came, struct message_fds *fds)
{
	napi_value arguments[2] = { value_of_int(link->env, came), NULL };
	napi_value next;

	arguments[1] = fds->count > 0 ? value_of_fds(link->env, fds->fds, fds->count)
				      : value_undefined(link->env);
	if (!arguments[0] || !arguments[1]) {
		message_close(fds);
		surface(link->env);
		return false;
	}
	next = call(link, link->on_read, 2, arguments);
	if (next && !link->closing && !value_is(link->env, next, napi_undefined) &&
	    !watch_set_space(link, next)) {
		surface(link->env);
		return false;
	}
	return next != NULL;
}

/* Returns whether there may be more. */
static bool read_once(struct link *link)
{
	struct message_fds fds = { .count = 0 };
	napi_handle_scope scope;
	uint8_t *bytes;
	size_t size;
	ssize_t came;
	bool more;

	if (napi_open_handle_scope(link->env, &scope) != napi_ok)
		return false;
	if (!watch_space(link, &bytes, &size))
		surface(link->env);
	came = size > 0 ? message_receive(link->fd, bytes, size, &fds) : -ENOBUFS;
	more = came > 0 && ((size_t)came == size || fds.count > 0);
	if (came != -EAGAIN) {
		link->ended = came <= 0;
		more = tell(link, came, &fds) && more;
	}
	(void)napi_close_handle_scope(link->env, scope);
	return more && !link->closing;
}

static void tell_writable(struct link *link)
{
	napi_handle_scope scope;

	if (napi_open_handle_scope(link->env, &scope) != napi_ok)
		return;
	(void)call(link, link->on_writable, 0, NULL);
	(void)napi_close_handle_scope(link->env, scope);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct link *link = poll->data;

	link->holds++;
	/* An error of the socket is told by reading it, behind the bytes that came before it. */
	if (status < 0)
		events = UV_READABLE;
	if (events & UV_READABLE && !link->ended)
		for (int i = 0; i < READS_PER_TURN && read_once(link); i++)
			;
	if (events & UV_WRITABLE && link->wants_writable && !link->closing)
		tell_writable(link);
	if (status < 0 || link->ended)
		start(link);
	release(link);
}

void watch_writable(struct link *link, bool wanted)
{
	if (link->wants_writable == wanted)
		return;
	link->wants_writable = wanted;
	start(link);
}

/* ---- its beginning ------------------------------------------------------------- */

static bool reference(napi_env env, napi_value value, napi_ref *ret_reference)
{
	return value_ok(env, napi_create_reference(env, value, 1, ret_reference));
}

static bool make_object(struct link *link, napi_value *ret_object)
{
	napi_env env = link->env;
	napi_value name;

	if (!value_ok(env, napi_create_object(env, ret_object)) ||
	    !value_ok(env, napi_type_tag_object(env, *ret_object, &link_tag)) ||
	    !value_ok(env, napi_wrap(env, *ret_object, link, on_object_gone, NULL, NULL)))
		return false;
	link->holds++;
	return value_ok(env, napi_create_string_utf8(env, "URINGSPAWN", NAPI_AUTO_LENGTH,
						     &name)) &&
	       value_ok(env, napi_async_init(env, *ret_object, name, &link->context)) &&
	       value_ok(env, napi_add_async_cleanup_hook(env, on_cleanup, link,
							 &link->hook)) &&
	       reference(env, *ret_object, &link->self);
}

static int watch(struct link *link)
{
	uv_loop_t *loop = NULL;

	if (napi_get_uv_event_loop(link->env, &loop) != napi_ok || !loop)
		return UV_ENOSYS;
	link->poll.data = link;
	return uv_poll_init(loop, &link->poll, link->fd);
}

struct link *watch_open(napi_env env, int fd, napi_value on_read, napi_value on_writable,
			napi_value *ret_object)
{
	struct link *link = calloc(1, sizeof(*link));
	int ret = UV_ENOMEM;

	if (link) {
		link->env = env;
		link->fd = fd;
		link->holds = 1; /* the loop's */
		ret = watch(link);
	}
	if (ret < 0) {
		free(link);
		(void)close(fd);
		value_throw_errno(env, -ret, "poll", NULL);
		return NULL;
	}
	if (!make_object(link, ret_object) || !reference(env, on_read, &link->on_read) ||
	    !reference(env, on_writable, &link->on_writable)) {
		watch_close(link);
		return NULL;
	}
	start(link);
	return link;
}

bool watch_of(napi_env env, napi_value object, struct link **ret_link)
{
	bool is = false;

	if (!value_is(env, object, napi_object) ||
	    !value_ok(env, napi_check_object_type_tag(env, object, &link_tag, &is)) ||
	    !is)
		return value_refuse(env, "this is not what open() made");
	return value_ok(env, napi_unwrap(env, object, (void **)ret_link));
}
