#include "cli/run_options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/annotate.h"
#include "cli/limits.h"
#include "cli/option.h"
#include "cli/run_env.h"
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
	"  --cgroup-memory BYTES  --cgroup-pids N  --cgroup-cpu CPUS --session  own\n"
	"  --pty[=ROWSxCOLUMNS]   on a terminal of its own; --stats  what it used\n"
	"  --foreground           in this process group, as when stdin is a terminal\n"
	"  --pool NAME            no PROGRAM, but one that a daemon's pool has ready: it\n"
	"  --priority N           reads this stdin to its end, and runs to its exit; or,\n"
	"  --answer WHAT          a worker, is sent it and answers each line by one\n"
	"                         (lines), or all until its exit (exit)\n"
	"Exit code: the program's; 128+N: by signal N; 124 on timeout; 125: uringspawn\n"
	"failed; 126: PROGRAM cannot be executed; 127: there is none.\n";

enum {
	HELP = RUN_OPTION_END,
	SOCKET,
	PRESERVE_STATUS,
	STATS,
	POOL,
	ANSWER,
	PRIORITY,
};

static const struct option known[] = {
	{ "help", no_argument, NULL, HELP },
	RUN_PROGRAM_OPTIONS,
	{ "socket", required_argument, NULL, SOCKET },
	{ "gone", required_argument, NULL, RUN_GONE },
	{ "timeout", required_argument, NULL, RUN_TIMEOUT },
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
	{ "stdin", required_argument, NULL, RUN_STDIN },
	{ "fd", required_argument, NULL, RUN_FD },
	{ "bound", no_argument, NULL, RUN_BOUND },
	{ "pty", optional_argument, NULL, RUN_PTY },
	{ "session", no_argument, NULL, RUN_SESSION },
	{ "foreground", no_argument, NULL, RUN_FOREGROUND },
	{ "stats", no_argument, NULL, STATS },
	{ "pool", required_argument, NULL, POOL },
	{ "answer", required_argument, NULL, ANSWER },
	{ "priority", required_argument, NULL, PRIORITY },
	{ 0 },
};

static int take_answer(struct run_options *options)
{
	options->has_answer = true;
	options->until_exit = strcmp(optarg, "exit") == 0;
	return options->until_exit || strcmp(optarg, "lines") == 0
		       ? 0
		       : run_spec_bad("--answer", "lines or exit");
}

static int take_of_pool(int option, struct run_options *options)
{
	long priority;

	switch (option) {
	case POOL:
		options->pool = optarg;
		return *optarg ? 0 : run_spec_bad("--pool", "the name of a pool");
	case ANSWER:
		return take_answer(options);
	}
	if (limits_number(optarg, 10, INT32_MIN, INT32_MAX, &priority) < 0)
		return run_spec_bad("--priority", "a number");
	options->asked.priority = (int)priority;
	return 0;
}

/* Of what is started already there is only to be said when it is to end. */
static void note(int option, struct run_options *options)
{
	static const int of_use[] = {
		SOCKET,		  PRESERVE_STATUS, STATS,	POOL,
		ANSWER,		  PRIORITY,	   RUN_SIGNAL,	RUN_KILL_AFTER,
		RUN_KILL_TARGET,  RUN_TREE,	   RUN_TIMEOUT, RUN_QUEUE_TIMEOUT,
		RUN_IDLE_TIMEOUT, RUN_OUTPUT_MAX,  RUN_TAIL,	RUN_DRAIN,
		RUN_DRAIN_KILL,	  RUN_GONE
	};

	for (size_t i = 0; i < ARRAY_SIZE(of_use); i++)
		if (option == of_use[i])
			return;
	for (size_t i = 0; known[i].name; i++)
		if (known[i].val == option)
			options->of_start = known[i].name;
}

/* Returns 0, 1 when help was printed, or -EINVAL. */
static int take(int option, struct run_options *options, struct run_env *env)
{
	switch (option) {
	case HELP:
		fputs(usage, stdout);
		return 1;
	case SOCKET:
		options->socket = optarg;
		return *optarg ? 0 : run_spec_bad("--socket", "a path or @NAME");
	case RUN_ENV:
	case RUN_UNSET:
	case RUN_CLEAR_ENV:
		return run_env_take(option, env);
	case PRESERVE_STATUS:
		options->preserve_status = true;
		return 0;
	case STATS:
		options->stats = true;
		options->asked.flags |= USP_FLAG_RUSAGE;
		return 0;
	case POOL:
	case ANSWER:
	case PRIORITY:
		return take_of_pool(option, options);
	}
	return run_spec_take(option, options);
}

static int check_program(const struct run_options *options)
{
	const char *of_pool = options->has_answer	? "--answer"
			      : options->asked.priority ? "--priority"
							: NULL;

	if (of_pool)
		fprintf(stderr, "uringspawn: %s means nothing without --pool\n", of_pool);
	else if (!options->argv[0])
		fputs("uringspawn: no program to run; see 'uringspawn run --help'\n",
		      stderr);
	return of_pool || !options->argv[0] ? -EINVAL : 0;
}

static int check_use(const struct run_options *options)
{
	if (options->argv[0])
		fprintf(stderr,
			"uringspawn: --pool and the program '%s' exclude each other: what "
			"the pool has is started already\n",
			options->argv[0]);
	else if (options->of_start)
		fprintf(stderr,
			"uringspawn: --pool and --%s exclude each other: what the pool "
			"has is started already\n",
			options->of_start);
	return options->argv[0] || options->of_start ? -EINVAL : 0;
}

static int parse(int argc, char **argv, struct run_options *options, struct run_env *env)
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
		note(option, options);
	}
	options->argv = argv + optind;
	ret = options->pool ? check_use(options) : check_program(options);
	if (!ret)
		ret = run_spec_complete(options);
	if (ret)
		return ret;
	return run_env_make(env, &options->envp);
}

int run_options_parse(int argc, char **argv, struct run_options *options)
{
	struct run_env env;
	int ret = run_env_open(&env, argc);

	if (ret)
		return ret;
	*options = (struct run_options){ 0 };
	ret = parse(argc, argv, options, &env);
	run_env_done(&env);
	return ret;
}

void run_options_done(struct run_options *options)
{
	mem_free(options->envp);
}

/* What it is told its name is need not be what is looked for. */
void run_options_command(struct run_options *options, struct usp_options *asked)
{
	asked->argv = (const char *const *)options->argv;
	asked->envp = (const char *const *)options->envp;
	if (!options->arg0)
		return;
	asked->search = options->argv[0];
	options->argv[0] = (char *)options->arg0;
}

void run_options_files(const struct run_options *options, struct usp_stdio stdio[3])
{
	for (int i = 0; i < 3; i++)
		if (options->files[i])
			stdio[i] = (struct usp_stdio){
				.kind = USP_STDIO_FILE,
				.path = options->files[i],
				.flags = i > 0 && options->append
						 ? O_WRONLY | O_CREAT | O_APPEND
						 : 0,
			};
}
