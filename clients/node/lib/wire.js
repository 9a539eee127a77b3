'use strict';
/*
 * Bytes to frames: the part of docs/PROTOCOL.md that this client speaks.  Pure: no
 * descriptor, no clock.  The numbers are those of include/uringspawn/wire.h.
 */

const HEADER_BYTES = 16;
const MAGIC = 0x4e505355;
const VERSION = 1;
const FRAME_BYTES_MAX = 8 << 20;
const FDS_MAX = 64;
const TEMPLATES_MAX = 64;

const TYPE = {
	HELLO: 0x01,
	SPAWN: 0x02,
	RUN: 0x03,
	STDIN: 0x04,
	STDIN_EOF: 0x05,
	WINDOW: 0x06,
	SIGNAL: 0x07,
	TEMPLATE: 0x08,
	STAT: 0x0b,
	CLOSE: 0x0e,
	POOL_OPEN: 0x0f,
	POOL_RESIZE: 0x10,
	POOL_CLOSE: 0x11,
	RELEASE: 0x12,
	STARTED: 0x81,
	OUTPUT: 0x82,
	EOF: 0x83,
	EXIT: 0x84,
	END: 0x85,
	FAILED: 0x86,
	STDIN_WINDOW: 0x87,
	ERROR: 0x88,
	STATS: 0x89,
	POOL_DONE: 0x8c,
	POOL_OUTPUT: 0x8d,
};

const FIELD = {
	ARGV: 1,
	PATH: 2,
	SEARCH: 3,
	ENV: 4,
	CWD: 5,
	STDIO: 6,
	GROUP: 7,
	TIMEOUT: 8,
	KILL: 9,
	CREDIT: 11,
	FDS: 12,
	USE_TEMPLATE: 16,
	CREDENTIALS: 17,
	UMASK: 18,
	QUEUE_TIMEOUT: 27,
	GONE: 32,
	POOL_NAME: 33,
	POOL_KIND: 34,
	POOL_SIZE: 35,
	POOL_LIMITS: 36,
	POOL_READY: 37,
	POOL_ACQUIRE: 38,
	POOL_CHANNEL: 39,
	POOL_RESET: 40,
	POOL_PING: 41,
	USE_POOL: 42,
	PRIORITY: 43,
};

/* NONE is this client's: no such descriptor in the child. */
const STDIO = { NONE: 0, NULL: 1, PIPE: 2, FD: 3, DUPLEX: 6 };
const GROUP = { NEW: 0, SESSION: 1, CLIENT: 2 };
const GONE = { KILL: 0, KEEP: 1, RELEASE: 2 };
const SIGNAL_PROCESS = 1;
const SIGNAL_PLAN = 2;
const EXIT = { CODE: 0, SIGNAL: 1, CORE: 2, LOST: 3 };
const REASON = { KILLED: 6, QUEUE_TIMEOUT: 10, RELEASED: 13 };
const STAT_POOLS = 3;
const STAGES = [
	'', 'validate', 'admission', 'fds', 'clone', 'stdio', 'session', 'limits', 'chdir', 'signals', 'exec', 'interpreter', 'cgroup',
	'credentials', 'ready',
];
const STAGE_EXEC = STAGES.indexOf('exec');

const WRITER_BYTES = 16 << 10;

/**
 * A growing buffer that frames are written into, one behind the other.  `size` is how much
 * of `bytes` is written.
 */
class Writer {
	constructor() {
		this.renew();
	}

