/*
 * An engine with a pool, for tests of pools.
 */
#ifndef SUPPORT_POOLED_H
#define SUPPORT_POOLED_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdbool.h>
#include <string.h>
#include <uringspawn/pool.h>
#include "engine/engine.h"
#include "support/record.h"

#define WORKER(...) ARGV(PROGRAM("pool_worker"), ##__VA_ARGS__)

/* The message of that program, with a line's end. */
#define ASKS(question, reply)                                                            \
	{                                                                                \
		.ask = question "\n", .ask_bytes = sizeof(question),                     \
		.answer = reply "\n", .answer_bytes = sizeof(reply),                     \
	}

struct pooled {
	struct usp_engine *engine;
	struct usp_pool *pool;
	bool closed;
};

/* Open a pool on an engine of its own, or of @pooled if it has one. */
void pooled_open(struct pooled *pooled, const struct usp_pool_options *options);
#define POOLED(pooled, ...) pooled_open(pooled, &USP_POOL_OPTIONS(__VA_ARGS__))

/* Close it, wait until it is, and free the engine; no process may be left. */
void pooled_done(struct pooled *pooled);

/* A use; what is to be said beside the pool is in @options, which may be NULL. */
void pooled_use(struct pooled *pooled, struct record *record,
		const struct usp_options *options);

/* Turn once, as far as there is something to wait for. */
void pooled_turn(struct pooled *pooled);

#define pooled_until(pooled, condition)                                                  \
	do {                                                                             \
		while (!(condition))                                                     \
			pooled_turn(pooled);                                             \
	} while (0)

struct usp_pool_stats pooled_stats(struct pooled *pooled);

/* Turn until a number of its statistics is @value. */
#define pooled_until_stat(pooled, field, value)                                          \
	pooled_until(pooled, pooled_stats(pooled).field == (value))

/* Write a line to its channel, and wait for the whole of @answer on it. */
void pooled_say(struct record *record, const char *line);
void pooled_ask(struct pooled *pooled, struct record *record, const char *line,
		const char *answer);

/* Give it back and wait for its end. */
void pooled_release(struct pooled *pooled, struct record *record);

#endif
