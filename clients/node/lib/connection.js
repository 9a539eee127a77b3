'use strict';
/*
 * One connection to a daemon: requests out, in one write per turn of the event loop; what
 * is told of each job in, recorded as it is read and delivered in one pass.
 *
 * A job that is `immediate` is told as it is read, for who waits without the event loop.
 *
 * A job is an object with onStarted(pid), onFailed(stage, errno, path), onOutput(stream, bytes, last), onEof(stream),
 * onExit(kind, number), onEnd(reason), onInputWindow(stream, bytes, closed), onLost(error), and `resource`, the
 * AsyncResource that they are called in, or null. `started` and `pid`, or `started` and `failure` ({stage, errno}), are set as
 * soon as STARTED or FAILED is read, before onStarted() and onFailed().
 *
 * A pool is an object with onPoolDone(answers, errno, field), onPoolOutput(stream, pid, bytes), onLost(error), and
 * `resource`.
 */
const { FrameReader } = require('./frames.js');
const { SocketTransport } = require('./transport.js');
const wire = require('./wire.js');

const { TYPE } = wire;
const RECORD = 6;
const HELLO_MS = 5000;
const STARTED_MS = 60000;
const NAME = 'uringspawn-node';
const JOINED_BYTES_MAX = 60 << 10; /* of input in one frame */
const GIVEN_BYTES_MIN = 32 << 10;

class Connection {
	/**
	 * Connect and say HELLO; the answer has come when this returns.
	 *
	 * @param {string} path  of the daemon's socket
	 * @param {function} onLost  called once, with the connection, when it is gone; its jobs are told afterwards
	 * @throws {Error} with a code, when nobody listens there or it is no daemon that this client can talk to
	 */
	constructor(path, onLost, Transport = SocketTransport) {
		this.path = path;
		this.onLostConnection = onLost;
		this.jobs = new Map();
		this.lastJob = 0;
		this.pools = new Map();
		this.lastPool = 0;
		this.asked = []; /* who waits for STATS */
		this.inputAt = 0; /* the STDIN frame that was written last: where it begins, and ends, if more may be added */
		this.inputEnd = -1;
		this.inputJob = 0;
		this.writer = new wire.Writer();
		this.flushing = false;
		this.records = []; /* type, flags, job, arg, payload, whether it is the last of its stream: RECORD for each frame */
		this.delivering = false;
		this.late = []; /* deliveries for the next turn */
		this.holders = 0;
		this.hello = null;
		this.error = null; /* what the daemon said before it closed */
		this.transport = new Transport(path, this, new FrameReader(this));
		this.transport.unref();
		this.greet();
	}

	greet() {
		wire.writeHello(this.writer, NAME);
		this.flush();
		const until = Date.now() + HELLO_MS;
		while (!this.hello) {
			if (this.transport.lost || this.error || Date.now() > until)
				throw this.refused();
			if (!this.transport.pump())
				this.transport.wait();
		}
	}

	refused() {
		const error = this.error || Object.assign(
			new Error(`no answer from the daemon at ${this.path}`), { code: 'ECONNREFUSED' });

		this.transport.destroy();
		return error;
	}

	get alive() {
		return !this.transport.lost && this.error === null;
	}

	/** Credit of each stream of output at its start, and of input. */
	get windowBytes() {
		return this.hello.windowBytes;
	}

	get inputWindowBytes() {
		return this.hello.stdinWindowBytes;
	}

	/* ---- out ------------------------------------------------------------------ */

	/**
	 * Ask for a program to be started; see wire.writeRequest(). Returns the id of the job.
	 *
	 * @param {number[]} fds  descriptors for STDIO.FD, where transport.passesDescriptors; borrowed until this returns.
	 */
	request(type, request, job, fds) {
		const id = this.enter(job);

		if (fds.length > 0)
			this.flush();
		wire.writeRequest(this.writer, type, id, request);
		if (fds.length > 0)
			this.flush(fds);
		else
			this.flushSoon();
		return id;
	}

	/* A new id, by which `job` is told. */
	enter(job) {
		let id = this.lastJob;

		do
			id = id === 0xffffffff ? 1 : id + 1;
		while (this.jobs.has(id));
		this.lastJob = id;
		this.jobs.set(id, job);
		return id;
	}

