#include "cli/run_env.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"
#include "cli/run_spec.h"

static size_t count(char *const *strings)
{
	size_t n = 0;

	while (strings[n])
		n++;
	return n;
}

/* Add "NAME=VALUE", in place of what has the same name. */
static void set(char **envp, char *string)
{
	size_t name = strcspn(string, "=") + 1, i;

	for (i = 0; envp[i]; i++)
		if (strncmp(envp[i], string, name) == 0)
			break;
	if (!envp[i])
		envp[i + 1] = NULL;
	envp[i] = string;
}

static void unset(char **envp, const char *name)
{
	size_t size = strlen(name), kept = 0;

	for (size_t i = 0; envp[i]; i++)
		if (strncmp(envp[i], name, size) || envp[i][size] != '=')
			envp[kept++] = envp[i];
	envp[kept] = NULL;
}

int run_env_open(struct run_env *env, int argc)
{
	size_t n = (size_t)argc + 1;

	*env = (struct run_env){ .added = mem_zalloc(2 * n * sizeof(char *)) };
	if (!env->added)
		return -ENOMEM;
	env->removed = env->added + n;
	return 0;
}

void run_env_done(struct run_env *env)
{
	mem_free(env->added);
}

int run_env_take(int option, struct run_env *env)
{
	switch (option) {
	case RUN_ENV:
		if (*optarg == '=' || !strchr(optarg, '='))
			return run_spec_bad("--env", "NAME=VALUE");
		set(env->added, optarg);
		return 0;
	case RUN_UNSET:
		if (!*optarg || strchr(optarg, '='))
			return run_spec_bad("--unset", "the name of a variable");
		env->removed[env->n_removed++] = optarg;
		return 0;
	case RUN_CLEAR_ENV:
		env->clear = true;
		return 0;
	}
	return -EINVAL;
}

int run_env_make(const struct run_env *env, char ***ret_envp)
{
	size_t inherited = env->clear ? 0 : count(environ);
	char **envp = mem_zalloc((inherited + count(env->added) + 1) * sizeof(*envp));

	if (!envp)
		return -ENOMEM;
	if (inherited)
		memcpy(envp, environ, inherited * sizeof(*envp));
	for (size_t i = 0; i < env->n_removed; i++)
		unset(envp, env->removed[i]);
	for (size_t i = 0; env->added[i]; i++)
		set(envp, env->added[i]);
	*ret_envp = envp;
	return 0;
}
