/*
 * What `uringspawn bench` was asked to do.
 */
#ifndef CLI_BENCH_OPTIONS_H
#define CLI_BENCH_OPTIONS_H

#include <stdbool.h>
#include <uringspawn/spawn.h>

#define BENCH_JOBS_MAX	    10000000u
#define BENCH_DEPTH_MAX	    4096u
#define BENCH_LAUNCHERS_MAX 64u
#define BENCH_ROUNDS_MAX    1000u
#define BENCH_WINDOW_MAX    (16u << 20)
#define BENCH_LOAD_MAX	    1000000u
#define BENCH_VARIABLES_MAX 30000u

/* Who reads the output of a job. */
enum bench_output {
	BENCH_OUTPUT_RELAYED,	  /* the engine or the daemon, which tells it */
	BENCH_OUTPUT_HANDED_OVER, /* we, by the ends of its pipes */
	BENCH_OUTPUT_OURS,	  /* we; the job writes to descriptors of ours */
};

struct bench_options {
	unsigned n_jobs; /* of each side, in all rounds together */
	unsigned n_rounds;
	unsigned depth;	       /* jobs of ours in flight */
	unsigned n_launchers;  /* 0: the engine's default */
	const char *socket;    /* NULL: an engine in this process */
	bool pipes;	       /* stdout and stderr are pipes; otherwise /dev/null */
	bool spawn;	       /* ask the daemon by SPAWN, not by RUN */
	unsigned window_bytes; /* credit of each stream; 0: no limit */
	enum usp_policy policy;
	bool all_policies; /* compare them, and nothing else */
	enum usp_tables tables;
	/* A load: compare being under it with being without it. */
	unsigned n_live, n_descriptors;
	const char *live_program;
	bool cgroups;	      /* compare a cgroup for each job with none */
	bool cgroup;	      /* each job has one of its own */
	unsigned n_variables; /* of an environment made for it; 0: the caller's own */
	bool templates;	      /* compare a template of the environment with none */
	bool in_template;     /* the environment is in a template */
	bool outputs;	      /* compare who reads the output */
	enum bench_output output;
	bool json;
	char **argv; /* the command, NULL-terminated; part of the caller's argv */
};

/*
 * Read the arguments of the command; argv[0] is its own name.  Says on stderr
 * what is wrong.  @return 0, 1 when help was asked for and printed, or -EINVAL.
 */
int bench_options_parse(int argc, char **argv, struct bench_options *ret_options);

#endif
