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
 *   4. USP_EVENT_EXIT: the process is gone.  Output may still follow.  (One that is
 *      not gone 3 s after SIGKILL has none: its end says so by .tree.)
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

/** What one of the child's descriptors is. */
enum usp_stdio_kind {
	USP_STDIO_DEFAULT = 0, /**< null for stream 0, a pipe for 1 and 2 */
	USP_STDIO_NULL,	       /**< /dev/null */
	USP_STDIO_PIPE, /**< a pipe whose other end is served by events and calls */
	USP_STDIO_FD,	/**< the open file of .fd; duplicated before the call returns */
	USP_STDIO_DUP,	/**< the same open file as descriptor .fd of this child (2>&1) */
	/** The file at .path, opened by the child itself with .flags and .mode: with its
	 * own rights, relative to its working directory, without waiting for a FIFO. */
	USP_STDIO_FILE,
	USP_STDIO_DUPLEX, /**< a socket pair whose other end is served, both ways */
	/**
	 * The child's end of a pseudo-terminal, one for all its descriptors of this kind.
	 * It becomes the controlling terminal of a session of the child's own.  What it
	 * says is told as stream 1; what it reads is written as stream 0: neither may be
	 * a PIPE or DUPLEX beside it.
	 */
	USP_STDIO_PTY,
	/** A pipe whose other end is given to the caller with the started event. */
	USP_STDIO_HANDOVER,
};

/** Which way a PIPE or HANDOVER carries; of a FILE, how it is opened by default. */
enum usp_direction {
	USP_DIRECTION_DEFAULT = 0, /**< the child reads stream 0 and writes all others */
	USP_DIRECTION_READ,	   /**< the child reads */
	USP_DIRECTION_WRITE,	   /**< the child writes */
};

struct usp_stdio {
	enum usp_stdio_kind kind;
	/** FD: a descriptor, 0 included.  DUP: a descriptor of the child, not a DUP itself. */
	int fd;
	enum usp_direction direction; /**< PIPE, HANDOVER, and FILE without flags */
	const char *path;	      /**< FILE; copied */
	/**
	 * FILE: of open(); default: O_RDONLY where the child reads, else
	 * O_WRONLY|O_CREAT|O_TRUNC.  Stream 0 is never created.  A FIFO without another
	 * end fails with ENXIO, a directory with EISDIR.
	 */
	int flags;
	unsigned mode; /**< FILE: of one that is created; default: 0666 */
};

/** One more descriptor of the child. */
struct usp_fd {
	int target; /**< its number there: 3 to USP_FD_TARGET_MAX, each once */
	struct usp_stdio stdio; /**< no DEFAULT, no PTY */
};

#define USP_FD_TARGET_MAX 255
#define USP_FDS_MAX	  64 /**< of struct usp_options.fds */

/** The process group and session that the child runs in. */
enum usp_group {
	USP_GROUP_NEW = 0, /**< a process group of its own, in the engine's session */
	USP_GROUP_SESSION, /**< a session, and so a group, of its own; no controlling terminal */
	USP_GROUP_SAME, /**< the engine's own group.  Refused by a daemon. */
	/** A group of its own, made the foreground one of the terminal that is the engine's
	 * controlling one.  The caller takes the terminal back after the exit event, or the
	 * failed one.
	 * Refused by a daemon. */
	USP_GROUP_FOREGROUND,
	/**
	 * The group .pgid, as if its leader had started the child: what is sent to all of it
	 * (^C on a terminal) reaches the child as well.  Where that is not in the engine's
	 * session, or is gone: a new group.  Through a daemon: the client's own, whatever
	 * .pgid says.
	 */
	USP_GROUP_JOIN,
};

