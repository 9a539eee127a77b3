/*
 * A program that is traced: what it says itself, and what the tracer says of it.
 */
#ifndef TRACE_TRACED_H
#define TRACE_TRACED_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "support/command.h"

enum { TRACED_MAX = 4096 };

struct truth {
	int pid;
	uint64_t ns;
};

struct traced {
	json_t *spawns;	   /* objects of type spawn */
	json_t *functions; /* objects of type function */
	json_t *summary;   /* the last one */
	size_t n_truths;
	struct truth truths[TRACED_MAX];
};

/* Skip the test, with the reason, where nothing can be traced. */
void traced_or_skip(void);

/* Run the tracer with these words, which end with NULL.  Returns the exit code. */
int traced_run(const char *const *words, struct command_result *ret_result);

/* Trace the program of these words, with @options before them; both end with NULL.  What
 * is told stays valid until the next call. */
const struct traced *traced_program(const char *const *options, const char *const *words);

/* The same of `spawn_times WAY COUNT`. */
const struct traced *traced_way(const char *const *options, const char *way,
				const char *count);

/* Of a spawn: a number, 0 when it is null or not there. */
uint64_t traced_number(const json_t *spawn, const char *name);
bool traced_flag(const json_t *spawn, const char *name);
/* The spawn of process @pid, or NULL. */
json_t *traced_find(const struct traced *traced, int pid);

/* The middle one of @n numbers, which are sorted. */
uint64_t traced_median(uint64_t *numbers, size_t n);

#endif