	reserve(more) {
		const needed = this.size + more;

		if (needed <= this.bytes.length)
			return;
		const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.bytes.length));
		this.bytes.copy(grown, 0, 0, this.size);
		this.bytes = grown;
	}

	u16(value) {
		this.bytes[this.size++] = value;
		this.bytes[this.size++] = value >>> 8;
	}

	u32(value) {
		this.u16(value & 0xffff);
		this.u16(value >>> 16);
	}

	u64(value) {
		this.u32(value % 0x100000000);
		this.u32(value / 0x100000000);
	}

	/** Begin a frame; returns what endFrame() needs. */
	frame(type, flags, job, arg, fds = 0) {
		const start = this.size;

		this.reserve(HEADER_BYTES);
		this.u32(0);
		this.bytes[this.size++] = type;
		this.bytes[this.size++] = fds;
		this.u16(flags);
		this.u32(job);
		this.u32(arg);
		return start;
	}

	endFrame(start) {
		this.setU32(start, this.size - start - HEADER_BYTES);
	}

	setU32(at, value) {
		const { bytes } = this;

		bytes[at] = value;
		bytes[at + 1] = value >>> 8;
		bytes[at + 2] = value >>> 16;
		bytes[at + 3] = value >>> 24;
	}

	/** Begin a field; returns what endField() needs. */
	field(tag) {
		this.reserve(8);
		this.u32(tag);
		this.u32(0);
		return this.size;
	}

	endField(start) {
		this.setU32(start - 4, this.size - start);
	}

	string(text) {
		this.reserve(3 * text.length + 1); /* UTF-8 of UTF-16 is no longer */
		this.size += this.bytes.write(text, this.size, 'utf8');
	}

	stringField(tag, text) {
		const start = this.field(tag);

		this.string(text);
		this.endField(start);
	}

	/** Strings with a NUL behind each. */
	listField(tag, strings) {
		const start = this.field(tag);

		for (let i = 0; i < strings.length; i++) {
			this.string(strings[i]);
			this.bytes[this.size++] = 0;
		}
		this.endField(start);
	}

	bytesField(tag, bytes) {
		const start = this.field(tag);

		this.append(bytes);
		this.endField(start);
	}

	u32Field(tag, ...values) {
		const start = this.field(tag);

		this.reserve(4 * values.length);
		for (const value of values)
			this.u32(value >>> 0);
		this.endField(start);
	}

	/** Nanoseconds, of milliseconds. */
	timeField(tag, ms) {
		const start = this.field(tag);

		this.reserve(8);
		this.u64(Math.round(ms * 1e6));
		this.endField(start);
	}

	append(bytes) {
		this.reserve(bytes.length);
		this.bytes.set(bytes, this.size);
		this.size += bytes.length;
	}

	/** The bytes so far. */
	view() {
		return this.bytes.subarray(0, this.size);
	}

	/** Begin anew, in the same memory. */
	clear() {
		this.size = 0;
	}

	/** Begin anew, in other memory: what view() returned is somebody else's. */
	renew() {
		this.bytes = Buffer.allocUnsafeSlow(WRITER_BYTES);
		this.size = 0;
	}
}

/** The HELLO that a client begins with. */
function writeHello(writer, name) {
	const start = writer.frame(TYPE.HELLO, 0, 0, 0);

	writer.reserve(32);
	writer.u32(MAGIC);
	writer.u16(VERSION);
	writer.u16(VERSION);
	writer.u32(0); /* features: none */
	writer.u32(0);
	writer.u32(FRAME_BYTES_MAX);
	for (let i = 0; i < 3; i++)
		writer.u32(0);
	writer.string(name);
	writer.endFrame(start);
}

/**
 * What the daemon's HELLO says: {jobs, frameBytes, windowBytes, stdinWindowBytes, name}.  Throws an Error that says what is wrong with it.
 */
function readHello(payload) {
	if (payload.length < 32 || payload.readUInt32LE(0) !== MAGIC)
		throw new Error('it is no uringspawnd that listens there');
	if (payload.readUInt16LE(4) > VERSION || payload.readUInt16LE(6) < VERSION)
		throw new Error('it speaks no version of the protocol that this client does');
	return {
		frameBytes: payload.readUInt32LE(16),
		jobs: payload.readUInt32LE(20),
		windowBytes: payload.readUInt32LE(24),
		stdinWindowBytes: payload.readUInt32LE(28),
		name: payload.toString('utf8', 32),
	};
}

/**
 * A program to run, as a SPAWN or RUN frame.
 *
 * @param {object} request
 *   argv: at least one string; search: the name to look up, if it is not argv[0]; path: the file, instead;
 *   env: NAME=VALUE strings, or template: the id of one; cwd; stdio: an array of {kind, argument}, by descriptor;
 *   group: GROUP.*; gone: GONE.*; credentials: {uid, gid}; umask; all but argv may be undefined.
 *   Or pool: the id of one, that it is a use of, in the place of argv, env and stdio; credit; priority; in ms: timeout, of its
 *   run, and queueTimeout; killSignal, with timeout.
 */
