/*
 * The environment of a program: the caller's, as options change it.
 */
#ifndef CLI_RUN_ENV_H
#define CLI_RUN_ENV_H

#include <stdbool.h>
#include <stddef.h>

struct run_env {
	char **added; /* NULL-terminated; strings are the caller's */
	char **removed;
	size_t n_removed;
	bool clear;
};

/* For options among @argc arguments.  Returns 0 or -ENOMEM. */
int run_env_open(struct run_env *env, int argc);
void run_env_done(struct run_env *env);

/* Take RUN_ENV, RUN_UNSET or RUN_CLEAR_ENV, as run_spec_take(). */
int run_env_take(int option, struct run_env *env);

/* First what is removed, then what is added.  Returns 0, with an environment that is the
 * caller's to mem_free(), or -ENOMEM. */
int run_env_make(const struct run_env *env, char ***ret_envp);

#endif
