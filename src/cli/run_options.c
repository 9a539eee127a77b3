#include "cli/run_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"
#include "cli/limits.h"
#include "cli/option.h"

static const char usage[] =
	"Usage: uringspawn run [OPTIONS] [--] PROGRAM [ARGUMENTS...]\n"
	"Run PROGRAM on this command's own stdin, stdout and stderr.\n"
	"\n"
	"  --socket PATH        let the daemon at PATH (or @NAME) run it\n"
	"  --cwd DIR            run it in DIR; --drain TIME  for output after its exit\n"
	"  --env NAME=VALUE     add to its environment; --clear-env  begin with none\n"
	"  --timeout TIME       end it after TIME: 10, 1.5s, 500ms, 2m, 1h\n"
	"  --signal NAME        first by this (TERM); --kill-after TIME  then KILL (2s)\n"
	"  --queue-timeout TIME without a place; --idle-timeout TIME  without output\n"
	"  --output-max BYTES   end it at 512, 64K, 2M; --tail BYTES  keep the last ones\n"
	"  --user NAME          and its groups; --group NAME  instead of the user's own\n"
	"  --umask MODE         027; --nice N  -20 to 19; --cpus LIST  0,2-5\n"
	"  --rlimit NAME=N[:N]  nofile=256, core=0:unlimited; --no-new-privs\n"
	"  --tree               end all it started; --cgroup  in a cgroup of its own\n"
	"  --pty                on a terminal of its own; --stats  say what it used\n"
	"\n"
	"With a terminal on stdin the program shares this command's process group, so\n"
	"that the keyboard's signals reach it.  Otherwise it has a group of its own and\n"
	"INT TERM HUP QUIT USR1 USR2 WINCH CONT TSTP are forwarded to it.\n"
	"\n"
	"Exit code: the program's; 128+N when signal N ended it; 124 on timeout; 125\n"
	"when uringspawn itself fails; 126 when PROGRAM cannot be executed; 127 when\n"
	"there is none.\n";

enum {
	HELP = 256,
	SOCKET,
	TIMEOUT,
	KILL_AFTER,
	SIGNAL,
	CWD,
	ENV,
	CLEAR_ENV,
	USER,
	GROUP,
	UMASK,
	NICE,
	RLIMIT,
	CPUS,
	NO_NEW_PRIVS,
	TREE,
	CGROUP,
	PTY,
	QUEUE_TIMEOUT,
	IDLE_TIMEOUT,
	OUTPUT_MAX,
	TAIL,
	DRAIN,
	STATS,
};

static const struct option known[] = {
	{ "help", no_argument, NULL, HELP },
	{ "socket", required_argument, NULL, SOCKET },
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "kill-after", required_argument, NULL, KILL_AFTER },
	{ "signal", required_argument, NULL, SIGNAL },
	{ "cwd", required_argument, NULL, CWD },
	{ "env", required_argument, NULL, ENV },
	{ "clear-env", no_argument, NULL, CLEAR_ENV },
	{ "user", required_argument, NULL, USER },
	{ "group", required_argument, NULL, GROUP },
	{ "umask", required_argument, NULL, UMASK },
	{ "nice", required_argument, NULL, NICE },
	{ "rlimit", required_argument, NULL, RLIMIT },
	{ "cpus", required_argument, NULL, CPUS },
	{ "no-new-privs", no_argument, NULL, NO_NEW_PRIVS },
	{ "tree", no_argument, NULL, TREE },
	{ "cgroup", no_argument, NULL, CGROUP },
	{ "pty", no_argument, NULL, PTY },
	{ "queue-timeout", required_argument, NULL, QUEUE_TIMEOUT },
	{ "idle-timeout", required_argument, NULL, IDLE_TIMEOUT },
	{ "output-max", required_argument, NULL, OUTPUT_MAX },
	{ "tail", required_argument, NULL, TAIL },
	{ "drain", required_argument, NULL, DRAIN },
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

static int take_user(struct run_options *options)
{
	int ret = limits_user(optarg, &options->asked, options->groups);

	if (ret < 0)
		return bad_value("--user", optarg,
				 ret == -E2BIG ? "in few enough groups" : "a user");
	return 0;
}

static int take_rlimit(struct usp_options *asked)
{
	struct usp_rlimit limit;

	if (limits_rlimit(optarg, &limit) < 0)
		return bad_value("--rlimit", optarg, "NAME=SOFT or NAME=SOFT:HARD");
	for (size_t i = 0; i < asked->n_rlimits; i++)
		if (asked->rlimits[i].resource == limit.resource) {
			asked->rlimits[i] = limit;
			return 0;
		}
	asked->rlimits[asked->n_rlimits++] = limit; /* there is a place for each */
	return 0;
}

