/*
 * Pools: processes that are there before they are needed.
 *
 * A pool keeps processes of one kind running, its *members*.  A *use* takes one of them:
 * usp_spawn() or usp_client_spawn() with usp_options.pool set.  It is a struct usp_process
 * like any other: the same events in the same order, the same calls; its started event
 * comes when it has its member.
 *
 *   STANDBY  a member serves one use, from its stdin to its exit: a fresh process for
 *            each, whose start-up is over.  All its streams are the use's.
 *   WORKER   a member serves one use after the other, over one stream of it, the channel.
 *            usp_process_release() ends a use, and the member goes back.
 *
 * A use of a pool that has no idle member starts one, if there may be one more, and is
 * served by that; otherwise it waits.
 */
#ifndef URINGSPAWN_POOL_H
#define URINGSPAWN_POOL_H

#include <uringspawn/spawn.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Belongs to the thread of its engine or client. */
struct usp_pool;

enum usp_pool_kind {
	USP_POOL_STANDBY = 0,
	USP_POOL_WORKER,
};

/** Which idle member is next. */
enum usp_pool_order {
	/** Standby: the one that has been idle longest, for it is surely ready.  Worker: the
	 * one used last, whose caches are warm, so that others become old and are let go. */
	USP_POOL_ORDER_DEFAULT = 0,
	USP_POOL_FIFO, /**< idle longest */
	USP_POOL_LIFO, /**< used last; one that was not used goes behind all that were */
};

/** What a member is told through its channel, and how it answers. */
struct usp_pool_message {
	const void *ask;    /**< bytes, framed as the program wants them; copied */
	size_t ask_bytes;   /**< 0: no such message */
	const void *answer; /**< what it answers, framed as it does so; copied */
	size_t answer_bytes;
	uint64_t timeout_ns; /**< for the answer; default: 5 s */
};

#define USP_POOL_NO_SPARE    UINT32_MAX	 /**< .spare: none is kept ahead of need */
#define USP_POOL_MESSAGE_MAX (64u << 10) /**< bytes of an ask, and of an answer */
#define USP_POOL_NAME_MAX    128	 /**< bytes */

/**
 * What a pool is.  Zero means the default named beside it, as in struct usp_options.
 * All times are of CLOCK_MONOTONIC.
 */
struct usp_pool_options {
	size_t size; /**< sizeof(struct usp_pool_options); set by USP_POOL_OPTIONS() */
	const char
		*name; /**< in numbers and lists; copied; default: none.  With a daemon:
			   * also what clients of the same user share it by */
	enum usp_pool_kind kind;
	enum usp_pool_order order;
	/**
	 * The program of a member; copied.  No descriptors of kind FD or HANDOVER, no group
	 * SAME or FOREGROUND, no limits of time or of output (those are a use's), no
	 * on_event.  It may have a base.
	 */
	const struct usp_options *member;
	unsigned min;	/**< so many at least, used ones included; default: 0 */
	unsigned max;	/**< so many at most; default: 0: as many as the engine runs */
	unsigned spare; /**< so many idle ones are kept ahead of need; default: 1 */
	/** An idle member beyond min and spare is let go after this; default: 30 s. */
	uint64_t idle_ns;
	unsigned max_uses;   /**< of a worker; default: no limit */
	uint64_t max_age_ns; /**< since its start; not while it is used; default: none */
	uint64_t
		max_rss_bytes; /**< looked at when it is idle, each second; default: none */
	/**
	 * The stream on which a member says that it is ready: by its first byte, which is
	 * not told to a use, and which may be of any value.  A PIPE or DUPLEX of @member.
	 * Default: 0: it is ready when it runs.
	 */
	int ready_stream;
	uint64_t ready_timeout_ns; /**< from its start; default: 30 s */
	/** A use that has waited so long fails (reason QUEUE_TIMEOUT); its own
	 * queue_timeout_ns goes before; default: none. */
	uint64_t acquire_timeout_ns;
	unsigned waiting_max; /**< uses that may wait; default: 1024 */
	/** Worker: the stream of its conversation, a DUPLEX of @member; default: 3, which is
	 * then made one if @member does not name it. */
	int channel;
	struct usp_pool_message reset; /**< worker: between two uses */
	/** Worker: no reset message; a member is replaced after each use. */
	bool replace;
	struct usp_pool_message ping; /**< worker: is it well? */
	bool ping_on_use;	      /**< before each use */
	uint64_t ping_interval_ns;    /**< while it is idle; default: not */
	/**
	 * Worker: told what members write to streams other than the channel, and it is
	 * nobody's use: a process that somebody started during another use may be what wrote
	 * it.  Default: it is read and dropped.
	 */
	void (*on_output)(struct usp_pool *pool, pid_t pid, int stream, const void *data,
			  size_t size, void *user);
	/** Through a client: told once that it is there (0), or why not (-errno, with the
	 * field at fault or ""); the pool is no more then.  An engine's is there at once. */
	void (*on_opened)(struct usp_pool *pool, int error, const char *field,
			  void *user);
	void *user;
	/** Through a daemon: it stays when nobody has it open; it needs a name. */
	bool keep;
};