/** Whom a signal is for. */
enum usp_target {
	USP_TARGET_GROUP =
		0, /**< the child's process group; the process alone in one that is not its own */
	USP_TARGET_PROCESS, /**< the process alone */
	/**
	 * The process and all that it started, sessions of their own included: surely
	 * where it has a cgroup of its own, which this target asks for; elsewhere its
	 * group and the descendants that can be found, and the end says best effort.
	 */
	USP_TARGET_TREE,
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

/** Limits of the cgroup of a job; USP_FLAG_CGROUP, or any of these, gives it one. */
struct usp_cgroup {
	/** An existing cgroup to start in instead, below the v2 mount point; copied.
	 * Excludes the limits.  Through a daemon only for root. */
	const char *path;
	uint64_t memory_max_bytes; /**< default: none */
	uint64_t pids_max;	   /**< default: none */
	uint32_t cpu_milli;	   /**< thousandths of a CPU's time; default: no limit */
};

struct usp_rlimit {
	int resource;	     /**< RLIMIT_* */
	uint64_t soft, hard; /**< UINT64_MAX: no limit */
};

#define USP_RLIMITS_MAX 16 /**< resources that Linux has */
#define USP_CPU_WORDS	16 /**< 1024 CPUs */
#define USP_GROUPS_MAX	256

/** Size of a terminal, in characters and, if known, in pixels. */
struct usp_winsize {
	uint16_t rows, columns; /**< default: 24, 80 */
	uint16_t x_pixels, y_pixels;
};

/** What happens when a stream has more to deliver than output_max_bytes. */
enum usp_output_action {
	/** That much is told, and it is read no more (but for the byte that shows it); the
	 * kill plan is carried out, the reason is OUTPUT_LIMIT. */
	USP_OUTPUT_KILL = 0,
	/** Its last output_tail_bytes are told before its end of file, and what lies between
	 * them and the first ones is read, without credit, and dropped; the end says how
	 * much that was.  Where there is no memory for the tail it is dropped as well. */
	USP_OUTPUT_DROP,
};

/** What happens to those who hold a pipe when drain_ns have passed since the exit. */
enum usp_drain_action {
	USP_DRAIN_LEAVE = 0, /**< its readers are closed; who writes finds that out */
	USP_DRAIN_KILL, /**< the kill plan, which has to reach them: a group or a tree */
};

/** What a daemon does with a job whose client goes away. */
enum usp_gone {
	USP_GONE_KILL = 0, /**< the kill plan */
	USP_GONE_KEEP,	   /**< it runs on; its output is read and dropped */
	/** It runs on, and its limits of time end; its pipes are closed: as a child whose
	 * parent is gone.  Not with a cgroup of its own, nor with a kill plan for its tree:
	 * -EINVAL, "gone". */
	USP_GONE_RELEASE,
};

/** A set of options that many spawns have in common; see usp_template_new(). */
struct usp_template;

/** Processes that are there before they are needed; see pool.h. */
struct usp_pool;

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
	/** NULL-terminated, NAME=VALUE each; default: empty, or the template's; copied */
	const char *const *envp;
	const char *cwd; /**< default: the engine's own; copied */
	struct usp_stdio stdio[3];
	enum usp_group group;
	/** From clone to the kill plan; default: none.  This and all other times are of
	 * CLOCK_MONOTONIC: no suspended machine and no set clock ends a job. */
	uint64_t timeout_ns;
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

