/*
 * JavaScript values to C and back, and errors in the shape that the runtime gives them.
 *
 * A function that returns bool has thrown a JavaScript exception when it returns false;
 * one that returns napi_value has when it returns NULL.  The caller then returns at once.
 */
#ifndef ADDON_VALUE_H
#define ADDON_VALUE_H

#define NAPI_VERSION 8

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VALUE_ARGUMENTS_MAX 5

/* The kernel's limit for one message is higher; no frame of the protocol has more. */
#define VALUE_FDS_MAX 64

/** Whether a call succeeded; throws what it complains of, when nothing is thrown yet. */
bool value_ok(napi_env env, napi_status status);

/** Throw an Error with code, errno and syscall; `path` may be NULL. Returns NULL. */
napi_value value_throw_errno(napi_env env, int error, const char *syscall,
			     const char *path);

/** Throw a TypeError that says what is wrong. Returns false. */
bool value_refuse(napi_env env, const char *what);

/** The arguments of a call, of which there have to be `count` at least. */
bool value_arguments(napi_env env, napi_callback_info info, size_t count,
		     napi_value ret_values[VALUE_ARGUMENTS_MAX]);

/** An integer of C; `what` names it in the TypeError. */
bool value_int(napi_env env, napi_value value, const char *what, int *ret_number);

/** A part of a Uint8Array, which stays valid until JavaScript runs again. */
bool value_bytes(napi_env env, napi_value view, napi_value offset, napi_value length,
		 uint8_t **ret_bytes, size_t *ret_size);

/** An array of descriptors; undefined and null are an empty one. */
bool value_fds(napi_env env, napi_value list, int ret_fds[VALUE_FDS_MAX],
	       size_t *ret_count);

bool value_is(napi_env env, napi_value value, napi_valuetype type);

/** A number of JavaScript; NULL when it threw. */
napi_value value_of_int(napi_env env, int64_t number);

/** An array of descriptors; NULL when it threw, and then they are still the caller's. */
napi_value value_of_fds(napi_env env, const int *fds, size_t count);

napi_value value_undefined(napi_env env);

#endif