#define USP_POOL_OPTIONS(...)                                                            \
	((struct usp_pool_options){ .size = sizeof(struct usp_pool_options),             \
				    __VA_ARGS__ })

/** Why a member came to its end. */
enum usp_pool_cause {
	USP_POOL_USED = 0,  /**< standby: its use is over */
	USP_POOL_REPLACED,  /**< worker: after each use, as asked for */
	USP_POOL_DISCARDED, /**< its use was killed, ran out of time, or lost its client */
	USP_POOL_MAX_USES,
	USP_POOL_MAX_AGE,
	USP_POOL_MAX_RSS,
	USP_POOL_IDLE,	  /**< idle_ns */
	USP_POOL_CRASHED, /**< by itself, with an exit code or a signal, used or idle */
	USP_POOL_NOT_STARTED, /**< its program could not be run */
	USP_POOL_NOT_READY,   /**< not in time, or it ended before */
	USP_POOL_RESET_FAILED,
	USP_POOL_PING_FAILED,
	USP_POOL_RESIZED,
	USP_POOL_CLOSED,
	USP_POOL_CAUSES,
};

/** Upper bounds of the buckets of wait_bucket, in microseconds; the last has none. */
#define USP_POOL_WAIT_BUCKETS 12
#define USP_POOL_WAIT_US                                                                 \
	{                                                                                \
		100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000, 1000000, 10000000 \
	}

struct usp_pool_stats {
	size_t size; /**< as in struct usp_pool_options */
	/* gauges */
	unsigned members;  /**< all of the following */
	unsigned starting; /**< and those that are not ready yet */
	unsigned idle;
	unsigned busy;
	unsigned resetting; /**< reset or ping is under way */
	unsigned ending;
	unsigned waiting; /**< uses */
	/* counters */
	uint64_t uses; /**< that had a member */
	uint64_t cold; /**< of them: no member was idle, one was started for it */
	uint64_t
		refused; /**< uses: too many waited, waited too long, or no member started */
	uint64_t starts;
	uint64_t exits[USP_POOL_CAUSES];
	uint64_t dropped_bytes; /**< written by a worker outside of a use */
	uint64_t wait_sum_ns;	/**< from the request to its member */
	uint64_t wait_bucket[USP_POOL_WAIT_BUCKETS]; /**< not cumulative */
	uint64_t members_cpu_ns; /**< of those that ended; filled where rusage is known */
	uint64_t rss_bytes;	 /**< of the members, now, as last looked at */
	uint64_t rss_peak_bytes; /**< the largest member */
};

/**
 * Open a pool and begin to fill it.
 *
 * @param options  copied
 * @param ret_pool  set on success only; gives the pool
 * @param ret_field  with -EINVAL: the name of the field at fault; may be NULL
 * @return 0, or -EINVAL; -ENOMEM; -E2BIG: @options comes from a newer header;
 *         -ESHUTDOWN: the engine is being freed
 *
 * Thread: the engine's.
 */
USP_API int usp_pool_open(struct usp_engine *engine,
			  const struct usp_pool_options *options,
			  struct usp_pool **ret_pool, const char **ret_field);

/**
 * Change its size; members above the new maximum are let go as they become idle.  Zero
 * means what it means in the options.
 *
 * @return 0; -EINVAL: min or spare above max.  Thread: the engine's or the client's.
 */
USP_API int usp_pool_resize(struct usp_pool *pool, unsigned min, unsigned max,
			    unsigned spare);

/**
 * Take no more uses.  Those that wait fail (ESHUTDOWN); idle members are let go (their
 * stdin and channel end, then their kill plan); those that are used have @drain_ns, then
 * the same.  @on_closed is told when none is left; the pool is no more then.
 *
 * @param on_closed  may be NULL
 *
 * Thread: the engine's or the client's.
 */
USP_API void usp_pool_close(struct usp_pool *pool, uint64_t drain_ns,
			    void (*on_closed)(void *user), void *user);

/**
 * @param ret_stats  its size says how much of it there is
 * @return 0; -EINVAL: no size; -ENOTSUP: a client's (usp_client_pools()).
 *
 * Thread: the engine's.
 */
USP_API int usp_pool_stats(const struct usp_pool *pool, struct usp_pool_stats *ret_stats);

/**
 * A worker's use ends and its member goes back to its pool.  Its end event follows, with
 * the reason RELEASED, not from inside the call; nothing else does.  What the member
 * writes to its channel from here on is dropped and counted.
 *
 * A use without its member yet: as usp_process_kill().
 *
 * @param uses  by how many it counts towards max_uses: for who sent many messages; 0: one
 * @return 0; -ENOTSUP: not a use of a worker.  Thread: the engine's or the client's.
 */
USP_API int usp_process_release(struct usp_process *process, unsigned uses);

/** The same, and the member is not used again: SIGKILL, and another takes its place. */
USP_API int usp_process_discard(struct usp_process *process);

/** The name of a cause: "max-uses".  Never NULL.  Thread: any. */
USP_API const char *usp_pool_cause_name(enum usp_pool_cause cause);

/** "standby" or "worker".  Never NULL.  Thread: any. */
USP_API const char *usp_pool_kind_name(enum usp_pool_kind kind);

#ifdef __cplusplus
}
#endif
#endif
