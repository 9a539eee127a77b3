/*
 * What to run: validated, immutable, owner of its bytes.
 *
 * A spec is three blocks of memory: this struct with its arrays and the strings of its
 * descriptors; its program, which is not needed when that runs; and the environment of
 * that, which is most of it and may be several specs' (of one thread).
 * It opens nothing and asks the kernel nothing.
 */
#ifndef LAUNCH_SPEC_H
#define LAUNCH_SPEC_H

#include <stdbool.h>
#include <uringspawn/spawn.h>

/* 0, 1, 2, and those that were added. */
#define SPEC_FDS_MAX (3 + USP_FDS_MAX)

/* Of usp_options.output_tail_bytes. */
#define SPEC_TAIL_BYTES_MAX (1u << 20)

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

struct spec_env;

/* What a spec is made of; everything borrowed until spec_new() returns. */
struct spec_input {
	struct strings argv, env, env_extend, env_unset;
	struct bytes path, search, cwd;
	/* Where the last environment that a spec was made with stands, or NULL when no
	 * spec has that any more: one with the same shares it.  Outlives the specs.  NULL:
	 * nothing is shared. */
	struct spec_env **last_env;
	/* All the rest.  Its strings that stand above are not looked at. */
	struct usp_options options;
};

/* One of the child's descriptors. */
struct spec_fd {
	int target;		  /* its number there */
	enum usp_stdio_kind kind; /* never DEFAULT */
	bool is_read;		  /* by the child; PIPE and HANDOVER */
	int fd;			  /* FD: the spec's own; else -1 */
	size_t same_as;	  /* DUP: the index of the one that it is; never of a DUP */
	const char *path; /* FILE: with its flags and mode, complete */
	int flags;
	unsigned mode;
	const char *name; /* for messages */
};

/* What the child executes, and where; one block with its arrays and its strings. */
struct spec_program {
	struct spec_env *env;
	char **argv, **envp; /* NULL-terminated; the child hands them to execve */
	char **candidates;   /* NULL-terminated: the files to try, in order */
	const char *cwd;     /* NULL: stay */
};

struct spec {
	struct spec_program *program; /* NULL: it was forgotten */
	const char *name;	      /* of the program, as it was asked for */
	/*
	 * By target, rising: 0, 1 and 2 are at those indexes.  Of several that are the
	 * terminal all but the first are a DUP of it.
	 */
	struct spec_fd *fds;
	size_t n_fds;
	/*
	 * The rest of what was asked, complete: no zero that means a default is left
	 * in group, kill and pty.  Copied are groups and cgroup.path; no other pointer of
	 * it is there, and nothing in stdio and fds.
	 */
	struct usp_options options;
};

/* Is the child's process group its own, to be signalled as one? */
static inline bool spec_has_group(const struct usp_options *options)
{
	return options->group != USP_GROUP_SAME && options->group != USP_GROUP_JOIN;
}

/*
 * Check and copy.
 *
 * The descriptors of USP_STDIO_FD are taken: the spec closes them, and so does
 * this function when it fails.  (More than USP_FDS_MAX are not looked at.)
 *
 * @param ret_field  on failure, the name of the field at fault
 * @return 0, or -EINVAL; -E2BIG: a string, or all of them, longer than the kernel
 *         takes; -EBADF: a negative
 *         descriptor; -ENOMEM
 */
int spec_new(const struct spec_input *input, struct spec **ret_spec,
	     const char **ret_field);
void spec_free(struct spec *spec); /* NULL is fine */

/* It runs, and is not launched again: free @program. */
void spec_forget_program(struct spec *spec);

#endif
