/*
 * Options of any size, as this library knows them.
 */
#ifndef API_OPTIONS_H
#define API_OPTIONS_H

#include <stddef.h>
#include <uringspawn/spawn.h>

struct template_verbs;

/*
 * Copy @given_bytes of a caller's struct into @ret_options of @known_bytes: zero
 * for what an older header did not have.  Pointers in it stay borrowed.  Returns
 * 0, or -EINVAL: no size; -E2BIG: a newer header's field is set.
 */
int options_copy(void *ret_options, size_t known_bytes, const void *given,
		 size_t given_bytes);

/*
 * The same for usp_spawn(); also -EINVAL: no argv or no on_event, there or in its base,
 * which is of a kind without @verbs.
 */
int options_read(const struct usp_options *given, const struct template_verbs *verbs,
		 struct usp_options *ret_options);

/*
 * Whose use is asked for?  NULL: a program is, and nothing else was looked at.  Returns 0
 * with @ret_options read; or as options_copy(); -EINVAL: no on_event, or the pool is not
 * one of @home's.
 */
int options_read_pool(const struct usp_options *given, const void *home,
		      struct usp_pool **ret_pool, struct usp_options *ret_options);

/* The same for usp_template_new(), where nothing has to be there; also -EINVAL: it has a
 * base, a pool, or a descriptor of kind FD. */
int options_read_template(const struct usp_options *given,
			  struct usp_options *ret_options);

/*
 * Let @options have what it does not say and @base does.  Zero says nothing; the lists
 * (fds, groups, rlimits, cpus) count as a whole, flags add up, and what excludes each
 * other is said together.  Strings of the top level, the environment and base itself are
 * left alone.
 */
void options_inherit(struct usp_options *options, const struct usp_options *base);

#endif
