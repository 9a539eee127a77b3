/*
 * The numbers of the uringspawn protocol.  docs/PROTOCOL.md says what they mean,
 * byte for byte.  Everything is little-endian.
 */
#ifndef URINGSPAWN_WIRE_H
#define URINGSPAWN_WIRE_H

/**
 * Bytes of the header of each frame: u32 payload bytes, u8 type, u8 fds, u16 flags,
 * u32 job, u32 arg.
 */
#define USP_WIRE_HEADER_BYTES 16

/** "USPN", the first four payload bytes of each HELLO. */
#define USP_WIRE_MAGIC 0x4e505355u

/** The range of versions that this code speaks. */
#define USP_WIRE_VERSION_MIN 1
#define USP_WIRE_VERSION_MAX 1

enum usp_wire_type {
	/* both ways, the first frame each way, job 0 */
	USP_WIRE_HELLO = 0x01,

	/* from the client */
	USP_WIRE_SPAWN = 0x02,	   /* payload: fields; fds: those that STDIO names */
	USP_WIRE_RUN = 0x03,	   /* the same; its frames may leave together */
	USP_WIRE_STDIN = 0x04,	   /* flags: stream; payload: bytes */
	USP_WIRE_STDIN_EOF = 0x05, /* flags: stream */
	USP_WIRE_WINDOW = 0x06,	   /* arg: bytes; flags: stream */
	USP_WIRE_SIGNAL = 0x07,	   /* arg: signal; flags: enum usp_wire_signal_target */
	USP_WIRE_TEMPLATE = 0x08,  /* job 0; arg: id; payload: fields; none: forget it */
	USP_WIRE_BATCH = 0x09, /* job 0; payload: USP_WIRE_BATCH_BYTES and fields, many */
	USP_WIRE_RESIZE = 0x0a,	 /* arg: rows << 16 | columns */
	USP_WIRE_STAT = 0x0b,	 /* job 0; flags: enum usp_wire_stat_format */
	USP_WIRE_REPLACE = 0x0c, /* job 0; arg: enum usp_wire_replace */
	/* job: the daemon's number; arg, flags: as of SIGNAL */
	USP_WIRE_KILL_JOB = 0x0d,
	USP_WIRE_CLOSE = 0x0e, /* flags: stream */
	/* job: the pool's id on this connection; payload: fields */
	USP_WIRE_POOL_OPEN = 0x0f,
	USP_WIRE_POOL_RESIZE = 0x10, /* job: pool; payload: u32 min, u32 max, u32 spare */
	/* job: pool; flags: enum usp_wire_pool_close; payload: u64 drain ns */
	USP_WIRE_POOL_CLOSE = 0x11,
	/* job: a worker's use; flags: 1: its member is not used again; arg: uses, 0: one */
	USP_WIRE_RELEASE = 0x12,

	/* from the daemon */
	/* arg: pid; payload: a u16 for each descriptor: its stream, or USP_WIRE_PIDFD */
	USP_WIRE_STARTED = 0x81,
	USP_WIRE_OUTPUT = 0x82, /* flags: stream; payload: bytes */
	USP_WIRE_EOF = 0x83,	/* flags: stream */
	USP_WIRE_EXIT = 0x84,	/* flags: enum usp_wire_exit_kind; arg: code or signal */
	USP_WIRE_END = 0x85, /* arg: reason; payload: USP_WIRE_END_BYTES, then fields */
	/* flags: stage; arg: errno; payload: u32 signal, u32 retry ms, path */
	USP_WIRE_FAILED = 0x86,
	/* arg: bytes taken; flags: stream << 8; bit 0: nobody reads it any more */
	USP_WIRE_STDIN_WINDOW = 0x87,
	USP_WIRE_ERROR = 0x88, /* job 0; arg: errno; payload: a sentence; the last one */
	USP_WIRE_STATS = 0x89, /* job 0; payload: text of the format that was asked for */
	/* job 0; fds: the listening sockets; arg: bit i: the file of socket i is a daemon's
	 * to remove */
	USP_WIRE_REPLACED = 0x8a,
	USP_WIRE_JOB_KILLED = 0x8b, /* job: the number of KILL_JOB; arg: 0, or errno */
	/* job: pool; flags: the type of the frame that it answers; arg: 0, or errno; payload:
	 * the field at fault */
	USP_WIRE_POOL_DONE = 0x8c,
	/* job: pool; flags: stream; arg: pid of the member; payload: bytes */
	USP_WIRE_POOL_OUTPUT = 0x8d,
};

/** In a STARTED payload: the descriptor is a pidfd. */
#define USP_WIRE_PIDFD 0xffffu

/** Of an entry of BATCH before its fields: u32 job, u8 SPAWN or RUN, u8 fds, u16 zero,
 *  u32 bytes of its fields. */
#define USP_WIRE_BATCH_BYTES 12

