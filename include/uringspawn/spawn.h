/*
 * liburingspawn: start programs and learn what becomes of them.
 *
 * An engine is one thread that waits for everything and a few launcher threads
 * that start programs for it.  The life of a program, in calls and events:
 *
 *   1. usp_spawn() copies what is to run and returns at once.
 *   2. USP_EVENT_STARTED: the program runs.  Or USP_EVENT_FAILED: it does not,
 *      and the event says at which stage, with which errno and which path.
 *   3. USP_EVENT_OUTPUT, any number of times, and USP_EVENT_EOF per stream.
 *   4. USP_EVENT_EXIT: the process is gone.  Output may still follow.
 *   5. USP_EVENT_END: the last one.  It always comes, exactly once, and after
 *      it returns the process object is no more.
 *
 * A daemon's client (client.h) speaks the same vocabulary: struct usp_options,
 * struct usp_event and every usp_process_*() call are the same there.
 *
 * Words used for every pointer and descriptor handed over: a call *borrows* it
 * (until it returns), *copies* it, *takes* it (even when it fails), or *gives*
 * it to the caller.
 */
#ifndef URINGSPAWN_SPAWN_H
#define URINGSPAWN_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define USP_API __attribute__((visibility("default")))

/** Runs programs and reports what becomes of them.  Belongs to one thread. */
struct usp_engine;

/** One program that was asked for, from usp_spawn() to its end event. */
struct usp_process;

/* ---- what to run --------------------------------------------------------- */

/** Where one of the child's standard streams comes from or goes to. */
enum usp_stdio_kind {
	USP_STDIO_DEFAULT = 0, /**< null for stream 0, a pipe for 1 and 2 */
	USP_STDIO_NULL,	       /**< /dev/null */
	USP_STDIO_PIPE, /**< a pipe whose other end is served by events and calls */
	USP_STDIO_FD,	/**< the open file of .fd; duplicated before the call returns */
	USP_STDIO_DUP,	/**< the same open file as stream .fd of this child (2>&1) */
};

struct usp_stdio {
	enum usp_stdio_kind kind;
	int fd; /**< FD: a descriptor, 0 included.  DUP: 0, 1 or 2, itself not a DUP. */
};

/** The process group and session that the child runs in. */
enum usp_group {
	USP_GROUP_NEW = 0, /**< a process group of its own, in the engine's session */
	USP_GROUP_SESSION, /**< a session, and so a group, of its own; no controlling terminal */
	USP_GROUP_SAME, /**< the engine's own group.  Refused by a daemon. */
};

/** Whom a signal is for. */
enum usp_target {
	USP_TARGET_GROUP =
		0, /**< the child's process group; the process alone under GROUP_SAME */
	USP_TARGET_PROCESS, /**< the process alone */
};

/**
 * How a process is made to end: a signal, time to obey it, then SIGKILL.
 * Carried out on a timeout, on usp_process_kill(), and when its client goes away,
 * with a grace of 10 s at most then.
 */
struct usp_kill {
	int signal;		/**< default: SIGTERM; SIGKILL skips the grace */
	enum usp_target target; /**< default: the group */
	uint64_t grace_ns;	/**< between the signal and SIGKILL; default: 2 s */
};

struct usp_event;

/** Told every event of a process.  May call any function of this library. */
typedef void usp_event_fn(struct usp_process *process, const struct usp_event *event,
			  void *user);

/**
 * What to run.  Every field but @size, @argv and @on_event may stay zero: zero
 * means the default named beside it.  Strings are bytes without NUL, limited to
 * 128 KiB each by the kernel.
 */
