/*
 * What `uringspawn run` was asked to do.
 */
#ifndef CLI_RUN_OPTIONS_H
#define CLI_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct run_options {
	const char *socket;		    /* NULL: an engine in this process */
	const char *cwd;		    /* NULL: the caller's */
	uint64_t timeout_ns, kill_after_ns; /* 0: the default */
	int signal;			    /* of the kill plan; 0: the default */
	char **envp;			    /* complete; free with run_options_done() */
	char **argv;			    /* the command; part of the caller's argv */
};

/* Returns 0; 1: help was printed; -EINVAL: what is wrong was said; -ENOMEM. */
int run_options_parse(int argc, char **argv, struct run_options *ret_options);
void run_options_done(struct run_options *options);

#endif
