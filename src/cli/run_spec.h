/*
 * The options of `uringspawn run` that say what the program is to be: each becomes a
 * part of struct usp_options.
 */
#ifndef CLI_RUN_SPEC_H
#define CLI_RUN_SPEC_H

#include <stdint.h>

struct run_options;

enum run_option {
	RUN_KILL_AFTER = 'k',
	RUN_SIGNAL = 's',
	RUN_TIMEOUT = 256,
	RUN_LAUNCH_TIMEOUT,
	RUN_QUEUE_TIMEOUT,
	RUN_IDLE_TIMEOUT,
	RUN_OUTPUT_MAX,
	RUN_TAIL,
	RUN_DRAIN,
	RUN_DRAIN_KILL,
	RUN_KILL_TARGET,
	RUN_CWD,
	RUN_ENV,
	RUN_UNSET,
	RUN_CLEAR_ENV,
	RUN_ARG0,
	RUN_STDIN,
	RUN_STDOUT,
	RUN_STDERR,
	RUN_APPEND,
	RUN_FD,
	RUN_USER,
	RUN_GROUP,
	RUN_GROUPS,
	RUN_UMASK,
	RUN_NICE,
	RUN_OOM_SCORE_ADJ,
	RUN_RLIMIT,
	RUN_CPUS,
	RUN_NO_NEW_PRIVS,
	RUN_BOUND,
	RUN_IGNORE,
	RUN_TREE,
	RUN_CGROUP,
	RUN_CGROUP_MEMORY,
	RUN_CGROUP_PIDS,
	RUN_CGROUP_CPU,
	RUN_CGROUP_PATH,
	RUN_SESSION,
	RUN_FOREGROUND,
	RUN_GONE,
	RUN_PTY,
	RUN_OPTION_END, /* the first number that is none of them */
};

/*
 * What a program is started with, wherever that is said: rows of the table of
 * getopt_long(), which <getopt.h> is needed for.
 */
#define RUN_PROGRAM_OPTIONS                                                              \
	{ "signal", required_argument, NULL, RUN_SIGNAL },                               \
		{ "kill-after", required_argument, NULL, RUN_KILL_AFTER },               \
		{ "cwd", required_argument, NULL, RUN_CWD },                             \
		{ "arg0", required_argument, NULL, RUN_ARG0 },                           \
		{ "env", required_argument, NULL, RUN_ENV },                             \
		{ "unset", required_argument, NULL, RUN_UNSET },                         \
		{ "clear-env", no_argument, NULL, RUN_CLEAR_ENV },                       \
		{ "user", required_argument, NULL, RUN_USER },                           \
		{ "group", required_argument, NULL, RUN_GROUP },                         \
		{ "groups", required_argument, NULL, RUN_GROUPS },                       \
		{ "no-new-privs", no_argument, NULL, RUN_NO_NEW_PRIVS },                 \
		{ "umask", required_argument, NULL, RUN_UMASK },                         \
		{ "nice", required_argument, NULL, RUN_NICE },                           \
		{ "oom-score-adj", required_argument, NULL, RUN_OOM_SCORE_ADJ },         \
		{ "cpus", required_argument, NULL, RUN_CPUS },                           \
		{ "rlimit", required_argument, NULL, RUN_RLIMIT },                       \
		{ "ignore", required_argument, NULL, RUN_IGNORE },                       \
		{ "cgroup", no_argument, NULL, RUN_CGROUP },                             \
		{ "cgroup-path", required_argument, NULL, RUN_CGROUP_PATH },             \
		{ "cgroup-memory", required_argument, NULL, RUN_CGROUP_MEMORY },         \
		{ "cgroup-pids", required_argument, NULL, RUN_CGROUP_PIDS },             \
		{ "cgroup-cpu", required_argument, NULL, RUN_CGROUP_CPU },               \
		{ "stdout", required_argument, NULL, RUN_STDOUT },                       \
		{ "stderr", required_argument, NULL, RUN_STDERR },                       \
	{                                                                                \
		"append", no_argument, NULL, RUN_APPEND                                  \
	}

/* Take @option with its value in optarg.  Returns 0, or -EINVAL: what is wrong was said. */
int run_spec_take(int option, struct run_options *options);

/* What options mean together.  Returns 0, or -EINVAL: what is wrong was said. */
int run_spec_complete(struct run_options *options);

/* Say that optarg is not @hint.  Returns -EINVAL. */
int run_spec_bad(const char *option, const char *hint);

/* A length of time; 0, which would mean the default, is the least.  Returns 0, or -EINVAL:
 * it was said. */
int run_spec_duration(const char *option, uint64_t *ret_ns);

/* A number of bytes that is not 0.  Returns 0, or -EINVAL: it was said. */
int run_spec_bytes(const char *option, uint64_t *ret_bytes);

#endif