struct usp_options {
	size_t size;		 /**< sizeof(struct usp_options); set by USP_OPTIONS() */
	const char *const *argv; /**< NULL-terminated, at least one; copied */
	const char *path;	 /**< the file to execute, never searched for; copied */
	const char *search;	 /**< the name to look up instead of argv[0]; copied */
	/** NULL-terminated, NAME=VALUE each; default: empty; copied */
	const char *const *envp;
	const char *cwd; /**< default: the engine's own; copied */
	struct usp_stdio stdio[3];
	enum usp_group group;
	uint64_t timeout_ns;  /**< from clone to the kill plan; default: none */
	struct usp_kill kill; /**< the kill plan */
	/**
	 * Bit n-1: signal n is ignored in the child; default: none.  (A signal that
	 * hardly any program ignores, and that the caller began to ignore after
	 * usp_engine_new(), stays ignored.)
	 */
	uint64_t ignored_signals;
	/**
	 * What each stream may deliver before usp_process_credit(); default: no limit,
	 * each event is credit for the next.
	 */
	uint32_t window_bytes;
	uint32_t flags; /**< USP_FLAG_* */
	usp_event_fn *on_event;
	void *user; /**< handed to on_event, never looked at */
};

/** Through a daemon: a short job whose frames may leave together, up to 1 ms late. */
#define USP_FLAG_RUN 1u

#define USP_OPTIONS(...)                                                                 \
	((struct usp_options){ .size = sizeof(struct usp_options), __VA_ARGS__ })

/* ---- what is told -------------------------------------------------------- */

enum usp_event_kind {
	USP_EVENT_STARTED = 1, /**< .started */
	USP_EVENT_FAILED,      /**< .failed; the end event follows */
	USP_EVENT_OUTPUT,      /**< .output */
	USP_EVENT_EOF,	       /**< .eof: nothing more comes on this stream */
	USP_EVENT_WINDOW,      /**< .window: more may be written to the child's stdin */
	USP_EVENT_EXIT,	       /**< .exit */
	USP_EVENT_END,	       /**< .end: the last one */
};

/** Which step of starting a program failed, in the order they are taken. */
enum usp_stage {
	USP_STAGE_NONE = 0,
	USP_STAGE_VALIDATE, /**< the request breaks a rule; .path names the field */
	USP_STAGE_ADMISSION, /**< a limit was reached or the wait was ended; .path names it */
	USP_STAGE_FDS,	     /**< no descriptors to be had for its pipes */
	USP_STAGE_CLONE,     /**< the kernel made no process */
	USP_STAGE_STDIO,     /**< a descriptor could not be put in its place */
	USP_STAGE_SESSION,     /**< no session or process group */
	USP_STAGE_LIMITS,      /**< a resource limit could not be set */
	USP_STAGE_CHDIR,       /**< .path is the working directory */
	USP_STAGE_SIGNALS,     /**< dispositions and mask */
	USP_STAGE_EXEC,	       /**< .path is the program: ENOENT means there is none */
	USP_STAGE_INTERPRETER, /**< .path is there, but what it needs to run it is not */
};

/** Why a process came to its end.  Only EXITED with code 0 is a success. */
enum usp_reason {
	USP_REASON_EXITED = 1, /**< it returned an exit code */
	USP_REASON_SIGNALLED,  /**< a signal not sent from here ended it */
	USP_REASON_FAILED,     /**< it never started: see the failed event */
	USP_REASON_TIMEOUT,    /**< timeout_ns passed and the kill plan was carried out */
	USP_REASON_LAUNCH_TIMEOUT, /**< timeout_ns passed before its exec was through */
	USP_REASON_KILLED,	   /**< usp_process_kill() */
	USP_REASON_CLIENT_GONE,	   /**< its client closed the connection */
	USP_REASON_STATUS_LOST, /**< somebody else reaped it; how it ended is not known */
};

struct usp_started {
	pid_t pid;
};

/** How starting failed.  usp_failure_text() makes a sentence of it. */
struct usp_failure {
	enum usp_stage stage;
	int error;  /**< errno, positive; 0 when a signal ended the child before exec */
	int signal; /**< that signal, else 0 */
	const char *path; /**< what the stage names; never NULL, may be empty */
};

struct usp_output {
	int stream;	  /**< 1 or 2 */
	const void *data; /**< borrowed: valid until on_event returns */
	size_t size;
};

struct usp_eof {
	int stream;
};

struct usp_window {
	uint32_t bytes; /**< so many more than before; 0: the child closed its stdin */
};

struct usp_exit {
	int code;   /**< exit code; -1 when @signal is set or the status was lost */
	int signal; /**< the signal that ended it, else 0 */
	bool core;  /**< it left a core dump */
};

