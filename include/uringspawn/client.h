/*
 * The client of a uringspawnd daemon: what spawn.h does, done by another
 * process.  One connection carries any number of processes.
 *
 * struct usp_options, struct usp_event and the usp_process_*() calls are those
 * of spawn.h and mean the same.  What differs: the engine is the daemon, so its
 * working directory, its limits and its kernel count; and a process whose
 * connection is lost ends with USP_REASON_STATUS_LOST here, while the daemon
 * carries out its kill plan (or leaves it running: enum usp_gone).  One that had not
 * started fails with ECONNRESET, and its path is the daemon's socket.
 */
#ifndef URINGSPAWN_CLIENT_H
#define URINGSPAWN_CLIENT_H

#include <uringspawn/pool.h>
#include <uringspawn/spawn.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A connection to a daemon.  Belongs to one thread. */
struct usp_client;

/**
 * Connect to a daemon and greet it.
 *
 * @param socket  path of its socket, or @name for an abstract one; NULL for
 *                $URINGSPAWN_SOCKET, else $XDG_RUNTIME_DIR/uringspawn.sock, else
 *                /run/uringspawn/uringspawn.sock; copied
 * @param ret_client  set on success only; gives the client
 * @return 0, or -ENOENT, -ECONNREFUSED: no daemon there; -EACCES: it does not serve
 *         this user; -EPROTO: it speaks no version that this library does;
 *         -EBUSY: it has as many clients as it may; -EAGAIN, -ETIMEDOUT: it does
 *         not accept or answer; -ENAMETOOLONG; -ENOMEM
 *
 * Thread: any, blocks; the caller's becomes the client's.
 */
USP_API int usp_client_open(const char *socket, struct usp_client **ret_client);

/**
 * Connect again to the daemon of usp_client_open(), or to the one that took its place,
 * after the connection was lost: usp_client_turn() said so, and what ran was told its end.
 * The client's descriptor is another one then.  Templates stay: they are sent anew.
 *
 * @param limit_ns  for so long it is tried again, with pauses that grow from 10 ms to
 *                  1 s, while no daemon is there (-ENOENT, -ECONNREFUSED), or it does not
 *                  accept (-EAGAIN, -ETIMEDOUT, -EBUSY); 0: one attempt, for a program
 *                  that has a timer of its own
 * @return 0, or as usp_client_open(), and it may be called again; -EISCONN: the connection
 *         is not lost; -EMSGSIZE: the templates are more than this daemon takes
 *
 * Thread: the client's, blocks.  Not from an event.
 */
USP_API int usp_client_reopen(struct usp_client *client, uint64_t limit_ns);

/**
 * Close the connection.  The daemon kills what still runs; each process ends
 * here with USP_REASON_CLIENT_GONE before this returns.  Accepts NULL.
 *
 * @return NULL.  Thread: the client's.  Not from an event.
 */
USP_API struct usp_client *usp_client_free(struct usp_client *client);

/** The connection, for poll(); -1 when it is lost and could not be made again.
 * Borrowed.  Thread: the client's. */
USP_API int usp_client_fd(const struct usp_client *client);

/** What to poll the connection for: POLLIN, and POLLOUT while frames wait to leave. */
USP_API short usp_client_poll_events(const struct usp_client *client);

/**
 * Send what waits, receive what is there, report it.  Does not wait.
 *
 * @return 0; -EPIPE: the daemon is gone, and every process was told so;
 *         -EPROTO: what it says is not the protocol; -EMFILE: no room for descriptors
 *         that it gives; -ENOMEM; usp_client_error() says more.  Every one of them is
 *         the end of the connection: see usp_client_reopen()
 *
 * Thread: the client's.  Not from an event.
 */
USP_API int usp_client_turn(struct usp_client *client);

/**
 * Turn until no process is left or usp_client_stop() was called.
 *
 * @return 0 or as usp_client_turn().  Thread: the client's, blocks.  Not from an event.
 */
USP_API int usp_client_run(struct usp_client *client);

/** Let usp_client_run() return after the current event.  Thread: the client's. */
USP_API void usp_client_stop(struct usp_client *client);

/** Why the connection ended, in words, or "".  Valid until the client is freed. */
USP_API const char *usp_client_error(const struct usp_client *client);

/**
 * Ask the daemon for a program to be started; as usp_spawn().
 *
 * Nothing is sent before the next turn, so that the requests of one turn leave
 * together.
 *
 * @return as usp_spawn(), and -EPIPE: the connection is gone;
 *         -EMSGSIZE: larger than the frame that the daemon takes
 *
 * Thread: the client's.
 */
USP_API int usp_client_spawn(struct usp_client *client, const struct usp_options *options,
			     struct usp_process **ret_process);

/** How a daemon tells its numbers. */
enum usp_stats_format {
	USP_STATS_PROMETHEUS = 0, /**< Prometheus's exposition format, 0.0.4 */
	USP_STATS_JSON,		  /**< one JSON object; times in seconds */
};

