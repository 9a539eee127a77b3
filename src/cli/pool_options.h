/*
 * What `uringspawn pool open` was asked for.
 */
#ifndef CLI_POOL_OPTIONS_H
#define CLI_POOL_OPTIONS_H

#include <uringspawn/pool.h>
#include "cli/run_options.h"

struct pool_options {
	const char *socket;	    /* NULL: the default one */
	struct run_options program; /* of a member: .asked, its files, command, .envp */
	struct usp_pool_options asked; /* but .member */
	const char
		*of_worker; /* the last option that only a worker's may have, or NULL */
	char *texts[4];	    /* of .asked's messages */
	unsigned n_texts;
};

/* Returns 0; 1: help was printed; -EINVAL: what is wrong was said; -ENOMEM. */
int pool_options_parse(int argc, char **argv, struct pool_options *options);
void pool_options_done(struct pool_options *options);

/* A number of members, from @min on.  Returns 0, or -EINVAL: it was said. */
int pool_options_size(const char *option, long min, unsigned *ret_size);

/* The same for --spare, as usp_pool_options has it: 0 is USP_POOL_NO_SPARE there. */
int pool_options_spare(unsigned *ret_spare);

#endif
