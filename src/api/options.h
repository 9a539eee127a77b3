/*
 * Options of any size, as this library knows them.
 */
#ifndef API_OPTIONS_H
#define API_OPTIONS_H

#include <stddef.h>
#include <uringspawn/spawn.h>

/*
 * Copy @given_bytes of a caller's struct into @ret_options of @known_bytes: zero
 * for what an older header did not have.  Pointers in it stay borrowed.  Returns
 * 0, or -EINVAL: no size; -E2BIG: a newer header's field is set.
 */
int options_copy(void *ret_options, size_t known_bytes, const void *given,
		 size_t given_bytes);

/* The same for usp_spawn(); also -EINVAL: no argv or no on_event. */
int options_read(const struct usp_options *given, struct usp_options *ret_options);

#endif