/** Told the text, borrowed; NULL when the connection ended before it came. */
typedef void usp_stats_fn(struct usp_client *client, const char *text, size_t size,
			  void *user);

/**
 * Ask the daemon for its numbers.  They are told in a later turn, once, unless the
 * client is freed before; usp_client_run() waits for them as for a process.
 *
 * @return 0, or -EBUSY: the answer to the call before has not come;
 *         -EINVAL: no such format, or no @on_stats; -EPIPE: the connection is gone;
 *         -ENOMEM
 *
 * Thread: the client's.
 */
USP_API int usp_client_stats(struct usp_client *client, enum usp_stats_format format,
			     usp_stats_fn *on_stats, void *user);

/**
 * Ask the daemon for its jobs: those of all clients of the same user, or, for root, all.
 * A JSON object is told as by usp_client_stats(), of which only one of both may be under
 * way: "jobs", and "next", the number to ask for more with, or 0.
 *
 * @param after  0, or the number to begin behind
 * @return as usp_client_stats()
 *
 * Thread: the client's.
 */
USP_API int usp_client_jobs(struct usp_client *client, uint32_t after,
			    usp_stats_fn *on_jobs, void *user);

/** Told 0, -ESRCH: there is no such job, or it is not this user's, -EINVAL: there is no
 * such signal; -EPIPE: the connection ended before. */
typedef void usp_killed_fn(struct usp_client *client, uint32_t job, int error,
			   void *user);

/**
 * Send a signal to a job that is listed, or, with a signal of 0, carry out its kill plan.
 * What became of it is told in a later turn, once, unless the client is freed before.
 *
 * @return as usp_client_stats()
 *
 * Thread: the client's.
 */
USP_API int usp_client_kill_job(struct usp_client *client, uint32_t job, int signal,
				enum usp_target target, usp_killed_fn *on_killed,
				void *user);

/**
 * Ask for several programs in one frame; as usp_client_spawn() for each.
 *
 * @param ret_processes  @n places, set on success only
 * @return as usp_client_spawn(); on failure none of them was asked for
 *
 * Thread: the client's.
 */
USP_API int usp_client_spawn_batch(struct usp_client *client,
				   const struct usp_options *options, size_t n,
				   struct usp_process **ret_processes);

/**
 * As usp_template_new(): kept by the daemon, so that its environment travels once.
 * usp_template_free() frees it.
 *
 * @return as usp_template_new(), and -EPIPE: the connection is gone;
 *         -EMSGSIZE: larger than the frame that the daemon takes;
 *         -EDQUOT: it keeps as many as it may
 *
 * Thread: the client's.
 */
USP_API int usp_client_template_new(struct usp_client *client,
				    const struct usp_options *options,
				    struct usp_template **ret_template);

/**
 * As usp_pool_open(), in the daemon.  on_opened is told in a later turn; uses may be asked
 * for at once.  A pool without a name is this connection's, and ends with it.  One with a
 * name is made, or shared if clients of the same user have it: then the options but the
 * name are not looked at.  With .member NULL it is only shared: on_opened is told -ENOENT
 * when there is none.  When the connection is lost, on_opened is told -EPIPE if it was not
 * told before, and the pool is no more; usp_client_reopen() opens all others anew, and
 * what becomes of that is told by their uses.
 *
 * One with a name may be what somebody else made: its uses have the streams that its
 * members have.  .kind WORKER says that it is known to be one.  It has no on_output
 * (-EINVAL), for what is nobody's use is not for one of many.
 *
 * usp_pool_close() ends the pool, for all who share it; usp_client_pool_leave() this
 * client's part in it alone.
 *
 * @return as usp_pool_open(), and -EPIPE: the connection is gone;
 *         -EMSGSIZE: larger than the frame that the daemon takes
 *
 * Thread: the client's.
 */
USP_API int usp_client_pool_open(struct usp_client *client,
				 const struct usp_pool_options *options,
				 struct usp_pool **ret_pool, const char **ret_field);

/**
 * A pool without a name ends, as one that nobody else has open and that is not kept.  Uses
 * that have a member go on to their ends; others fail (ESHUTDOWN) where it ends.  Accepts
 * NULL, and is what frees a pool whose client was freed before.
 *
 * @return NULL.  Thread: the client's. */
USP_API struct usp_pool *usp_client_pool_leave(struct usp_pool *pool);

/**
 * Ask the daemon for its pools: those of the same user, or, for root, all.  A JSON object
 * is told as by usp_client_stats(), of which only one of them may be under way.
 *
 * @return as usp_client_stats().  Thread: the client's.
 */
USP_API int usp_client_pools(struct usp_client *client, usp_stats_fn *on_pools,
			     void *user);

#ifdef __cplusplus
}
#endif
#endif