/** Fields of a SPAWN or RUN payload: u16 tag, u16 flags, u32 bytes, then the bytes. */
enum usp_wire_field {
	USP_WIRE_ARGV = 1,     /* NUL-terminated strings, one after the other */
	USP_WIRE_PATH = 2,     /* string without NUL */
	USP_WIRE_SEARCH = 3,   /* string without NUL */
	USP_WIRE_ENV = 4,      /* NUL-terminated strings, one after the other */
	USP_WIRE_CWD = 5,      /* string without NUL */
	USP_WIRE_STDIO = 6,    /* three times u8 kind, u8 argument: enum usp_wire_stdio */
	USP_WIRE_GROUP = 7,    /* u32: enum usp_wire_group */
	USP_WIRE_TIMEOUT = 8,  /* u64 ns */
	USP_WIRE_KILL = 9,     /* u32 signal, u32 target as in SIGNAL, u64 grace ns */
	USP_WIRE_IGNORED = 10, /* u64: bit n-1 for signal n */
	USP_WIRE_CREDIT = 11,  /* u32 bytes for each stream; default: as HELLO says */
	/* For each descriptor from 3 on: u16 target, u8 kind, u8 argument, as in STDIO. */
	USP_WIRE_FDS = 12,
	/* Once for each FILE: u16 target, u16 zero, u32 open flags, u32 mode, path, NUL. */
	USP_WIRE_FILE = 13,
	USP_WIRE_ENV_EXTEND = 14,    /* as ENV: on top of it, or of the template's */
	USP_WIRE_ENV_UNSET = 15,     /* names, NUL-terminated, one after the other */
	USP_WIRE_USE_TEMPLATE = 16,  /* u32 id, not 0: what is not said is as there */
	USP_WIRE_CREDENTIALS = 17,   /* u32 uid, u32 gid, then a u32 for each group */
	USP_WIRE_UMASK = 18,	     /* u32 */
	USP_WIRE_NICE = 19,	     /* i32 */
	USP_WIRE_OOM_SCORE_ADJ = 20, /* i32 */
	USP_WIRE_RLIMITS = 21, /* u32 resource, u32 zero, u64 soft, u64 hard, each */
	USP_WIRE_CPUS = 22,    /* u64 words, bit n of all: CPU n */
	USP_WIRE_FLAGS = 23,   /* u32: USP_FLAG_* of spawn.h but RUN */
	USP_WIRE_CGROUP = 24,  /* an existing cgroup, with its NUL */
	USP_WIRE_CGROUP_LIMITS = 25, /* u64 memory bytes, u64 pids, u64 cpu milli */
	USP_WIRE_PTY = 26, /* u16 rows, u16 columns, u16 x pixels, u16 y pixels */
	USP_WIRE_QUEUE_TIMEOUT = 27,  /* u64 ns */
	USP_WIRE_LAUNCH_TIMEOUT = 28, /* u64 ns */
	USP_WIRE_IDLE_TIMEOUT = 29,   /* u64 ns */
	USP_WIRE_OUTPUT_LIMIT = 30, /* u64 bytes, u64 tail bytes, u32 action, u32 zero */
	USP_WIRE_DRAIN = 31,	    /* u64 ns, u32 action, u32 zero */
	USP_WIRE_GONE = 32,	    /* u32 */
	/* Of POOL_OPEN alone, beside those of a TEMPLATE, which are its members'. */
	USP_WIRE_POOL_NAME = 33, /* string without NUL */
	USP_WIRE_POOL_KIND = 34, /* u32 kind, u32 order, u32 flags */
	USP_WIRE_POOL_SIZE = 35, /* u32 min, max, spare (UINT32_MAX: none), waiting max */
	USP_WIRE_POOL_LIMITS =
		36, /* u64 idle ns, u64 age ns, u64 rss bytes, u32 uses, u32 zero */
	USP_WIRE_POOL_READY = 37,   /* u32 stream, u32 zero, u64 timeout ns */
	USP_WIRE_POOL_ACQUIRE = 38, /* u64 timeout ns */
	USP_WIRE_POOL_CHANNEL = 39, /* u32 stream */
	/* u64 timeout ns, u32 bytes of the ask, the ask, the answer */
	USP_WIRE_POOL_RESET = 40,
	/* u64 timeout ns, u64 interval ns, u32 bytes of the ask, the ask, the answer */
	USP_WIRE_POOL_PING = 41,
	/* Of SPAWN and RUN: a use of a pool, in the place of ARGV. */
	USP_WIRE_USE_POOL = 42, /* u32 pool */
	USP_WIRE_PRIORITY = 43, /* i32 */
};

