#include "cli/run_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"
#include "cli/option.h"
#include "cli/run_spec.h"

/* Every option, a screen of 24 lines and 80 columns. */
static const char usage[] =
	"Usage: uringspawn run [OPTIONS] [--] PROGRAM [ARGUMENTS...]\n"
	"Run PROGRAM on this command's own stdin, stdout and stderr.\n"
	"  --socket PATH          the daemon at PATH (or @NAME) runs it; and when this\n"
	"  --gone WHAT            command is gone: kill it, keep it, or release it\n"
	"  --timeout TIME         end it after TIME: 10, 1.5s, 500ms, 2m, 1h, 1d\n"
	"  -s, --signal NAME      first by TERM; -k, --kill-after TIME  then KILL (2s)\n"
	"  --kill-target WHOM     group, process, or tree (--tree); --preserve-status\n"
	"  --launch-timeout TIME  --queue-timeout TIME  --idle-timeout TIME: no output\n"
	"  --output-max BYTES     end it at 512, 64K, 2M; --tail BYTES  keep the last\n"
	"  --drain TIME           for output after its exit; --drain-kill  who holds it\n"
	"  --cwd DIR  --arg0 NAME --env NAME=VALUE  --unset NAME  --clear-env\n"
	"  --stdin FILE           --stdout FILE  --stderr FILE  --append  --fd N  hand on\n"
	"  --user NAME            --group NAME  --groups LIST  --no-new-privs  --bound\n"
	"  --umask MODE  --nice N --oom-score-adj N  --cpus 0,2-5  --rlimit NAME=N[:N]\n"
	"  --ignore SIGNAL        --cgroup  --cgroup-path PATH  in a cgroup, at most:\n"
	"  --cgroup-memory BYTES  --cgroup-pids N  --cgroup-cpu CPUS\n"
	"  --pty[=ROWSxCOLUMNS]   on a terminal of its own; --session  of its own\n"
	"  --foreground           in this command's process group; --stats  what it used\n"
	"With a terminal on stdin it shares this command's process group, and so gets the\n"
	"keyboard's signals.  Otherwise it has its own, and signals are forwarded to it.\n"
	"\n"
	"Exit code: the program's; 128+N when signal N ended it; 124 on timeout; 125\n"
	"when uringspawn itself fails; 126 when PROGRAM cannot be executed; 127 when\n"
	"there is none.\n";

enum {
	HELP = RUN_OPTION_END,
	SOCKET,
	ENV,
	UNSET,
	CLEAR_ENV,
	PRESERVE_STATUS,
	STATS,
};

