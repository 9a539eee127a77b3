/*
 * `uringspawn run --pool`: a use of a pool in the place of a program.
 *
 * A standby process is one use's, from its stdin to its exit.  A worker is asked by what
 * stdin says, over its channel, and given back when it has answered.
 */
#ifndef CLI_RUN_USE_H
#define CLI_RUN_USE_H

#include <stdbool.h>
#include <stdint.h>
#include <uringspawn/client.h>
#include "cli/run_relay.h"

struct run_options;

struct run_use {
	const char *name;
	struct usp_pool *pool;
	bool worker;
	bool by_lines; /* a line is answered by a line; else all of it by its exit */
	int channel;
	uint64_t answered; /* lines */
	bool over;	   /* it is given back, or cannot answer any more */
};

/* Find and share the pool of @options, and say how stdin is to be copied.  Returns 0, or
 * -errno: why was said. */
int run_use_open(struct run_use *use, struct usp_client *client,
		 const struct run_options *options, struct run_relay *relay);

/* Ask for it; as usp_client_spawn(). */
int run_use_spawn(const struct run_use *use, struct usp_client *client,
		  const struct run_options *options, usp_event_fn *on_event, void *user,
		  struct usp_process **ret_process);

/* What a worker said; and: it says nothing more. */
void run_use_hear(struct run_use *use, const struct usp_output *output);
void run_use_eof(struct run_use *use, struct usp_process *process);

/* Give it back as soon as all is answered. */
void run_use_look(struct run_use *use, const struct run_relay *relay,
		  struct usp_process *process);

/* Say it when it ended without an answer.  Returns whether it did. */
bool run_use_complain(const struct run_use *use, const struct run_relay *relay);

#endif
