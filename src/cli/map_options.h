/*
 * What `uringspawn map` was asked to do.
 */
#ifndef CLI_MAP_OPTIONS_H
#define CLI_MAP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include "cli/map_log.h"

/* How the input is cut into items. */
enum map_split {
	MAP_LINES,
	MAP_NULS,
	MAP_WORDS, /* with quotes, as xargs does it */
};

/* When a job's output is printed. */
enum map_group {
	MAP_GROUP,	 /* whole, when it has ended */
	MAP_LINE_BUFFER, /* in whole lines, as they come */
	MAP_UNGROUP,	 /* by the job itself */
};

enum map_count { MAP_FAILS, MAP_SUCCESSES, MAP_DONE };

/* No more jobs, once so many have ended in such a way. */
struct map_halt {
	bool now; /* and those that run are killed */
	enum map_count what;
	unsigned long n; /* 0: never */
};

struct map_options {
	const char *socket; /* NULL: an engine in this process */
	unsigned jobs;
	const char *file; /* NULL: stdin */
	char **values;	  /* after ':::', in place of any input; NULL: there is none */
	enum map_split split;
	unsigned long items_max; /* of one job */
	const char *replace;	 /* "": nothing is replaced */
	bool replace_given;
	bool keep_order;
	enum map_group group;
	bool tag; /* begin each line with the item */
	uint64_t timeout_ns, grace_ns;
	unsigned long tries; /* of a job that fails */
	struct map_halt halt;
	const char *log_path; /* NULL: no log */
	enum map_resume resume;
	const char *results; /* a directory for what jobs say; NULL: it is printed */
	bool pipe;	     /* jobs read blocks of the input, not items */
	uint64_t block_bytes;
	bool progress;
	bool dry_run;
	bool xargs_status;
	char **command; /* NULL-terminated; part of the caller's argv */
};

/* Returns 0; 1: help was printed; -EINVAL: what is wrong was said. */
int map_options_parse(int argc, char **argv, struct map_options *options);

#endif
