#include "cli/run_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"
#include "cli/option.h"

static const char usage[] =
	"Usage: uringspawn run [OPTIONS] [--] PROGRAM [ARGUMENTS...]\n"
	"Run PROGRAM on this command's own stdin, stdout and stderr.\n"
	"\n"
	"  --socket PATH      let the daemon at PATH (or @NAME) run it\n"
	"  --timeout TIME     end it after TIME: 10, 1.5s, 500ms, 2m, 1h\n"
	"  --kill-after TIME  SIGKILL so long after the first signal (2s)\n"
	"  --signal NAME      the first signal (TERM)\n"
	"  --cwd DIR          run it in DIR\n"
	"  --env NAME=VALUE   add to its environment; may be given often\n"
	"  --clear-env        begin with an empty environment\n"
	"\n"
	"With a terminal on stdin the program shares this command's process group, so\n"
	"that the keyboard's signals reach it.  Otherwise it has a group of its own and\n"
	"INT TERM HUP QUIT USR1 USR2 WINCH CONT TSTP are forwarded to it.\n"
	"\n"
	"Exit code: the program's; 128+N when signal N ended it; 124 on timeout; 125\n"
	"when uringspawn itself fails; 126 when PROGRAM cannot be executed; 127 when\n"
	"there is none.\n";

enum { HELP = 256, SOCKET, TIMEOUT, KILL_AFTER, SIGNAL, CWD, ENV, CLEAR_ENV };

static const struct option known[] = {
	{ "help", no_argument, NULL, HELP },
	{ "socket", required_argument, NULL, SOCKET },
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "kill-after", required_argument, NULL, KILL_AFTER },
	{ "signal", required_argument, NULL, SIGNAL },
	{ "cwd", required_argument, NULL, CWD },
	{ "env", required_argument, NULL, ENV },
	{ "clear-env", no_argument, NULL, CLEAR_ENV },
	{ 0 },
};

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

static int bad_value(const char *option, const char *value, const char *hint)
{
	fprintf(stderr, "uringspawn: %s '%s' is not %s\n", option, value, hint);
	return -EINVAL;
}

/* A time of 0 would mean the default: the least time is what was meant. */
static int duration(const char *option, uint64_t *ret_ns)
{
	if (option_duration(optarg, ret_ns))
		return bad_value(option, optarg,
				 "a length of time (10, 1.5s, 500ms, 2m, 1h)");
	if (*ret_ns == 0)
		*ret_ns = 1;
	return 0;
}

/* What is asked of the environment, in the order given. */
struct env_plan {
	char **added; /* NULL-terminated */
	bool clear;
};

static int take(int option, struct run_options *options, struct env_plan *env)
{
	switch (option) {
	case HELP:
		fputs(usage, stdout);
		return 1;
	case SOCKET:
		options->socket = optarg;
		return *optarg ? 0 : bad_value("--socket", optarg, "a path or @NAME");
	case TIMEOUT:
		return duration("--timeout", &options->timeout_ns);
	case KILL_AFTER:
		return duration("--kill-after", &options->kill_after_ns);
	case SIGNAL:
		options->signal = option_signal(optarg);
		return options->signal > 0 ? 0
					   : bad_value("--signal", optarg, "a signal");
	case CWD:
		options->cwd = optarg;
		return *optarg ? 0 : bad_value("--cwd", optarg, "a directory");
	case ENV:
		if (*optarg == '=' || !strchr(optarg, '='))
			return bad_value("--env", optarg, "NAME=VALUE");
		set(env->added, optarg);
		return 0;
	case CLEAR_ENV:
		env->clear = true;
		return 0;
	}
	return -EINVAL;
}

static int make_env(const struct env_plan *env, char ***ret_envp)
{
	size_t inherited = env->clear ? 0 : count(environ);
	char **envp = mem_zalloc((inherited + count(env->added) + 1) * sizeof(*envp));

	if (!envp)
		return -ENOMEM;
	if (inherited)
		memcpy(envp, environ, inherited * sizeof(*envp));
	for (size_t i = 0; env->added[i]; i++)
		set(envp, env->added[i]);
	*ret_envp = envp;
	return 0;
}

static int parse(int argc, char **argv, struct run_options *options, struct env_plan *env)
{
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", known, NULL)) != -1) {
		int ret = take(option, options, env);

		if (option == '?' || option == ':')
			option_complain("run", argv, known);
		if (ret)
			return ret;
	}
	if (!argv[optind]) {
		fputs("uringspawn: no program to run; see 'uringspawn run --help'\n",
		      stderr);
		return -EINVAL;
	}
	options->argv = argv + optind;
	return make_env(env, &options->envp);
}

int run_options_parse(int argc, char **argv, struct run_options *ret_options)
{
	struct run_options options = { 0 };
	struct env_plan env = { .added =
					mem_zalloc(((size_t)argc + 1) * sizeof(char *)) };
	int ret;

	if (!env.added)
		return -ENOMEM;
	ret = parse(argc, argv, &options, &env);
	mem_free(env.added);
	if (!ret)
		*ret_options = options;
	return ret;
}

void run_options_done(struct run_options *options)
{
	mem_free(options->envp);
}