static const struct option known[] = {
	{ "help", no_argument, NULL, HELP },
	{ "socket", required_argument, NULL, SOCKET },
	{ "gone", required_argument, NULL, RUN_GONE },
	{ "timeout", required_argument, NULL, RUN_TIMEOUT },
	{ "signal", required_argument, NULL, RUN_SIGNAL },
	{ "kill-after", required_argument, NULL, RUN_KILL_AFTER },
	{ "kill-target", required_argument, NULL, RUN_KILL_TARGET },
	{ "tree", no_argument, NULL, RUN_TREE },
	{ "preserve-status", no_argument, NULL, PRESERVE_STATUS },
	{ "launch-timeout", required_argument, NULL, RUN_LAUNCH_TIMEOUT },
	{ "queue-timeout", required_argument, NULL, RUN_QUEUE_TIMEOUT },
	{ "idle-timeout", required_argument, NULL, RUN_IDLE_TIMEOUT },
	{ "output-max", required_argument, NULL, RUN_OUTPUT_MAX },
	{ "limit-output", required_argument, NULL, RUN_OUTPUT_MAX }, /* the same */
	{ "tail", required_argument, NULL, RUN_TAIL },
	{ "drain", required_argument, NULL, RUN_DRAIN },
	{ "drain-kill", no_argument, NULL, RUN_DRAIN_KILL },
	{ "cwd", required_argument, NULL, RUN_CWD },
	{ "arg0", required_argument, NULL, RUN_ARG0 },
	{ "env", required_argument, NULL, ENV },
	{ "unset", required_argument, NULL, UNSET },
	{ "clear-env", no_argument, NULL, CLEAR_ENV },
	{ "stdin", required_argument, NULL, RUN_STDIN },
	{ "stdout", required_argument, NULL, RUN_STDOUT },
	{ "stderr", required_argument, NULL, RUN_STDERR },
	{ "append", no_argument, NULL, RUN_APPEND },
	{ "fd", required_argument, NULL, RUN_FD },
	{ "user", required_argument, NULL, RUN_USER },
	{ "group", required_argument, NULL, RUN_GROUP },
	{ "groups", required_argument, NULL, RUN_GROUPS },
	{ "no-new-privs", no_argument, NULL, RUN_NO_NEW_PRIVS },
	{ "bound", no_argument, NULL, RUN_BOUND },
	{ "umask", required_argument, NULL, RUN_UMASK },
	{ "nice", required_argument, NULL, RUN_NICE },
	{ "oom-score-adj", required_argument, NULL, RUN_OOM_SCORE_ADJ },
	{ "cpus", required_argument, NULL, RUN_CPUS },
	{ "rlimit", required_argument, NULL, RUN_RLIMIT },
	{ "ignore", required_argument, NULL, RUN_IGNORE },
	{ "cgroup", no_argument, NULL, RUN_CGROUP },
	{ "cgroup-path", required_argument, NULL, RUN_CGROUP_PATH },
	{ "cgroup-memory", required_argument, NULL, RUN_CGROUP_MEMORY },
	{ "cgroup-pids", required_argument, NULL, RUN_CGROUP_PIDS },
	{ "cgroup-cpu", required_argument, NULL, RUN_CGROUP_CPU },
	{ "pty", optional_argument, NULL, RUN_PTY },
	{ "session", no_argument, NULL, RUN_SESSION },
	{ "foreground", no_argument, NULL, RUN_FOREGROUND },
	{ "stats", no_argument, NULL, STATS },
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

static void unset(char **envp, const char *name)
{
	size_t size = strlen(name), kept = 0;

	for (size_t i = 0; envp[i]; i++)
		if (strncmp(envp[i], name, size) || envp[i][size] != '=')
			envp[kept++] = envp[i];
	envp[kept] = NULL;
}

/* What is asked of the environment: first what is removed, then what is added. */
struct env_plan {
	char **added; /* NULL-terminated */
	char **removed;
	size_t n_removed;
	bool clear;
};

/* Returns 0, 1 when help was printed, or -EINVAL. */
static int take(int option, struct run_options *options, struct env_plan *env)
{
	switch (option) {
	case HELP:
		fputs(usage, stdout);
		return 1;
	case SOCKET:
		options->socket = optarg;
		return *optarg ? 0 : run_spec_bad("--socket", "a path or @NAME");
	case ENV:
		if (*optarg == '=' || !strchr(optarg, '='))
			return run_spec_bad("--env", "NAME=VALUE");
		set(env->added, optarg);
		return 0;
	case UNSET:
		if (!*optarg || strchr(optarg, '='))
			return run_spec_bad("--unset", "the name of a variable");
		env->removed[env->n_removed++] = optarg;
		return 0;
	case CLEAR_ENV:
		env->clear = true;
		return 0;
	case PRESERVE_STATUS:
		options->preserve_status = true;
		return 0;
	case STATS:
		options->stats = true;
		options->asked.flags |= USP_FLAG_RUSAGE;
		return 0;
	}
	return run_spec_take(option, options);
}

static int make_env(const struct env_plan *env, char ***ret_envp)
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

static int parse(int argc, char **argv, struct run_options *options, struct env_plan *env)
{
	int option, ret;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:k:s:", known, NULL)) != -1) {
		ret = -EINVAL;
		if (option == '?' || option == ':')
			option_complain("run", argv, known);
		else
			ret = take(option, options, env);
		if (ret)
			return ret;
	}
	if (!argv[optind]) {
		fputs("uringspawn: no program to run; see 'uringspawn run --help'\n",
		      stderr);
		return -EINVAL;
	}
	options->argv = argv + optind;
	ret = run_spec_complete(options);
	if (ret)
		return ret;
	return make_env(env, &options->envp);
}

int run_options_parse(int argc, char **argv, struct run_options *options)
{
	size_t n = (size_t)argc + 1;
	struct env_plan env = { .added = mem_zalloc(2 * n * sizeof(char *)) };
	int ret;

	if (!env.added)
		return -ENOMEM;
	env.removed = env.added + n;
	*options = (struct run_options){ 0 };
	ret = parse(argc, argv, options, &env);
	mem_free(env.added);
	return ret;
}

void run_options_done(struct run_options *options)
{
	mem_free(options->envp);
}
