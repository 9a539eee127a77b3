/*
 * What the parts of spec.c have in common.  Private to them.
 *
 * A spec is made in two passes: one that checks and measures, and, after each block was
 * allocated, one that copies.  Each part has a function for either.
 */
#ifndef LAUNCH_SPEC_PARTS_H
#define LAUNCH_SPEC_PARTS_H

#include <stddef.h>
#include "launch/spec.h"

/* The kernel's limit of one string, its NUL included: MAX_ARG_STRLEN, 32 pages. */
#define STRING_BYTES_MAX (128u << 10)

/* What the first pass found out. */
struct measure {
	size_t n_argv, argv_bytes;
	struct spec_env *env; /* to be shared; NULL: its own is to be made */
	size_t n_env, env_bytes;
	struct bytes name;     /* the program as asked for */
	struct bytes elements; /* the PATH to search; NULL: the name is the file */
	size_t n_candidates, candidate_bytes;
	size_t n_fds, fd_bytes; /* descriptors, and the strings of them */
	size_t n_groups, cgroup_bytes;
};

/* The next free places of a block. */
struct cursor {
	struct spec_fd *fds;
	char **pointers; /* of the program's alone */
	gid_t *groups;
	char *bytes;
};

/* Copy @text, with a NUL behind it. */
char *cursor_put(struct cursor *to, const struct bytes *text);

/* What is executed: argv, environment, and the files to try. */
int spec_env_measure(const struct spec_input *input, struct measure *m,
		     const char **ret_field);
void spec_env_copy(struct spec_program *program, const struct spec_input *input,
		   const struct measure *m, struct cursor *to);

/* The environment alone: shared or made, NULL when there is no memory; and given up. */
struct spec_env *spec_env_take(const struct spec_input *input, const struct measure *m);
void spec_env_leave(struct spec_env *env);

/* Its strings, NULL-terminated. */
char **spec_env_vector(struct spec_env *env);

/* The descriptors. */
int spec_fds_measure(const struct spec_input *input, struct measure *m,
		     const char **ret_field);
void spec_fds_copy(struct spec *spec, const struct spec_input *input, struct cursor *to);

/* Those of an input that gave no spec. */
void spec_fds_close(const struct spec_input *input);

/* All the rest. */
int spec_values_measure(const struct spec_input *input, struct measure *m,
			const char **ret_field);
void spec_values_copy(struct spec *spec, const struct spec_input *input,
		      struct cursor *to);

#endif