	/** What this names and does not say is the template's; flags and set bits add up. */
	const struct usp_template *base;
	/** On top of envp, or of the template's: NAME=VALUE each, replacing; copied. */
	const char *const *env_extend;
	const char *const *env_unset; /**< names to leave out of it; copied */
	const struct usp_fd *fds;     /**< descriptors from 3 on; copied as stdio is */
	size_t n_fds;
	uint32_t set;	   /**< USP_SET_*: which of the next six count */
	unsigned umask;	   /**< default: 022 in a daemon, else the engine's */
	int nice;	   /**< -20 to 19; default: 0 in a daemon, else the engine's */
	int oom_score_adj; /**< -1000 to 1000; default as nice */
	/**
	 * Default: the engine's; in a root daemon the client's.  (The kernel lets a process
	 * that started a child as somebody else be traced and dump core no more.)
	 */
	uid_t uid;
	gid_t gid;	     /**< set together with uid */
	const gid_t *groups; /**< supplementary groups with uid and gid; copied */
	size_t n_groups;     /**< at most USP_GROUPS_MAX */
	struct usp_rlimit rlimits[USP_RLIMITS_MAX]; /**< each resource once */
	size_t n_rlimits;
	uint64_t cpus[USP_CPU_WORDS]; /**< bit n: may run on CPU n; default: as before */
	struct usp_cgroup cgroup;
	struct usp_winsize pty;
	uint64_t queue_timeout_ns; /**< from usp_spawn() to its place; default: none */
	/** From clone to exec; default, and never longer than: timeout_ns. */
	uint64_t launch_timeout_ns;
	/** Since its last output, on any stream, or its start; default: none.  A stream that
	 * waits for credit is not idle, and begins anew when it has some. */
	uint64_t idle_timeout_ns;
	uint64_t output_max_bytes; /**< of each stream; default: no limit */
	/** With DROP: kept of the end; at most 1 MiB, and a part of output_max_bytes. */
	uint64_t output_tail_bytes;
	enum usp_output_action output_action;
	/** From the exit, for those who still hold a pipe; default: for ever.  What is in
	 * the pipe by then is told. */
	uint64_t drain_ns;
	enum usp_drain_action drain_action;
	enum usp_gone gone;
	pid_t pgid; /**< GROUP_JOIN: a process group; 0, or none that there is: a new one */
	/**
	 * A use of this pool (pool.h) instead of a program of its own: argv stays NULL, and so
	 * does what says how a program starts.  What counts is on_event, user, window_bytes,
	 * kill, gone (without RELEASE), the limits of time (queue_timeout_ns: until it has its member; the others
	 * from then on), for a standby's use also drain and the limit of output, and the flags
	 * RUN, PIDFD and RUSAGE.  Anything else: failed{validate}, with its name.
	 */
	struct usp_pool *pool;
	int priority; /**< of a use that waits: higher ones go first; default: 0 */
};

/** Through a daemon: a short job whose frames may leave together, up to 1 ms late, and
 * together with those of other jobs, up to 4 ms late, while many wait for a launcher. */
#define USP_FLAG_RUN 1u
/** The started event gives a pidfd: to wait on, to signal by, the caller's to close. */
#define USP_FLAG_PIDFD 2u
/** The end event has .rusage.  One system call more. */
#define USP_FLAG_RUSAGE 4u
/** No exec in it gives more rights than it has: PR_SET_NO_NEW_PRIVS. */
#define USP_FLAG_NO_NEW_PRIVS 8u
/** A cgroup of its own, where a writable cgroup v2 is found; failed{cgroup} elsewhere. */
#define USP_FLAG_CGROUP 16u
/**
 * SIGKILL as soon as the engine's program is gone, however that ended (PR_SET_PDEATHSIG);
 * through a daemon: the daemon's.  The end of a launcher's thread does not count: one
 * that has started such a process stays as long as its engine.  For the process itself,
 * not for what it starts, and not where an exec in it gives more rights or another user:
 * the kernel forgets it then.
 */
#define USP_FLAG_BOUND 32u

#define USP_SET_UMASK	      1u
#define USP_SET_NICE	      2u
#define USP_SET_OOM_SCORE_ADJ 4u
#define USP_SET_CREDENTIALS   8u /**< uid, gid and groups, all three */

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

