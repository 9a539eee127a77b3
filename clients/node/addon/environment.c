/*
 * To enumerate process.env costs more than all the rest of a request, and it may be written
 * to in ways that JavaScript does not see: process.loadEnvFile(), threads that share it,
 * other addons.  So its bytes are compared with those of the last time, which takes less
 * than a microsecond.
 *
 * As with any getenv(), another thread that writes to it at this moment is a race; those of
 * the C library itself have it as well.
 */
#include "environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What it was: all strings, each with its NUL. */
struct snapshot {
	char *bytes;
	size_t size;
	uint32_t version;
};

static bool is_same(const struct snapshot *snapshot)
{
	size_t at = 0;

	for (char **next = environ; next && *next; next++) {
		size_t size = strlen(*next) + 1;

		if (size > snapshot->size - at ||
		    memcmp(snapshot->bytes + at, *next, size) != 0)
			return false;
		at += size;
	}
	return at == snapshot->size;
}

/* Without memory for it nothing is remembered, so that the next time is a change again. */
static void take(struct snapshot *snapshot)
{
	size_t size = 0;
	char *to;

	free(snapshot->bytes);
	for (char **next = environ; next && *next; next++)
		size += strlen(*next) + 1;
	snapshot->bytes = malloc(size > 0 ? size : 1);
	snapshot->size = snapshot->bytes ? size : 0;
	to = snapshot->bytes;
	for (char **next = environ; to && next && *next; next++)
		to = stpcpy(to, *next) + 1;
	snapshot->version++;
}

/* environmentVersion() -> a number that is another one after each change */
static napi_value do_version(napi_env env, napi_callback_info info)
{
	struct snapshot *snapshot;

	if (!value_ok(env,
		      napi_get_cb_info(env, info, NULL, NULL, NULL, (void **)&snapshot)))
		return NULL;
	if (!is_same(snapshot))
		take(snapshot);
	return value_of_int(env, snapshot->version);
}

static void on_gone(napi_env env, void *data, void *hint)
{
	struct snapshot *snapshot = data;

	(void)env;
	(void)hint;
	free(snapshot->bytes);
	free(snapshot);
}

bool environment_export(napi_env env, napi_value exports)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	napi_value function;

	if (!snapshot)
		return value_throw_errno(env, ENOMEM, "calloc", NULL) != NULL;
	if (!value_ok(env,
		      napi_create_function(env, "environmentVersion", NAPI_AUTO_LENGTH,
					   do_version, snapshot, &function)) ||
	    !value_ok(env,
		      napi_add_finalizer(env, function, snapshot, on_gone, NULL, NULL))) {
		free(snapshot);
		return false;
	}
	return value_ok(env, napi_set_named_property(env, exports, "environmentVersion",
						     function));
}
