/*
 * What to run: validated, immutable, owner of its bytes.
 *
 * A spec is one block of memory: this struct, its pointer arrays and its
 * strings.  It opens nothing and asks the kernel nothing.
 */
#ifndef LAUNCH_SPEC_H
#define LAUNCH_SPEC_H

#include <uringspawn/spawn.h>

/* Strings as they come: packed (from the wire) or as a vector (from the API). */
struct strings {
	const char *packed; /* each with its NUL, one after the other */
	size_t packed_bytes;
	const char *const *vector; /* NULL-terminated; looked at when packed is NULL */
};

/* Bytes that need no NUL; NULL: not given. */
struct bytes {
	const char *bytes;
	size_t size;
};

/* What a spec is made of; everything borrowed until spec_new() returns. */
struct spec_input {
	struct strings argv, env, env_extend, env_unset;
	struct bytes path, search, cwd;
	/* All the rest.  Its strings that stand above are not looked at. */
	struct usp_options options;
};

struct spec {
	char **argv, **envp; /* NULL-terminated; the child hands them to execve */
	char **candidates;   /* NULL-terminated: the files to try, in order */
	const char *cwd;     /* NULL: stay */
	const char *name;    /* the program as it was asked for, for messages */
	/*
	 * The rest of what was asked, complete: no zero that means a default is left
	 * in stdio and kill.  Descriptors of kind FD are the spec's own.  Of its
	 * pointers none is to be followed that is not said to be copied.
	 */
	struct usp_options options;
};

/*
 * Check and copy.
 *
 * The descriptors of USP_STDIO_FD are taken: the spec closes them, and so does
 * this function when it fails.
 *
 * @param ret_field  on failure, the name of the field at fault
 * @return 0, or -EINVAL; -E2BIG: a string, or all of them, longer than the kernel
 *         takes; -EBADF: a negative
 *         descriptor; -ENOMEM
 */
int spec_new(const struct spec_input *input, struct spec **ret_spec,
	     const char **ret_field);
void spec_free(struct spec *spec); /* NULL is fine */

#endif