/** Which step of starting a program failed. */
enum usp_stage {
	USP_STAGE_NONE = 0,
	USP_STAGE_VALIDATE, /**< the request breaks a rule; .path names the field */
	USP_STAGE_ADMISSION, /**< a limit was reached or the wait was ended; .path names it */
	USP_STAGE_FDS,	     /**< no pipe, socket pair or terminal to be had for it */
	USP_STAGE_CLONE,     /**< the kernel made no process */
	/** A descriptor could not be put in its place; .path is the file of a FILE. */
	USP_STAGE_STDIO,
	USP_STAGE_SESSION, /**< no session, process group or controlling terminal */
	USP_STAGE_LIMITS,  /**< no limit, nice value, oom_score_adj or CPUs as asked */
	USP_STAGE_CHDIR,   /**< .path is the working directory */
	USP_STAGE_SIGNALS, /**< dispositions and mask */
	USP_STAGE_EXEC,	   /**< .path is the program: ENOENT means there is none */
	USP_STAGE_INTERPRETER, /**< .path is there, but what it needs to run it is not */
	USP_STAGE_CGROUP,      /**< no cgroup, or it could not be entered */
	USP_STAGE_CREDENTIALS, /**< uid, gid, groups, no_new_privs, bound */
	/** A pool's member was not ready in time (ETIMEDOUT), or ended before (ECHILD). */
	USP_STAGE_READY,
};

/**
 * Why a process came to its end: the first of the causes below, whatever became of it
 * then.  Only EXITED with code 0 is a success.
 */
enum usp_reason {
	USP_REASON_EXITED = 1, /**< it returned an exit code */
	USP_REASON_SIGNALLED,  /**< a signal not sent from here ended it */
	USP_REASON_FAILED,     /**< it never started: see the failed event */
	USP_REASON_TIMEOUT,    /**< timeout_ns passed and the kill plan was carried out */
	USP_REASON_LAUNCH_TIMEOUT, /**< launch_timeout_ns passed before its exec was through */
	USP_REASON_KILLED,	   /**< usp_process_kill() */
	USP_REASON_CLIENT_GONE, /**< its client closed the connection */
	USP_REASON_STATUS_LOST, /**< somebody else reaped it; how it ended is not known */
	USP_REASON_IDLE_TIMEOUT,  /**< idle_timeout_ns without output */
	USP_REASON_QUEUE_TIMEOUT, /**< queue_timeout_ns passed before it had a place */
	USP_REASON_OUTPUT_LIMIT,  /**< output_max_bytes, and output_action is KILL */
	USP_REASON_CGROUP_OOM,	  /**< its cgroup ran out of memory_max_bytes */
	/** A worker's use was given back (pool.h): its member lives on, or is replaced. */
	USP_REASON_RELEASED,
};

/** A descriptor that comes with an event: the caller's, who closes it. */
struct usp_given_fd {
	int stream; /**< the child's descriptor that it is the other end of */
	int fd;
};

struct usp_started {
	pid_t pid;
	int pidfd; /**< the caller's; -1 unless USP_FLAG_PIDFD was set */
	const struct usp_given_fd *fds; /**< of HANDOVER; the array is borrowed */
	size_t n_fds;
};

/** How starting failed.  usp_failure_text() makes a sentence of it. */
struct usp_failure {
	enum usp_stage stage;
	int error;  /**< errno, positive; 0 when a signal ended the child before exec */
	int signal; /**< that signal, else 0 */
	const char *path; /**< what the stage names; never NULL, may be empty */
	/** ADMISSION: try again after that, as places became free of late; 0: not known */
	uint32_t retry_ms;
};

struct usp_output {
	int stream;	  /**< the child's descriptor: 1, 2, or one of .fds */
	const void *data; /**< borrowed: valid until on_event returns */
	size_t size;
};

struct usp_eof {
	int stream;
};

