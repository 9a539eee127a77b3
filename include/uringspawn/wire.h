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
	USP_WIRE_STDIN = 0x04,	   /* payload: bytes */
	USP_WIRE_STDIN_EOF = 0x05, /* nothing */
	USP_WIRE_WINDOW = 0x06,	   /* arg: bytes; flags: stream */
	USP_WIRE_SIGNAL = 0x07,	   /* arg: signal; flags: enum usp_wire_signal_target */

	/* from the daemon */
	USP_WIRE_STARTED = 0x81, /* arg: pid */
	USP_WIRE_OUTPUT = 0x82,	 /* flags: stream; payload: bytes */
	USP_WIRE_EOF = 0x83,	 /* flags: stream */
	USP_WIRE_EXIT = 0x84,	 /* flags: enum usp_wire_exit_kind; arg: code or signal */
	USP_WIRE_END = 0x85,	 /* arg: reason; payload: USP_WIRE_END_BYTES */
	USP_WIRE_FAILED = 0x86,	 /* flags: stage; arg: errno; payload: u32 signal, path */
	USP_WIRE_STDIN_WINDOW = 0x87, /* arg: bytes taken; flags 1: nobody reads stdin */
	USP_WIRE_ERROR = 0x88, /* job 0; arg: errno; payload: a sentence; the last one */
};

/** Fields of a SPAWN or RUN payload: u16 tag, u16 flags, u32 bytes, then the bytes. */
enum usp_wire_field {
	USP_WIRE_ARGV = 1,     /* NUL-terminated strings, one after the other */
	USP_WIRE_PATH = 2,     /* string without NUL */
	USP_WIRE_SEARCH = 3,   /* string without NUL */
	USP_WIRE_ENV = 4,      /* NUL-terminated strings, one after the other */
	USP_WIRE_CWD = 5,      /* string without NUL */
	USP_WIRE_STDIO = 6,    /* three times u8 kind, u8 argument: enum usp_wire_stdio */
	USP_WIRE_GROUP = 7,    /* u32: 0 new group, 1 new session */
	USP_WIRE_TIMEOUT = 8,  /* u64 ns */
	USP_WIRE_KILL = 9,     /* u32 signal, u32 target, u64 grace ns */
	USP_WIRE_IGNORED = 10, /* u64: bit n-1 for signal n */
	USP_WIRE_CREDIT = 11,  /* u32 bytes for each stream; default: as HELLO says */
};

/** Field flag: refuse the request rather than ignore a field that you do not know. */
#define USP_WIRE_MUST_UNDERSTAND 1

enum usp_wire_stdio {
	USP_WIRE_STDIO_DEFAULT = 0,
	USP_WIRE_STDIO_NULL = 1,
	USP_WIRE_STDIO_PIPE = 2,
	USP_WIRE_STDIO_FD = 3,	/* the next of the frame's descriptors */
	USP_WIRE_STDIO_DUP = 4, /* argument: the stream */
};

enum usp_wire_signal_target {
	USP_WIRE_SIGNAL_GROUP = 0,
	USP_WIRE_SIGNAL_PROCESS = 1,
	USP_WIRE_SIGNAL_PLAN = 2, /* carry out the kill plan; arg is not looked at */
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

/** END payload, all u64: bytes of stdin, stdout, stderr; stdin bytes never taken;
 *  ns queued, launching, running, draining. */
#define USP_WIRE_END_BYTES 64

/** Limits of this implementation; HELLO carries those in force. */
#define USP_WIRE_FRAME_BYTES_MAX    (8u << 20)	 /**< payload of one frame */
#define USP_WIRE_FDS_MAX	    16		 /**< descriptors of one frame */
#define USP_WIRE_WINDOW_BYTES	    (256u << 10) /**< credit of a stream at the start */
#define USP_WIRE_STDIN_WINDOW_BYTES (256u << 10)

#endif
