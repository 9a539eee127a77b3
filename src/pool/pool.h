/*
 * Pools of an engine: their inner face, for the daemon.
 *
 * A pool keeps members, which are processes of its engine, and lends them to uses.  A
 * use is a struct usp_process: whatever engine.h and usp_process_*() do to a process
 * they do to a use as well (engine_pause(), engine_abandon(), engine_look() and so on),
 * and engine_output_buffer() is right for its output events.
 *
 * usp_pool_resize(), usp_pool_close(), usp_pool_stats() are the same for a pool that was
 * made here.
 */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include <uringspawn/pool.h>
#include "base/annotate.h"
#include "base/list.h"
#include "engine/engine.h"

/*
 * Members of several pools together.  A pool that may not have one more for it stands in
 * @starved, and goes on when there is a place.
 */
struct pool_budget {
	unsigned members, members_max;
	struct list starved;
};

void pool_budget_init(struct pool_budget *budget, unsigned members_max);

/* Pools that wait for a place go on, if there are some now. */
void pool_budget_set(struct pool_budget *budget, unsigned members_max) REACTOR_ONLY;

struct pool_setup {
	const struct usp_pool_options
		*options; /* copied; size and member not looked at */
	/* The program of a member, complete (peer and template applied); copied. */
	const struct spec_input *member;
	struct pool_budget *budget; /* NULL: none; outlives the pool */
};

/* As usp_pool_open(). */
int pool_new(struct usp_engine *engine, const struct pool_setup *setup,
	     struct usp_pool **ret_pool, const char **ret_field) REACTOR_ONLY;

/*
 * As usp_spawn() of a use.  @use: complete, its size, pool, on_event and user not looked
 * at.  What is wrong with it is told as a failed event of stage VALIDATE.
 * Returns 0, -ENOMEM, -ESHUTDOWN: the engine is being freed.
 */
int pool_use(struct usp_pool *pool, const struct usp_options *use, usp_event_fn *on_event,
	     void *user, struct usp_process **ret_process) REACTOR_ONLY;

/* SIGKILL to all of its members at once; on_closed of usp_pool_close() is still told.  For
 * a pool that is closed. */
void pool_cut(struct usp_pool *pool) REACTOR_ONLY;

/* Its options; without its member, and with the defaults filled in. */
const struct usp_pool_options *pool_options(const struct usp_pool *pool);

/* Is it closed, and has members or uses left? */
bool pool_is_closing(const struct usp_pool *pool);

/* One member, as it is now. */
struct pool_member_look {
	pid_t pid; /* 0: not there yet */
	const char
		*state; /* "starting", "idle", "busy", "resetting", "pinging", "ending" */
	uint64_t uses;
	uint64_t age_ns;
	uint64_t rss_bytes; /* as last looked at; 0: not yet */
};

void pool_each_member(const struct usp_pool *pool,
		      void (*tell)(const struct pool_member_look *member, void *user),
		      void *user) REACTOR_ONLY;

#endif