/** The four add up to the time from usp_spawn() to the end event. */
struct usp_timings {
	uint64_t queued_ns;  /**< until a launcher took it */
	uint64_t launch_ns;  /**< from there to its exec */
	uint64_t running_ns; /**< from its exec to its exit */
	uint64_t drain_ns;   /**< from its exit to the last byte of its output */
};

struct usp_end {
	enum usp_reason reason;
	uint64_t bytes[3]; /**< carried: written to stdin, read from the others */
	/** Given to usp_process_write(), never taken by the child's pipe. */
	uint64_t stdin_unread_bytes;
	struct usp_timings timings;
};

struct usp_event {
	enum usp_event_kind kind;
	__extension__ union {
		struct usp_started started;
		struct usp_failure failed;
		struct usp_output output;
		struct usp_eof eof;
		struct usp_window window;
		struct usp_exit exit;
		struct usp_end end;
	};
};

/* ---- the engine ---------------------------------------------------------- */

/** Limits and sizes of an engine; zero means the default named beside it. */
struct usp_engine_options {
	size_t size;	    /**< sizeof(struct usp_engine_options) */
	unsigned launchers; /**< threads; default: CPUs + 1, at most 8 */
	/** processes at one time; default: 4096, less where descriptors are few */
	unsigned running_max;
	unsigned queued_max;   /**< waiting for a place; default: 65536 */
	unsigned ring_entries; /**< submission queue; default: 512 */
	unsigned read_buffers; /**< of 64 KiB, shared by all streams; default: 64 */
};

/**
 * Make an engine and its launcher threads.
 *
 * Every signal that the calling thread does not block may be delivered to it as
 * before; the launchers block all of them.
 *
 * @param options  borrowed; NULL for the defaults
 * @param ret_engine  set on success only; gives the engine
 * @return 0, or -ENOSYS, -EPERM: no io_uring here (uringspawn doctor says why);
 *         -ENOMEM; -EMFILE; -EAGAIN: no threads to be had;
 *         -E2BIG: @options comes from a newer header than this library
 *
 * Thread: any; the caller's becomes the engine's.
 */
USP_API int usp_engine_new(const struct usp_engine_options *options,
			   struct usp_engine **ret_engine);

/**
 * End an engine: kill every process by SIGKILL, wait for each, report the end
 * of each, join the launchers.  Accepts NULL.
 *
 * @return NULL, so that engine = usp_engine_free(engine) leaves nothing stale
 *
 * Thread: the engine's, blocks.  Not from an event.
 */
USP_API struct usp_engine *usp_engine_free(struct usp_engine *engine);

/**
 * A descriptor that polls readable when usp_engine_turn() has work, for a
 * program with an event loop of its own.  Timeouts included.
 *
 * From the first call on each usp_engine_turn() makes one system call more.
 *
 * @return the descriptor; -EMFILE or -ENFILE when there is none to be had
 *
 * Thread: the engine's.  Ownership: the engine's; do not close or read it.
 */
USP_API int usp_engine_fd(struct usp_engine *engine);

/**
 * Do all that is ready, and return without waiting.
 *
 * @return 0 or what the kernel refused: -ENOMEM, -EBADF
 *
 * Thread: the engine's.  Not from an event.
 */
USP_API int usp_engine_turn(struct usp_engine *engine);

/**
 * Turn until no process is left, or usp_engine_stop() was called.
 *
 * @return 0 or as usp_engine_turn()
 *
 * Thread: the engine's, blocks.  Not from an event.
 */
USP_API int usp_engine_run(struct usp_engine *engine);

/** Let usp_engine_run() return once what is ready has been told.  Thread: the engine's. */
USP_API void usp_engine_stop(struct usp_engine *engine);

/** Counters of an engine since its start; the first two are gauges. */
struct usp_engine_stats {
	uint64_t running, queued;
	uint64_t started, failed, ended;
	uint64_t launches_stuck;   /**< launches that took longer than their limit */
	uint64_t reads_parked;	   /**< reads that had to wait for a free buffer */
	uint64_t launcher_wakeups; /**< times a sleeping launcher had to be woken */
};