	/** A new id, by which `pool` is told, until leavePool(). */
	enterPool(pool) {
		this.pools.set(++this.lastPool, pool);
		return this.lastPool;
	}

	leavePool(id) {
		this.pools.delete(id);
	}

	/** Ask for the daemon's numbers; `asker` is told by onStats(text), or onLost(error). */
	stat(format, asker) {
		this.asked.push(asker);
		this.send(TYPE.STAT, format, 0, 0);
	}

	template(id, request) {
		wire.writeTemplate(this.writer, id, request);
	}

	send(type, flags, job, arg) {
		wire.writeShort(this.writer, type, flags, job, arg);
		this.flushSoon();
	}

	/** Bytes for a stream that the child reads; borrowed. */
	input(job, stream, bytes) {
		const start = this.writer.frame(TYPE.STDIN, stream, job, 0);

		this.writer.append(bytes);
		this.writer.endFrame(start);
		this.flushSoon();
	}

	/**
	 * Begin to write bytes for a stream to `writer`, of which the last frame is gone on with if it is the same one's;
	 * endInput() what this returns.
	 */
	beginInput(job, stream) {
		const { writer } = this;

		if (this.inputEnd !== writer.size || this.inputJob !== job || writer.size - this.inputAt > JOINED_BYTES_MAX) {
			this.inputAt = writer.frame(TYPE.STDIN, stream, job, 0);
			this.inputJob = job;
		}
		return this.inputAt;
	}

	endInput(start) {
		this.writer.endFrame(start);
		this.inputEnd = this.writer.size;
		this.flushSoon();
	}

	/** As input(), of bytes that nobody changes any more: many are sent from where they are. */
	inputGiven(job, stream, bytes) {
		const { writer } = this;

		if (bytes.length < GIVEN_BYTES_MIN) {
			this.input(job, stream, bytes);
			return;
		}
		writer.setU32(writer.frame(TYPE.STDIN, stream, job, 0), bytes.length);
		this.flush();
		this.transport.write(bytes);
	}

	flushSoon() {
		if (this.flushing)
			return;
		this.flushing = true;
		setImmediate(flushNow, this);
	}

	flush(fds) {
		const { writer } = this;

		this.flushing = false;
		this.inputEnd = -1;
		if (writer.size === 0)
			return;
		if (this.transport.write(writer.view(), fds))
			writer.clear();
		else
			writer.renew();
	}

	/** Whatever was asked for so far is on its way when this returns true. */
	flushSync() {
		this.flush();
		return this.transport.flushSync();
	}

	/* ---- in: facts -------------------------------------------------------------- */

	onFrame(type, flags, id, arg, fds, payload) {
		const job = type < TYPE.STATS ? this.jobs.get(id) : this.addressee(type, id);

		if (type === TYPE.HELLO)
			this.hello = this.readHello(payload);
		else if (type === TYPE.ERROR)
			this.error = this.readError(arg, payload);
		if (job === undefined)
			return;
		if (type === TYPE.END)
			this.jobs.delete(id);
		if (job.immediate) {
			tell(job, type, flags, arg, payload);
			return;
		}
		if (type === TYPE.STARTED) {
			job.started = true;
			job.pid = arg;
		} else if (type === TYPE.FAILED) {
			job.started = true;
			job.failure = { stage: flags, errno: arg };
		}
		if (type === TYPE.OUTPUT)
			job.outputAt = this.records.length;
		else if (type === TYPE.EOF)
			this.markLast(job, flags);
		this.records.push(type, flags, job, arg,
			payload === null || type === TYPE.OUTPUT ? payload : Buffer.from(payload), false);
	}

	addressee(type, id) {
		if (type === TYPE.STATS)
			return this.asked.shift();
		return type === TYPE.POOL_DONE || type === TYPE.POOL_OUTPUT ? this.pools.get(id) : undefined;
	}

	/* The end of a stream has come: what it brought last may still be to be told. */
	markLast(job, stream) {
		const { records } = this;
		const at = job.outputAt;

		if (records[at + 2] === job && records[at] === TYPE.OUTPUT && records[at + 1] === stream)
			records[at + 5] = true;
	}

	readHello(payload) {
		try {
			return wire.readHello(payload);
		} catch (error) {
			this.error = error;
			return null;
		}
	}

