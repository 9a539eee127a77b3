/*
 * The environment of a child: what is given, less some names, with some strings on
 * top.
 */
#ifndef LAUNCH_ENV_H
#define LAUNCH_ENV_H

#include <stdbool.h>
#include "launch/spec.h"

/* Strings that were given, be they none. */
static inline bool strings_given(const struct strings *s)
{
	return s->packed || s->vector;
}

/*
 * Leave the names of @unset out of @env; then let each string of @extend take the place
 * of the one with its name, or go to the end.  The order is kept; of two with the same
 * name in @extend the last counts, in the place of the first.
 *
 * @param ret_vector  borrows the strings; NULL-terminated, to be freed by mem_free()
 * @param ret_field  on failure, the name of the list at fault
 * @return 0, or -EINVAL: a string without a name, a name with '=';
 *         -E2BIG: more strings than anybody needs; -ENOMEM
 */
int env_make(const struct strings *env, const struct strings *extend,
	     const struct strings *unset, const char ***ret_vector,
	     const char **ret_field);

#endif