/** Thread: the engine's. */
USP_API void usp_engine_stats(const struct usp_engine *engine,
			      struct usp_engine_stats *ret_stats);

/**
 * Ask for a program to be started.
 *
 * Returns at once; everything else arrives as events, the end event last and
 * exactly once.  What is wrong with the request itself is reported as a failed
 * event of stage VALIDATE.  on_event is never called from inside this function.
 *
 * @param options  copied, descriptors duplicated
 * @param ret_process  set on success only; valid until its end event returns
 * @return 0, or -EINVAL: no argv or no on_event; -ENOMEM;
 *         -EMFILE, -ENFILE: no descriptors for the duplicates;
 *         -E2BIG: @options comes from a newer header than this library;
 *         -ESHUTDOWN: the engine is being freed
 *
 * Thread: the engine's.
 */
USP_API int usp_spawn(struct usp_engine *engine, const struct usp_options *options,
		      struct usp_process **ret_process);

/* ---- a process: the same calls for an engine's and a daemon client's ----- */

/**
 * Write to the child's stdin, which must be a pipe.  All of @data or nothing.
 *
 * Before Linux 6.18 the first write to a stdin that nobody reads blocks SIGPIPE in
 * the engine's thread from then on.
 *
 * @param data  copied
 * @return 0, or -EAGAIN: more than the window allows, wait for USP_EVENT_WINDOW
 *         (the window opens with 256 KiB, and what it held comes back as it is taken);
 *         -EPIPE: the child closed its stdin, or usp_process_close_stdin() was called;
 *         -ENOTSUP: its stdin is not a pipe; -ENOMEM
 *
 * Thread: the engine's or the client's.
 */
USP_API int usp_process_write(struct usp_process *process, const void *data, size_t size);

/**
 * Let the child see the end of its stdin, after what was written.
 *
 * @return 0; -ENOTSUP: its stdin is not a pipe
 *
 * Thread: the engine's or the client's.
 */
USP_API int usp_process_close_stdin(struct usp_process *process);

/**
 * Let @stream deliver @bytes more.  Without meaning when window_bytes was 0.
 *
 * Thread: the engine's or the client's.
 */
USP_API void usp_process_credit(struct usp_process *process, int stream, uint32_t bytes);

/**
 * Send a signal.  One sent before the program runs is delivered when it does.
 *
 * @return 0; -EINVAL: no such signal or target; -ESRCH: it has exited
 *
 * Thread: the engine's or the client's.
 */
USP_API int usp_process_signal(struct usp_process *process, int signal,
			       enum usp_target target);

/**
 * Carry out the kill plan.  Its end will say USP_REASON_KILLED, unless it came
 * to its end before that.  A process that still waits for a place fails at once.
 *
 * Thread: the engine's or the client's.
 */
USP_API void usp_process_kill(struct usp_process *process);

/** The process id; 0 before the started event.  Thread: the engine's or the client's. */
USP_API pid_t usp_process_pid(const struct usp_process *process);

/* ---- words --------------------------------------------------------------- */

/** The name of a stage: "exec".  Never NULL.  Thread: any. */
USP_API const char *usp_stage_name(enum usp_stage stage);

/** The name of a reason: "client-gone".  Never NULL.  Thread: any. */
USP_API const char *usp_reason_name(enum usp_reason reason);

/**
 * Say a failure in one sentence without a full stop: "cannot run 'foo': no such
 * program".  Cuts it at @size, which includes the NUL.
 *
 * @return @text.  Thread: any.
 */
USP_API const char *usp_failure_text(const struct usp_failure *failure, char *text,
				     size_t size);

/**
 * The exit code by which a shell reports an end: the code itself, 128 + the
 * signal, 124 for a timeout, 126 or 127 when the program could not be executed
 * or found, 125 for every other failure.
 *
 * @param exit  the exit event, or NULL if there was none
 * @param failed  the failed event, or NULL if there was none
 *
 * Thread: any.
 */
USP_API int usp_shell_code(const struct usp_end *end, const struct usp_exit *exit,
			   const struct usp_failure *failed);

#ifdef __cplusplus
}
#endif
#endif