/** Fields behind the fixed part of an END payload, in the same form. */
enum usp_wire_end_field {
	/* u32 drain, u32 tree, u32 orphans, u32 zero */
	USP_WIRE_END_OUTCOME = 1,
	/* u16 stream, u16 zero, u32 zero, u64 bytes, u64 dropped; once for each stream from
	 * 3 on, and for 1 and 2 when something was dropped */
	USP_WIRE_END_STREAM = 2,
	USP_WIRE_END_HOLDER = 3, /* u32 pid, then its name */
	/* u64: user ns, system ns, max RSS bytes, minor and major faults, blocks read and
	 * written, voluntary and involuntary switches */
	USP_WIRE_END_RUSAGE = 4,
	/* u64: user ns, system ns, memory peak bytes, pids peak, oom kills */
	USP_WIRE_END_CGROUP = 5,
};

enum usp_wire_group {
	USP_WIRE_GROUP_NEW = 0,
	USP_WIRE_GROUP_SESSION = 1,
	USP_WIRE_GROUP_CLIENT = 2, /* the client's, where the daemon is in its session */
};

enum usp_wire_stat_format {
	USP_WIRE_STAT_PROMETHEUS = 0,
	USP_WIRE_STAT_JSON = 1,
	USP_WIRE_STAT_JOBS = 2,	 /* arg: the number to begin behind, or 0 */
	USP_WIRE_STAT_POOLS = 3, /* JSON */
};

/** Flags of POOL_KIND. */
#define USP_WIRE_POOL_REPLACE	  1u /* a worker serves one use */
#define USP_WIRE_POOL_PING_ON_USE 2u
#define USP_WIRE_POOL_KEEP	  4u /* it stays when nobody has it open */
#define USP_WIRE_POOL_OUTPUTS	  8u /* POOL_OUTPUT is wanted; of a pool without a name */

enum usp_wire_pool_close {
	USP_WIRE_POOL_LEAVE = 0, /* this connection's part in it */
	USP_WIRE_POOL_END = 1,	 /* the pool, whoever has it open */
};

/** Field flag: refuse the request rather than ignore a field that you do not know. */
#define USP_WIRE_MUST_UNDERSTAND 1

enum usp_wire_stdio {
	USP_WIRE_STDIO_DEFAULT = 0,
	USP_WIRE_STDIO_NULL = 1,
	USP_WIRE_STDIO_PIPE = 2,
	USP_WIRE_STDIO_FD = 3,	 /* the next of the frame's: those of STDIO, then FDS */
	USP_WIRE_STDIO_DUP = 4,	 /* argument: the stream */
	USP_WIRE_STDIO_FILE = 5, /* as the field FILE says */
	USP_WIRE_STDIO_DUPLEX = 6,
	USP_WIRE_STDIO_PTY = 7,
	USP_WIRE_STDIO_HANDOVER = 8, /* argument as for PIPE */
};

/** Argument of PIPE and HANDOVER. */
enum usp_wire_direction {
	USP_WIRE_DIRECTION_DEFAULT = 0,
	USP_WIRE_DIRECTION_READ = 1,  /* the child reads */
	USP_WIRE_DIRECTION_WRITE = 2, /* the child writes */
};

enum usp_wire_signal_target {
	USP_WIRE_SIGNAL_GROUP = 0,
	USP_WIRE_SIGNAL_PROCESS = 1,
	USP_WIRE_SIGNAL_PLAN = 2, /* carry out the kill plan; arg is not looked at */
	USP_WIRE_SIGNAL_TREE = 3, /* to the tree */
};

enum usp_wire_replace {
	USP_WIRE_REPLACE_ASK = 0, /* for the listening sockets */
	USP_WIRE_REPLACE_READY =
		1, /* who asked serves them: accept nothing more, and leave */
};

enum usp_wire_exit_kind {
	USP_WIRE_EXIT_CODE = 0,	  /* arg: exit code */
	USP_WIRE_EXIT_SIGNAL = 1, /* arg: signal */
	USP_WIRE_EXIT_CORE = 2,	  /* arg: signal; a core was dumped */
	USP_WIRE_EXIT_LOST = 3,	  /* somebody else reaped it */
};

/** HELLO payload: u32 magic, u16 lowest and u16 highest version, u64 features, u32 frame bytes,
 *  u32 jobs, u32 window bytes per stream, u32 stdin window bytes, then a name of the program. */
#define USP_WIRE_HELLO_BYTES 32

/** The fixed part of an END payload, all u64: bytes of stdin, stdout, stderr; stdin bytes never taken;
 *  ns queued, launching, running, draining. */
#define USP_WIRE_END_BYTES 64

/** Limits of this implementation; HELLO carries those in force. */
#define USP_WIRE_FRAME_BYTES_MAX    (8u << 20) /**< payload of one frame */
#define USP_WIRE_FDS_MAX	    64	       /**< descriptors of one frame */
#define USP_WIRE_TEMPLATES_MAX	    64 /**< of one connection; together a frame long */
#define USP_WIRE_WINDOW_BYTES	    (256u << 10) /**< credit of a stream at the start */
#define USP_WIRE_STDIN_WINDOW_BYTES (256u << 10)

#endif