struct usp_window {
	int stream;	/**< 0, or one of .fds that is written to */
	uint32_t bytes; /**< so many more than before; 0: nobody reads it any more */
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

/** How its output came to its end. */
enum usp_drain {
	USP_DRAIN_EOF = 0, /**< everybody closed it */
	/** It was closed here, because drain_ns had passed, or because it was killed; or who
	 * held it was killed for that. */
	USP_DRAIN_DEADLINE,
};

/** Who was left when its tree was to be killed. */
enum usp_tree {
	USP_TREE_NOT_ASKED = 0,
	USP_TREE_GONE,	      /**< its cgroup was seen to be empty */
	USP_TREE_BEST_EFFORT, /**< all that could be found were killed */
	USP_TREE_PENDING,     /**< SIGKILL was sent, and it, or some, are not gone yet */
};

/** A process that held a pipe of the job when it was closed here. */
struct usp_holder {
	pid_t pid;
	char name[16]; /**< as in /proc/PID/comm */
};

/** What it and the children that it waited for used. */
struct usp_rusage {
	uint64_t user_ns, system_ns;
	uint64_t max_rss_bytes;
	uint64_t minor_faults, major_faults;
	uint64_t blocks_read, blocks_written; /**< of 512 bytes */
	uint64_t voluntary_switches, involuntary_switches;
};

/** What all of its cgroup used; UINT64_MAX where the controller is not on. */
struct usp_cgroup_usage {
	uint64_t user_ns, system_ns;
	uint64_t memory_peak_bytes;
	uint64_t pids_peak;
	uint64_t oom_kills;
};

/** The total of a stream beyond 2. */
struct usp_stream_total {
	int stream;
	uint64_t bytes;	  /**< told of it; of one that is only written, taken by it */
	uint64_t dropped; /**< read, and not told */
};

struct usp_end {
	enum usp_reason reason;
	/** Carried: told of each, taken by one that is only written, as stdin is. */
	uint64_t bytes[3];
	/** Given to usp_process_write() and _write_stream(), never taken by the child. */
	uint64_t stdin_unread_bytes;
	struct usp_timings timings;
	uint64_t dropped[3]; /**< read from the stream, and not told: see output_action */
	enum usp_drain drain;
	enum usp_tree tree;
	uint32_t orphans; /**< processes of it that were seen to outlive it */
	/** Some of those, where /proc tells; borrowed. */
	const struct usp_holder *holders;
	size_t n_holders;
	const struct usp_stream_total *streams; /**< of .fds; borrowed */
	size_t n_streams;
	const struct usp_rusage *rusage; /**< NULL unless asked for and known; borrowed */
	/** NULL without one of its own; borrowed. */
	const struct usp_cgroup_usage *cgroup;
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

/**
 * Which launcher gets a program to start.  SHARED is the one to use; the others choose
 * before it is known who will be free first (docs/BENCHMARKS.md has the figures).
 */
enum usp_policy {
	USP_POLICY_SHARED = 0,	 /**< whoever is free takes the next one */
	USP_POLICY_ROUND_ROBIN,	 /**< one after the other */
	USP_POLICY_LEAST_LOADED, /**< the one that has the least to do */
	USP_POLICY_RANDOM,	 /**< any, each as likely as the others */
};

/**
 * Whose table of descriptors the launchers use.  A spawn costs a tenth of a microsecond
 * for each descriptor in it.  Where a table of their own is not to be had (a sandbox
 * forbids pidfd_getfd, say), launchers stay in the program's, whatever is asked for.
 *
 * A launcher in a table of its own hands descriptors over in a way that interrupts the
 * engine's thread: calls of its own that block there, epoll_wait() among them, may
 * return EINTR.
 */
enum usp_tables {
	USP_TABLES_AUTO = 0, /**< one of their own as soon as the program's is large */
	USP_TABLES_SHARED,   /**< the program's */
	USP_TABLES_PRIVATE,  /**< one of their own, from the first program on */
};

/** Limits and sizes of an engine; zero means the default named beside it. */
struct usp_engine_options {
	size_t size;	    /**< sizeof(struct usp_engine_options) */
	unsigned launchers; /**< threads; default: CPUs + 1, at most 8 */
	/** processes at one time; default: 4096, less where descriptors are few */
	unsigned running_max;
	unsigned queued_max;   /**< waiting for a place; default: 65536 */
	unsigned ring_entries; /**< submission queue of io_uring; default: 512 */
	unsigned read_buffers; /**< of 128 KiB, shared by all streams; default: 32 */
	enum usp_policy policy;
	enum usp_tables tables;
	/**
	 * A launcher whose program has not begun to run after so long is counted as stuck
	 * when others wait for it, and another one stands in; default: 100 ms.
	 */
	uint64_t stuck_ns;
};

/**
 * Make an engine and its launcher threads.
 *
 * It waits by io_uring, and where that is refused or too old (containers forbid it as a
 * rule, Linux before 6.8 has not enough of it) by epoll.  URINGSPAWN_BACKEND in the
 * environment of this process, uring or epoll, asks for the one and no other.
 *
 * Every signal that the calling thread does not block may be delivered to it as
 * before; the launchers block all of them.
 *
 * @param options  borrowed; NULL for the defaults
 * @param ret_engine  set on success only; gives the engine
 * @return 0, or -ENOMEM; -EMFILE; -EAGAIN: no threads to be had;
 *         -EINVAL: no such policy or tables; or URINGSPAWN_BACKEND is neither uring
 *         nor epoll;
 *         -ENOSYS, -EPERM: it is uring, and there is none here (uringspawn doctor
 *         says why);
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
 * What sleeps in the kernel on a device or a mount that does not answer cannot be
 * killed.  It is waited for during 10 s; then its end is reported all the same, and what
 * it may still touch (the engine's memory, its ring, the thread that launches it) stays
 * with the program.
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
 * From the first call on each usp_engine_turn() makes one system call more, or two.
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

/** What the engine waits by: "io_uring" or "epoll".  Thread: any. */
USP_API const char *usp_engine_backend(const struct usp_engine *engine);

/** Let usp_engine_run() return once what is ready has been told.  Thread: the engine's. */
USP_API void usp_engine_stop(struct usp_engine *engine);

#define USP_HISTOGRAM_BUCKETS 28

/** How many times how long. */
struct usp_histogram {
	/** Of each bucket: longer than the bound before, and not than its own. */
	uint64_t counts[USP_HISTOGRAM_BUCKETS];
	uint64_t sum_ns; /**< of all that were counted */
};

/**
 * The longest that a bucket counts: 10 us, 20 us, 50 us, 100 us and so on to 5000 s;
 * UINT64_MAX for the last one.  Thread: any.
 */
USP_API uint64_t usp_histogram_bound_ns(unsigned bucket);

#define USP_STATS_REASONS 32 /**< more than enum usp_reason has */
#define USP_STATS_STAGES  32 /**< more than enum usp_stage has */

/** Counters of an engine since its start, and gauges where that is said. */
struct usp_engine_stats {
	uint64_t running, queued;	 /**< gauges */
	uint64_t started, failed, ended; /**< the first two: of those that have ended */
	/** launches that took longer than their timeout, or than stuck_ns while others waited */
	uint64_t launches_stuck;
	uint64_t reads_parked;	   /**< reads that had to wait for a free buffer */
	uint64_t launcher_wakeups; /**< times a sleeping launcher had to be woken */
	uint64_t refused;	   /**< by a limit; among those that failed */
	uint64_t ended_by[USP_STATS_REASONS]; /**< index: enum usp_reason */
	uint64_t failed_at[USP_STATS_STAGES]; /**< index: enum usp_stage */
	uint64_t bytes[3];		      /**< carried by stdin, stdout, stderr */
	uint64_t launchers;		      /**< threads; a gauge */
	uint64_t files, files_max;	      /**< in the engine's own table; gauges */
	struct usp_histogram queue_ns;	/**< waiting, those that were ended so included */
	struct usp_histogram launch_ns; /**< from a launcher's hands to exec */
	struct usp_histogram run_ns;	/**< from exec to exit */
	struct usp_histogram drain_ns;	/**< from exit to the last byte */
	/** Cgroups of engines that crashed, killed and removed. */
	uint64_t leftovers_cleared;
	uint64_t launchers_stuck; /**< in a launch, while others wait; a gauge */
};

/**
 * As usp_engine_stats().
 *
 * @param size  of what the caller was compiled with: so much is set
 *
 * Thread: the engine's.
 */
USP_API void usp_engine_stats_sized(const struct usp_engine *engine,
				    struct usp_engine_stats *ret_stats, size_t size);

/** The numbers of an engine.  Calls nothing of the kernel.  Thread: the engine's. */
static inline void usp_engine_stats(const struct usp_engine *engine,
				    struct usp_engine_stats *ret_stats)
{
	usp_engine_stats_sized(engine, ret_stats, sizeof(*ret_stats));
}

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

/* ---- templates ----------------------------------------------------------- */

/**
 * Keep a set of options for usp_options.base, so that a spawn names only what
 * differs: the environment is most of a request's bytes.
 *
 * @param options  copied; size and what it says, argv and on_event included, are as
 *                 for usp_spawn(), and none has to be there; no descriptors of kind FD
 * @param ret_template  set on success only; gives the template
 * @return 0, or -EINVAL: a descriptor of kind FD, or a base of its own; -ENOMEM; -E2BIG
 *
 * Thread: the engine's.
 */
USP_API int usp_template_new(struct usp_engine *engine, const struct usp_options *options,
			     struct usp_template **ret_template);

/**
 * What was spawned with it is not touched.  Accepts NULL.  One of a daemon client:
 * before the client is freed.
 *
 * @return NULL.  Thread: the engine's or the client's.
 */
USP_API struct usp_template *usp_template_free(struct usp_template *kept);

/* ---- a process: the same calls for an engine's and a daemon client's ----- */

/**
 * Write to the child's stdin, which must be a PIPE, a DUPLEX, or its terminal.  All of
 * @data or nothing.
 *
 * Before Linux 6.18 the first write to a stdin that nobody reads blocks SIGPIPE in
 * the engine's thread from then on.
 *
 * @param data  copied
 * @return 0, or -EAGAIN: more than the window allows, wait for USP_EVENT_WINDOW
 *         (the window opens with 256 KiB, and what it held comes back as it is taken);
 *         -EPIPE: the child closed its stdin, or usp_process_close_stdin() was called;
 *         -ENOTSUP: its stdin is none of those; -ENOMEM
 *
 * Thread: the engine's or the client's.
 */
USP_API int usp_process_write(struct usp_process *process, const void *data, size_t size);

/**
 * Let the child see the end of its stdin, after what was written.
 *
 * @return 0; -ENOTSUP: its stdin is neither a PIPE nor a DUPLEX
 *
 * Thread: the engine's or the client's.
 */
USP_API int usp_process_close_stdin(struct usp_process *process);

/**
 * As usp_process_write(), to any descriptor of the child's that is a PIPE which it
 * reads, a DUPLEX, or, as stream 0, its terminal.
 *
 * Thread: the engine's or the client's.
 */
USP_API int usp_process_write_stream(struct usp_process *process, int stream,
				     const void *data, size_t size);

/** As usp_process_close_stdin(), for any such stream; of a terminal: -ENOTSUP. */
USP_API int usp_process_close_stream(struct usp_process *process, int stream);

/**
 * Give a stream up, both ways: its end here is closed.  A child that writes to it gets
 * SIGPIPE and EPIPE from then on (EPIPE alone where it is waiting for room in a DUPLEX);
 * one that reads finds its end after what its pipe holds, and the rest is lost.
 *
 * Of what the child wrote nothing more is told; through a daemon what is on its way still
 * is.  The end of file event of a stream that it writes follows, not from inside the call
 * and not before the started event.  A stream that was given up has ended, for the drain.
 * Before the started event it takes effect as soon as the stream is there.
 *
 * @return 0, also for one that has ended or was given up before; -ENOTSUP: there is no
 *         PIPE or DUPLEX there, or it is a terminal
 *
 * Thread: the engine's or the client's.
 */
USP_API int usp_process_drop_stream(struct usp_process *process, int stream);

/**
 * Tell the child's terminal its size: SIGWINCH for who runs there.
 *
 * @return 0; -ENOTTY: it has none; -ESRCH: it has exited
 *
 * Thread: the engine's or the client's.
 */
USP_API int usp_process_resize(struct usp_process *process,
			       const struct usp_winsize *size);

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

/** The name of a launch policy: "round-robin"; NULL: there is none.  Thread: any. */
USP_API const char *usp_policy_name(enum usp_policy policy);

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