	readError(errno, payload) {
		const error = new Error(`the daemon at ${this.path} ended the connection: ${payload}`);

		error.errno = -errno;
		return error;
	}

	/* ---- in: what follows from them ------------------------------------------- */

	onReadable() {
		this.deliver();
	}

	/**
	 * Tell the jobs what was read. An exception of a listener leaves the rest for the next turn, so that no other child
	 * misses what is its own.
	 */
	deliver() {
		if (this.delivering || this.records.length === 0)
			return;
		const { records } = this;
		let done = 0;

		this.records = [];
		this.delivering = true;
		try {
			while (done < records.length) {
				const job = records[done + 2];
				const at = done;

				done += RECORD;
				if (job.resource === null)
					tell(job, records[at], records[at + 1], records[at + 3], records[at + 4], records[at + 5]);
				else
					job.resource.runInAsyncScope(tell, undefined, job, records[at], records[at + 1],
						records[at + 3], records[at + 4], records[at + 5]);
			}
		} finally {
			this.delivering = false;
			if (done < records.length)
				this.records = records.slice(done).concat(this.records);
			this.deliverSoon();
		}
	}

	/** What was read while something was waited for is told in the next turn. */
	deliverSoon() {
		if (this.records.length > 0)
			setImmediate(deliverNow, this);
	}

	/** Call back in the next turn, after the microtasks of this one. */
	later(call) {
		if (this.late.push(call) === 1)
			setImmediate(runLate, this);
	}

	onLost(error) {
		const lost = this.error || error || new Error(`the daemon at ${this.path} is gone`);
		const jobs = [...this.jobs.values(), ...this.pools.values(), ...this.asked];

		this.deliver();
		this.jobs.clear();
		this.pools.clear();
		this.asked = [];
		this.onLostConnection(this);
		/* Who waits for one that is immediate sees it for himself. */
		for (const job of jobs.filter((one) => !one.immediate))
			this.later(() => job.resource === null ? job.onLost(lost) : job.resource.runInAsyncScope(job.onLost, job, lost));
	}

	/* ---- what keeps the program alive ------------------------------------------- */

	hold() {
		if (this.holders++ === 0)
			this.transport.ref();
	}

	release() {
		if (--this.holders === 0)
			this.transport.unref();
	}

	/* ---- waiting ---------------------------------------------------------------- */

	/**
	 * Wait, without the event loop, until it is known whether `job` started. Costs what a launch takes, half a
	 * millisecond or more. Returns false when it is not.
	 */
	waitStarted(job) {
		const until = Date.now() + STARTED_MS;

		if (job.started)
			return true;
		if (!this.flushSync())
			return false;
		while (!job.started && this.alive && Date.now() < until) {
			if (!this.transport.pump())
				this.transport.wait();
		}
		this.deliverSoon();
		return job.started === true;
	}
}

function flushNow(connection) {
	if (connection.flushing)
		connection.flush();
}

function deliverNow(connection) {
	connection.deliver();
}

function runLate(connection) {
	const { late } = connection;
	let done = 0;

	connection.late = [];
	try {
		while (done < late.length)
			late[done++]();
	} finally {
		for (; done < late.length; done++)
			connection.later(late[done]);
	}
}

function tell(job, type, flags, arg, payload, last) {
	switch (type) {
	case TYPE.STARTED:
		job.onStarted(arg);
		break;
	case TYPE.OUTPUT:
		job.onOutput(flags, payload, last);
		break;
	case TYPE.EOF:
		job.onEof(flags);
		break;
	case TYPE.EXIT:
		job.onExit(flags, arg);
		break;
	case TYPE.END:
		job.onEnd(arg, payload);
		break;
	case TYPE.FAILED:
		job.onFailed(flags, arg, payload.readUInt32LE(0), payload.toString('utf8', 8), payload.readUInt32LE(4));
		break;
	case TYPE.STATS:
		job.onStats(payload.toString());
		break;
	case TYPE.POOL_DONE:
		job.onPoolDone(flags, arg, payload === null ? '' : payload.toString());
		break;
	case TYPE.POOL_OUTPUT:
		job.onPoolOutput(flags, arg, payload);
		break;
	case TYPE.STDIN_WINDOW:
		job.onInputWindow(flags >>> 8, arg, (flags & 1) === 1);
		break;
	default: /* a newer frame that was not asked for */
	}
}

module.exports = { Connection };
