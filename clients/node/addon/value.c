/*
 * JavaScript values to C and back.  No descriptor is opened or closed here.
 */
#include "value.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#define MESSAGE_BYTES 512

bool value_ok(napi_env env, napi_status status)
{
	const napi_extended_error_info *info = NULL;
	const char *message = NULL;
	bool pending = false;

	if (status == napi_ok)
		return true;
	/* Asked for first: each further call has an error of its own. */
	if (napi_get_last_error_info(env, &info) == napi_ok && info)
		message = info->error_message;
	if (napi_is_exception_pending(env, &pending) == napi_ok && !pending)
		(void)napi_throw_error(env, NULL, message ? message : "the addon failed");
	return false;
}

static bool set_string(napi_env env, napi_value object, const char *name,
		       const char *text)
{
	napi_value value;

	return value_ok(env,
			napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value)) &&
	       value_ok(env, napi_set_named_property(env, object, name, value));
}

napi_value value_throw_errno(napi_env env, int error, const char *syscall,
			     const char *path)
{
	char message[MESSAGE_BYTES];
	char code[64];
	napi_value text, object, number;

	(void)uv_err_name_r(-error, code, sizeof(code));
	(void)snprintf(message, sizeof(message), "%s %s%s%s", syscall, code,
		       path ? " " : "", path ? path : "");
	if (!value_ok(env,
		      napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &text)) ||
	    !value_ok(env, napi_create_error(env, NULL, text, &object)) ||
	    !(number = value_of_int(env, -error)) ||
	    !value_ok(env, napi_set_named_property(env, object, "errno", number)) ||
	    !set_string(env, object, "code", code) ||
	    !set_string(env, object, "syscall", syscall))
		return NULL;
	if (path && !set_string(env, object, "address", path))
		return NULL;
	(void)value_ok(env, napi_throw(env, object));
	return NULL;
}

bool value_refuse(napi_env env, const char *what)
{
	(void)value_ok(env, napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", what));
	return false;
}

bool value_arguments(napi_env env, napi_callback_info info, size_t count,
		     napi_value ret_values[VALUE_ARGUMENTS_MAX])
{
	size_t given = VALUE_ARGUMENTS_MAX;

	/* Those that were not given are undefined. */
	if (!value_ok(env, napi_get_cb_info(env, info, &given, ret_values, NULL, NULL)))
		return false;
	return given >= count || value_refuse(env, "an argument is missing");
}

bool value_int(napi_env env, napi_value value, const char *what, int *ret_number)
{
	double number = 0.5;
	char message[MESSAGE_BYTES];
	napi_status status = napi_get_value_double(env, value, &number);

	if (status == napi_ok && number >= INT_MIN && number <= INT_MAX &&
	    number == (double)(int)number) {
		*ret_number = (int)number;
		return true;
	}
	if (status != napi_ok && status != napi_number_expected)
		return value_ok(env, status);
	(void)snprintf(message, sizeof(message), "%s is not an integer", what);
	return value_refuse(env, message);
}

bool value_is(napi_env env, napi_value value, napi_valuetype type)
{
	napi_valuetype is;

	return napi_typeof(env, value, &is) == napi_ok && is == type;
}

static bool is_bytes(napi_env env, napi_value view)
{
	napi_typedarray_type type;
	bool is = false;

	return napi_is_typedarray(env, view, &is) == napi_ok && is &&
	       napi_get_typedarray_info(env, view, &type, NULL, NULL, NULL, NULL) ==
		       napi_ok &&
	       type == napi_uint8_array;
}

bool value_bytes(napi_env env, napi_value view, napi_value offset, napi_value length,
		 uint8_t **ret_bytes, size_t *ret_size)
{
	void *data = NULL;
	size_t size = 0;
	int from = 0;
	int count = 0;

	if (!is_bytes(env, view))
		return value_refuse(env, "the buffer is not a Uint8Array");
	if (!value_ok(env, napi_get_typedarray_info(env, view, NULL, &size, &data, NULL,
						    NULL)) ||
	    !value_int(env, offset, "the offset", &from) ||
	    !value_int(env, length, "the length", &count))
		return false;
	if (from < 0 || count < 0 || (size_t)from > size ||
	    (size_t)count > size - (size_t)from)
		return value_refuse(env, "the offset and the length leave the buffer");
	*ret_bytes = data ? (uint8_t *)data + from : NULL;
	*ret_size = (size_t)count;
	return true;
}

static bool fd_at(napi_env env, napi_value list, uint32_t index, int *ret_fd)
{
	napi_value one;

	if (!value_ok(env, napi_get_element(env, list, index, &one)) ||
	    !value_int(env, one, "a descriptor", ret_fd))
		return false;
	return *ret_fd >= 0 || value_refuse(env, "a descriptor is negative");
}

bool value_fds(napi_env env, napi_value list, int ret_fds[VALUE_FDS_MAX],
	       size_t *ret_count)
{
	uint32_t count = 0;
	bool is = false;

	*ret_count = 0;
	if (value_is(env, list, napi_undefined) || value_is(env, list, napi_null))
		return true;
	if (!value_ok(env, napi_is_array(env, list, &is)))
		return false;
	if (!is)
		return value_refuse(env, "the descriptors are not an array");
	if (!value_ok(env, napi_get_array_length(env, list, &count)))
		return false;
	if (count > VALUE_FDS_MAX)
		return value_refuse(env, "more than 64 descriptors");
	for (uint32_t i = 0; i < count; i++)
		if (!fd_at(env, list, i, &ret_fds[i]))
			return false;
	*ret_count = count;
	return true;
}

napi_value value_of_int(napi_env env, int64_t number)
{
	napi_value value;

	return value_ok(env, napi_create_int64(env, number, &value)) ? value : NULL;
}

napi_value value_of_fds(napi_env env, const int *fds, size_t count)
{
	napi_value list, one;

	if (!value_ok(env, napi_create_array_with_length(env, count, &list)))
		return NULL;
	for (uint32_t i = 0; i < count; i++)
		if (!(one = value_of_int(env, fds[i])) ||
		    !value_ok(env, napi_set_element(env, list, i, one)))
			return NULL;
	return list;
}

napi_value value_undefined(napi_env env)
{
	napi_value value;

	return value_ok(env, napi_get_undefined(env, &value)) ? value : NULL;
}
