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

/* Take @option with its value in optarg.  Returns 0, or -EINVAL: what is wrong was said. */
int run_spec_take(int option, struct run_options *options);

/* What options mean together.  Returns 0, or -EINVAL: what is wrong was said. */
int run_spec_complete(struct run_options *options);

/* Say that optarg is not @hint.  Returns -EINVAL. */
int run_spec_bad(const char *option, const char *hint);

/* A number of bytes that is not 0.  Returns 0, or -EINVAL: it was said. */
int run_spec_bytes(const char *option, uint64_t *ret_bytes);

#endif