function writeRequest(writer, type, job, request) {
	const { stdio } = request;
	const start = writer.frame(type, 0, job, 0, stdio ? countFds(stdio) : 0);

	if (request.pool === undefined)
		writer.listField(FIELD.ARGV, request.argv);
	else
		writeUse(writer, request);
	writeFields(writer, request);
	writer.endFrame(start);
}

/** A TEMPLATE frame: what many requests have in common. */
function writeTemplate(writer, id, request) {
	const start = writer.frame(TYPE.TEMPLATE, 0, 0, id);

	writeFields(writer, request);
	writer.endFrame(start);
}

function writeFields(writer, request) {
	if (request.template !== undefined)
		writer.u32Field(FIELD.USE_TEMPLATE, request.template);
	if (request.path !== undefined)
		writer.stringField(FIELD.PATH, request.path);
	else if (request.search !== undefined)
		writer.stringField(FIELD.SEARCH, request.search);
	if (request.env !== undefined)
		writer.listField(FIELD.ENV, request.env);
	if (request.cwd !== undefined)
		writer.stringField(FIELD.CWD, request.cwd);
	if (request.group !== undefined)
		writer.u32Field(FIELD.GROUP, request.group);
	if (request.gone !== undefined)
		writer.u32Field(FIELD.GONE, request.gone);
	if (request.killProcess) /* SIGTERM, to the process, the default grace */
		writer.u32Field(FIELD.KILL, 0, SIGNAL_PROCESS, 0, 0);
	if (request.credentials !== undefined)
		writer.u32Field(FIELD.CREDENTIALS, request.credentials.uid, request.credentials.gid);
	if (request.umask !== undefined)
		writer.u32Field(FIELD.UMASK, request.umask);
	if (request.stdio !== undefined)
		writeStdio(writer, request.stdio);
}

function writeUse(writer, request) {
	writer.u32Field(FIELD.USE_POOL, request.pool);
	if (request.credit)
		writer.u32Field(FIELD.CREDIT, request.credit);
	if (request.priority)
		writer.u32Field(FIELD.PRIORITY, request.priority);
	if (request.queueTimeout)
		writer.timeField(FIELD.QUEUE_TIMEOUT, request.queueTimeout);
	if (request.timeout)
		writer.timeField(FIELD.TIMEOUT, request.timeout);
	if (request.killSignal)
		writer.u32Field(FIELD.KILL, request.killSignal, 0, 0, 0);
}

function countFds(stdio) {
	let n = 0;

	for (let i = 0; i < stdio.length; i++)
		n += stdio[i].kind === STDIO.FD ? 1 : 0;
	return n;
}

function writeStdio(writer, stdio) {
	let start = writer.field(FIELD.STDIO);

	writer.reserve(6 + 8 + 4 * stdio.length);
	for (let i = 0; i < 3; i++) {
		writer.bytes[writer.size++] = i < stdio.length ? stdio[i].kind : STDIO.NULL;
		writer.bytes[writer.size++] = 0;
	}
	writer.endField(start);
	if (!stdio.some((one, i) => i >= 3 && one.kind !== STDIO.NONE))
		return;
	start = writer.field(FIELD.FDS);
	for (let i = 3; i < stdio.length; i++) {
		if (stdio[i].kind === STDIO.NONE)
			continue;
		writer.u16(i);
		writer.bytes[writer.size++] = stdio[i].kind;
		writer.bytes[writer.size++] = 0;
	}
	writer.endField(start);
}

/** A frame that has no payload. */
function writeShort(writer, type, flags, job, arg) {
	writer.frame(type, flags, job, arg);
}

function u32At(bytes, at) {
	return (bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24) >>> 0;
}

function u16At(bytes, at) {
	return bytes[at] | bytes[at + 1] << 8;
}

module.exports = {
	HEADER_BYTES, FRAME_BYTES_MAX, FDS_MAX, TEMPLATES_MAX,
	TYPE, FIELD, STDIO, GROUP, GONE, EXIT, REASON, STAT_POOLS, SIGNAL_PROCESS, SIGNAL_PLAN, STAGES, STAGE_EXEC,
	Writer, writeHello, readHello, writeRequest, writeTemplate, writeFields, writeShort, u32At, u16At,
};
