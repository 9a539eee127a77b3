/*
 * `uringspawn map`: what its parts share.  cmd_map.c opens and closes it all and waits;
 * map_job.c starts jobs and learns how they ended; map_output.c prints what they said.
 */
#ifndef CLI_MAP_H
#define CLI_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include <uringspawn/client.h>
#include "base/list.h"
#include "cli/map_input.h"
#include "cli/map_log.h"
#include "cli/map_options.h"
#include "cli/map_print.h"
#include "cli/map_progress.h"
#include "cli/map_store.h"
#include "cli/run_signals.h"

struct map {
	struct map_options options;
	struct run_signals signals;
	struct map_input input;
	struct map_print print;
	struct map_spill spill;
	struct map_log log;
	struct map_progress progress;
	struct buf tagged;	       /* lines that are about to be printed */
	struct usp_engine *engine;     /* or ... */
	struct usp_client *client;     /* ... one of the two */
	struct usp_template *template; /* what all jobs have in common */

	struct list queue;   /* of jobs that were made and do not run */
	struct list running; /* of jobs */
	struct list order;   /* of jobs that were made, if their order is kept */
	unsigned n_running, n_unprinted;
	uint64_t n_made;
	unsigned n_queued;
	uint64_t n_skipped;	/* of those that were made, as the log says */
	uint64_t not_before_ns; /* the daemon is busy until then */
	bool input_ended;

	bool stopping; /* no more jobs are started */
	bool killing;  /* and those that run are killed */
	int signal;    /* because of this one; or ... */
	int error;     /* ... this: our own failure, -errno, which was said */
	bool silent;   /* nothing more is printed */
	bool suspend;  /* stop, as the jobs were told to */

	uint64_t counts[3]; /* of jobs that have ended, by enum map_count */
	int xargs_code;
};

struct map_job {
	struct map *map;
	struct list link;  /* of map->queue or map->running */
	struct list order; /* of map->order */
	uint64_t number;   /* from 1 */
	struct map_items items;
	struct usp_process *process; /* while it runs */
	bool exited, failed, busy, ended;
	bool cut; /* killed because the others came to their end */
	struct usp_exit exit;
	struct usp_failure failure;
	unsigned long tries; /* that failed */
	struct map_log_entry entry;
	size_t fed;		  /* of a block, to its stdin */
	struct map_store said[2]; /* on stdout, on stderr */
	bool mid_line[2];	  /* printed of them: a tag, and no end of its line */
};

/* Say what failed of our own; the jobs that run are killed.  @error: positive. */
void map_fail(struct map *map, const char *what, int error);

/* Start no more jobs; @now: and kill those that run. */
void map_stop(struct map *map, bool now);

/* Print, with the bar out of the way.  As map_print(). */
int map_say(struct map *map, int stream, const void *data, size_t size);

/* ---- map_job.c ----------------------------------------------------------- */

/* Start what there are places for.  False: the input has to be read first. */
bool map_job_fill(struct map *map);

/* There is a place for one more, and it may be there. */
bool map_job_startable(const struct map *map);

void map_job_free(struct map_job *job);

/* What every job has in common.  Returns 0 or -errno: what is wrong was said. */
int map_job_prepare(struct map *map);

/* ---- map_output.c -------------------------------------------------------- */

/* A job said something. */
void map_output_take(struct map_job *job, int stream, const void *data, size_t size);

/* It has ended for good: print what it said when its turn has come, and free it. */
void map_output_end(struct map_job *job);

/* What is still held after the end. */
void map_output_done(struct map *map);

#endif
