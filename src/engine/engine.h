/*
 * The engine's inner face, for the daemon: specs without a detour through
 * struct usp_options, the reactor to share, and output without a copy.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <uringspawn/spawn.h>
#include "base/annotate.h"
#include "engine/admission.h"
#include "launch/spec.h"
#include "reactor/reactor.h"

/* "uring" or "epoll": that back end or none; unset: io_uring, and epoll where that is
 * refused. */
#define USP_BACKEND_VARIABLE "URINGSPAWN_BACKEND"

/*
 * As usp_engine_new(), with @recv_buffers for OP_RECV on its reactor.
 * @options: complete, its size is not looked at.
 */
int engine_new(const struct usp_engine_options *options, unsigned recv_buffers,
	       struct usp_engine **ret_engine);

/* Before its first process: what the engine of a daemon gives to its children is what it
 * has itself (umask, nice, oom_score_adj), not the usual. */
void engine_inherit(struct usp_engine *engine) REACTOR_ONLY;

/* What a caller's options say, borrowed from them. */
struct spec_input engine_input(const struct usp_options *options);

/*
 * As usp_spawn(), from borrowed bytes.  Takes the descriptors of @input, whose
 * last_env is the engine's.
 * @owner: in whose turn it is launched; NULL: the engine's own.
 */
int engine_spawn(struct usp_engine *engine, struct admission_owner *owner,
		 struct spec_input *input, usp_event_fn *on_event, void *user,
		 struct usp_process **ret_process) REACTOR_ONLY;

/* What is admitted from now on.  A zero in descriptors_max or slots_max: as before, for
 * the engine knows what there is. */
void engine_set_limits(struct usp_engine *engine,
		       const struct admission_limits *limits) REACTOR_ONLY;

/* The failure of a job that was not given to the engine, for a limit of its
 * daemon's; counted as the engine's own are. */
struct usp_failure engine_refusal(struct usp_engine *engine,
				  enum admission_limit limit) REACTOR_ONLY;

/* Count a job that was not given to the engine and failed at @stage. */
void engine_count_failed(struct usp_engine *engine, enum usp_stage stage) REACTOR_ONLY;

/* What was refused, by enum admission_limit, and what those limits are called. */
const uint64_t *engine_refused(const struct usp_engine *engine);
const char *engine_limit_name(const struct usp_engine *engine,
			      enum admission_limit limit);

/* The kill plan, with USP_REASON_CLIENT_GONE as the reason; output is still told, and
 * needs no credit any more. */
void engine_abandon(struct usp_process *process) REACTOR_ONLY;

/* Nobody is there for it any more, and it goes on: it finds the end of what is written
 * to it; its output is still told, and needs no credit any more. */
void engine_detach(struct usp_process *process) REACTOR_ONLY;

/*
 * In the place of usp_engine_free(), when this program ends and its processes are to run
 * on: what was made for those that are gone is removed.  Nothing is called after it.
 */
void engine_leave(struct usp_engine *engine) REACTOR_ONLY;

/* Nobody is there for it any more, and it is left to itself: its streams are closed, and
 * no limit of time ends it.  Its end is still told. */
void engine_release(struct usp_process *process) REACTOR_ONLY;

/*
 * Kill and remove the cgroups that engines of processes which are gone left behind, in
 * the cgroup that this process is in, once.  The first job that has a cgroup does so too.
 * Blocks for a moment: for the start of a program.
 */
void engine_clear_leftovers(struct usp_engine *engine) REACTOR_ONLY;

struct reactor *engine_reactor(struct usp_engine *engine);

/* What stands on an engine, and ends with it. */
struct engine_part {
	struct list link;
	/* Its processes are killed next. */
	void (*on_closing)(struct engine_part *part);
	/* They are gone, but for those that cannot be killed: of it nothing is called any
	 * more. */
	void (*on_gone)(struct engine_part *part);
};

void engine_add_part(struct usp_engine *engine, struct engine_part *part) REACTOR_ONLY;
void engine_remove_part(struct engine_part *part) REACTOR_ONLY;

/* It is being freed, or left. */
bool engine_is_closing(const struct usp_engine *engine);

/* There is one more, or less, that usp_engine_run() waits for, beside processes. */
void engine_hold(struct usp_engine *engine) REACTOR_ONLY;
void engine_let_go(struct usp_engine *engine) REACTOR_ONLY;

/*
 * Stop a process from having its output read, or let it be read again: for a
 * consumer whose own queue is full.  A read that is under way may still deliver.
 */
void engine_pause(struct usp_process *process, bool pause) REACTOR_ONLY;

/* SIGKILL, at once, and its output is not waited for. */
void engine_cut(struct usp_process *process) REACTOR_ONLY;

/* One turn that waits until something happens.  As usp_engine_turn(). */
int engine_wait(struct usp_engine *engine) REACTOR_ONLY;

/* The buffer that holds the bytes of the output event being told, to be kept by
 * buffer_keep(); NULL when they are elsewhere. */
struct buffer *engine_output_buffer(const struct usp_event *event) REACTOR_ONLY;

#endif