static int take_umask(struct usp_options *asked)
{
	long mask;

	if (limits_number(optarg, 8, 0, 0777, &mask) < 0)
		return bad_value("--umask", optarg, "a mode like 027");
	asked->umask = (unsigned)mask;
	asked->set |= USP_SET_UMASK;
	return 0;
}

static int take_nice(struct usp_options *asked)
{
	long nice;

	if (limits_number(optarg, 10, -20, 19, &nice) < 0)
		return bad_value("--nice", optarg, "a number from -20 to 19");
	asked->nice = (int)nice;
	asked->set |= USP_SET_NICE;
	return 0;
}

/* What it may do. */
static int take_limit(int option, struct run_options *options)
{
	switch (option) {
	case USER:
		return take_user(options);
	case GROUP:
		options->has_group = true;
		return limits_group(optarg, &options->group)
			       ? bad_value("--group", optarg, "a group")
			       : 0;
	case UMASK:
		return take_umask(&options->asked);
	case NICE:
		return take_nice(&options->asked);
	case RLIMIT:
		return take_rlimit(&options->asked);
	case CPUS:
		return limits_cpus(optarg, options->asked.cpus)
			       ? bad_value("--cpus", optarg, "a list like 0,2-5")
			       : 0;
	case NO_NEW_PRIVS:
		options->asked.flags |= USP_FLAG_NO_NEW_PRIVS;
		return 0;
	case CGROUP:
		options->asked.flags |= USP_FLAG_CGROUP;
		__attribute__((fallthrough));
	case TREE:
		options->asked.kill.target = USP_TARGET_TREE;
		return 0;
	}
	return -EINVAL;
}

static int take_bytes(const char *option, uint64_t *ret_bytes)
{
	if (limits_bytes(optarg, ret_bytes) < 0 || *ret_bytes == 0)
		return bad_value(option, optarg, "a number of bytes (512, 64K, 2M)");
	return 0;
}

/* What ends it.  Its output has to be seen for that, but for the first. */
static int take_bound(int option, struct run_options *options)
{
	struct usp_options *asked = &options->asked;

	options->relay |= option != QUEUE_TIMEOUT;
	switch (option) {
	case QUEUE_TIMEOUT:
		return duration("--queue-timeout", &asked->queue_timeout_ns);
	case IDLE_TIMEOUT:
		return duration("--idle-timeout", &asked->idle_timeout_ns);
	case OUTPUT_MAX:
		return take_bytes("--output-max", &asked->output_max_bytes);
	case TAIL:
		asked->output_action = USP_OUTPUT_DROP;
		return take_bytes("--tail", &asked->output_tail_bytes);
	case DRAIN:
		return duration("--drain", &asked->drain_ns);
	}
	return -EINVAL;
}

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
		return duration("--timeout", &options->asked.timeout_ns);
	case KILL_AFTER:
		return duration("--kill-after", &options->asked.kill.grace_ns);
	case SIGNAL:
		options->asked.kill.signal = option_signal(optarg);
		return options->asked.kill.signal > 0
			       ? 0
			       : bad_value("--signal", optarg, "a signal");
	case CWD:
		options->asked.cwd = optarg;
		return *optarg ? 0 : bad_value("--cwd", optarg, "a directory");
	case ENV:
		if (*optarg == '=' || !strchr(optarg, '='))
			return bad_value("--env", optarg, "NAME=VALUE");
		set(env->added, optarg);
		return 0;
	case CLEAR_ENV:
		env->clear = true;
		return 0;
	case PTY:
		options->pty = true;
		return 0;
	case STATS:
		options->stats = true;
		options->asked.flags |= USP_FLAG_RUSAGE;
		return 0;
	}
	return option < QUEUE_TIMEOUT ? take_limit(option, options)
				      : take_bound(option, options);
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

/* A group without a user: everything else stays as the caller has it. */
static void set_group(struct run_options *options)
{
	struct usp_options *asked = &options->asked;
	int n;

	if (!options->has_group)
		return;
	if (!(asked->set & USP_SET_CREDENTIALS)) {
		n = getgroups(USP_GROUPS_MAX, options->groups);
		asked->uid = geteuid();
		asked->groups = options->groups;
		asked->n_groups = n > 0 ? (size_t)n : 0;
		asked->set |= USP_SET_CREDENTIALS;
	}
	asked->gid = options->group;
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
	set_group(options);
	return make_env(env, &options->envp);
}

int run_options_parse(int argc, char **argv, struct run_options *options)
{
	struct env_plan env = { .added =
					mem_zalloc(((size_t)argc + 1) * sizeof(char *)) };
	int ret;

	if (!env.added)
		return -ENOMEM;
	*options = (struct run_options){ 0 };
	ret = parse(argc, argv, options, &env);
	mem_free(env.added);
	return ret;
}

void run_options_done(struct run_options *options)
{
	mem_free(options->envp);
}
