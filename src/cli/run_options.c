#include "cli/run_options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"
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
	PRESERVE_STATUS,
	STATS,
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
	{ 0 },
};

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
	}
	return run_spec_take(option, options);
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
