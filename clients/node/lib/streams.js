'use strict';
/*
 * The streams of a child whose descriptors the daemon carries.  A slot is one descriptor;
 * the stream is made when somebody asks for it, for most programs never look at stdin or
 * stderr.
 */
const { Readable, Writable, Duplex } = require('stream');
const { TYPE } = require('./wire.js');
const { systemError } = require('./errors.js');

/* As much as the runtime's own would have read before anybody reads from it. */
const READ_AHEAD_BYTES = 64 << 10;

/* What programs do to the handle of a socket, as far as there is something to be done. */
class StreamHandle {
	constructor(stream) {
		this.ref = () => stream.ref();
		this.unref = () => stream.unref();
		this.hasRef = () => stream.slot.refd;
	}

	setBlocking() {
		return 0;
	}

	readStart() {
		return 0;
	}

	readStop() {
		return 0;
	}
}

/** What the three kinds of stream have of a socket's ways. */
const socketWays = {
	ref() {
		this.slot.setRef(true);
		return this;
	},
	unref() {
		this.slot.setRef(false);
		return this;
	},
	destroySoon() {
		if (this.writable)
			this.end();
		if (this.writableFinished || this.writable === undefined)
			this.destroy();
		else
			this.once('finish', this.destroy);
	},
};

/* The event says whether there was an error, as a socket's does. */
function closeStream(stream, error, callback) {
	stream.slot.close();
	callback(error);
	process.nextTick(emitClose, stream, Boolean(error));
}

function emitClose(stream, hadError) {
	stream.emit('close', hadError);
}

class ChildOutput extends Readable {
	constructor(slot) {
		super({ emitClose: false });
		this.slot = slot;
	}

	get bytesRead() {
		return this.slot.received;
	}

	_read() {
		this.slot.pull();
	}

	_destroy(error, callback) {
		closeStream(this, error, callback);
	}
}

class ChildInput extends Writable {
	constructor(slot) {
		super({ emitClose: false });
		this.slot = slot;
	}

	get bytesWritten() {
		return this.slot.written;
	}

	_write(chunk, encoding, callback) {
		this.slot.write(chunk, callback);
	}

	_writev(chunks, callback) {
		this.slot.write(Buffer.concat(chunks.map((one) => one.chunk)), callback);
	}

	_final(callback) {
		this.slot.endInput();
		callback();
	}

	_destroy(error, callback) {
		closeStream(this, error, callback);
	}
}

class ChildDuplex extends Duplex {
	constructor(slot) {
		super({ allowHalfOpen: false, emitClose: false }); /* as a socket of the runtime's */
		this.slot = slot;
	}

	get bytesRead() {
		return this.slot.received;
	}

	get bytesWritten() {
		return this.slot.written;
	}
}

/* A socket that is for one way says so. */
Object.defineProperty(ChildInput.prototype, 'readable', { value: false, writable: true, configurable: true });

for (const name of ['_read'])
	ChildDuplex.prototype[name] = ChildOutput.prototype[name];
for (const name of ['_write', '_writev', '_final', '_destroy'])
	ChildDuplex.prototype[name] = ChildInput.prototype[name];
for (const kind of [ChildOutput, ChildInput, ChildDuplex]) {
	Object.defineProperty(kind.prototype, '_handle', {
		configurable: true,
		get() {
			const { slot } = this;

			slot.handle = slot.handle || new StreamHandle(this);
			return slot.closed ? null : slot.handle;
		},
	});
	for (const [name, value] of Object.entries(socketWays))
		Object.defineProperty(kind.prototype, name, { value, writable: true, configurable: true });
}

const KINDS = { in: ChildInput, out: ChildOutput, duplex: ChildDuplex };

/** One descriptor of a child. */
class Slot {
	/** @param {string} kind  'in': the child reads; 'out': it writes; 'duplex' */
	constructor(relay, index, kind, hidden) {
		this.relay = relay;
		this.index = index;
		this.kind = kind;
		this.hidden = hidden; /* another stream is pumped into it: its child does not show it */
		this.stream = null;
		this.handle = null;
		this.refd = true;
		this.holding = false;
		this.closed = false; /* nobody here uses it any more */

		/* out */
		this.reads = kind !== 'in';
		this.chunks = [];
		this.buffered = 0;
		this.received = 0;
		this.owed = 0; /* bytes that were taken, and the daemon was not told */
		this.wanting = false;
		this.eof = false;
		this.discarding = false;
		this.counted = hidden; /* in the closes of its child */

		/* in */
		this.window = kind === 'out' ? 0 : relay.connection.inputWindowBytes;
		this.written = 0;
		this.pending = null; /* {chunk, callback, joined}: what waits for window */
		this.waiting = []; /* more of them */
		this.joints = 0; /* other writers: see joints.js */
		this.inputEnded = kind === 'out';
		this.broken = false; /* nobody reads it any more */
		this.updateHold();
	}

	/** The stream; made now if there is none. */
	open() {
		if (this.stream !== null)
			return this.stream;
		this.stream = new KINDS[this.kind](this);
		if (this.kind === 'in' && this.relay.exited)
			this.stream.destroy();
		if (this.reads) {
			this.stream.once('close', () => this.count());
			if (this.discarding)
				this.stream.resume();
		}
		return this.stream;
	}

	/* ---- output ----------------------------------------------------------------- */

	/** @param {boolean} last  the end of the stream is told next */
	onOutput(chunk, last) {
		this.received += chunk.length;
		if (this.discarding && this.stream === null || this.closed) {
			this.owe(chunk.length);
		} else if (this.wanting && this.chunks.length === 0) {
			if (last)
				this.corkPipes();
			this.push(chunk);
		} else {
			this.chunks.push(chunk);
			this.buffered += chunk.length;
		}
		this.updateHold();
	}

	/*
	 * What is piped to writes the last bytes and its own end at once: to a socket by one call,
	 * in one packet.  Not where something waits to be written: that has to be, before the
	 * stream is read on, and ends.
	 */
	corkPipes() {
		const { pipes } = this.stream._readableState;

		if (!Array.isArray(pipes) || pipes.length === 0)
			return;
		const corked = pipes.filter((one) =>
			typeof one.cork === 'function' && !(one.writableLength > 0));
		if (corked.length === 0)
			return;
		corked.forEach((one) => one.cork());
		setImmediate(uncork, corked); /* an end, which comes before, does it as well */
	}

	push(chunk) {
		this.owe(chunk.length);
		this.wanting = this.stream.push(chunk);
	}

	pull() {
		this.wanting = true;
		while (this.wanting && this.chunks.length > 0) {
			const chunk = this.chunks.shift();

			this.buffered -= chunk.length;
			this.push(chunk);
		}
		if (this.eof && this.chunks.length === 0 && this.wanting) {
			this.wanting = false;
			this.stream.push(null);
		}
		this.updateHold();
	}

	onEof() {
		this.eof = true;
		this.updateHold();
		if (this.stream !== null && this.chunks.length === 0 && !this.closed) {
			this.wanting = false;
			this.stream.push(null);
			/* As a socket: its end is noticed even if nobody reads. */
			if (!this.stream.readableFlowing)
				this.stream.read(0);
		} else if (this.stream === null && this.discarding) {
			this.count();
		}
	}

	owe(size) {
		this.owed += size;
		if (this.owed < this.relay.connection.windowBytes / 2 || this.eof)
			return;
		this.relay.send(TYPE.WINDOW, this.index, this.owed);
		this.owed = 0;
	}

	/** The process is gone: what nobody asked for is not kept. */
	flush() {
		if (!this.reads)
			return;
		this.discarding = true;
		if (this.stream !== null) {
			if (this.stream.readable)
				this.stream.resume();
			return;
		}
		this.chunks.forEach((chunk) => this.owe(chunk.length));
		this.chunks = [];
		this.buffered = 0;
		if (this.eof)
			this.count();
		this.updateHold();
	}

	/* Its child's close event waits for this. */
	count() {
		if (this.counted || this.index === 0)
			return;
		this.counted = true;
		this.relay.countClose();
	}

	/* ---- input -------------------------------------------------------------------- */

	/** @param {boolean} joined  it is another's than the stream's own: see join() */
	write(chunk, callback, joined = false) {
		if (this.broken || this.relay.exited) {
			callback(systemError('EPIPE', 'write'));
			return;
		}
		if (this.pending !== null) {
			this.waiting.push({ chunk, callback, joined });
			return;
		}
		this.pending = { chunk, callback, joined };
		this.updateHold();
		this.feed();
	}

	feed() {
		const { chunk, callback } = this.pending;
		const size = Math.min(chunk.length, this.window);

		if (size > 0) {
			this.window -= size;
			this.written += size;
			this.relay.input(this.index, size === chunk.length ? chunk : chunk.subarray(0, size));
		}
		if (size < chunk.length) {
			this.pending.chunk = chunk.subarray(size);
			return;
		}
		this.settle(callback, null);
	}

	settle(callback, error) {
		this.pending = null;
		this.writeNext();
		this.updateHold();
		callback(error);
	}

	writeNext() {
		while (this.pending === null && this.waiting.length > 0) {
			const next = this.waiting.shift();

			this.write(next.chunk, next.callback, next.joined);
		}
	}

	onInputWindow(bytes, broken) {
		this.window += bytes;
		if (broken)
			this.broken = true;
		if (this.pending === null)
			return;
		if (this.broken)
			this.settle(this.pending.callback, systemError('EPIPE', 'write'));
		else
			this.feed();
	}

	endInput() {
		if (this.inputEnded)
			return;
		this.inputEnded = true;
		if (this.joints === 0)
			this.relay.send(TYPE.STDIN_EOF, this.index, 0);
	}

	/** Another writer; what it writes comes before the end, which waits until it leaves. */
	join() {
		this.joints++;
	}

	leave() {
		this.joints--;
		if (this.joints === 0 && this.inputEnded)
			this.relay.send(TYPE.STDIN_EOF, this.index, 0);
	}

	/* ---- both --------------------------------------------------------------------- */

	/** Nobody here uses the stream any more. */
	close() {
		if (this.closed)
			return;
		this.closed = true;
		this.wanting = false;
		this.chunks = [];
		this.buffered = 0;
		if (this.kind === 'in' && !this.pending || this.joints > 0)
			this.endInput();
		else if (!this.eof || this.pending)
			this.relay.send(TYPE.CLOSE, this.index, 0);
		this.inputEnded = true;
		this.dropOwnWrite();
		this.updateHold();
	}

	/* As a socket that is destroyed: what it was writing is not an error. */
	dropOwnWrite() {
		const own = [this.pending, ...this.waiting].find((one) => one !== null && !one.joined);

		if (own === undefined)
			return;
		process.nextTick(own.callback, null);
		if (own === this.pending) {
			this.pending = null;
			this.writeNext();
		} else {
			this.waiting.splice(this.waiting.indexOf(own), 1);
		}
	}

	/** The connection is gone. */
	lose(error) {
		this.broken = true;
		if (this.pending !== null)
			this.settle(this.pending.callback, error);
		if (this.reads && !this.eof)
			this.onEof();
	}

	setRef(refd) {
		this.refd = refd;
		this.updateHold();
	}

	/* What keeps the program alive: a read that can go on, and a write that waits. */
	updateHold() {
		const reading = this.reads && !this.eof && !this.closed && this.buffered < READ_AHEAD_BYTES;
		const holds = this.refd && (reading || this.pending !== null);

		if (holds === this.holding)
			return;
		this.holding = holds;
		if (holds)
			this.relay.connection.hold();
		else
			this.relay.connection.release();
	}
}

function uncork(pipes) {
	for (const one of pipes)
		if (!one.writableEnded)
			one.uncork();
}

module.exports = { Slot, ChildOutput, ChildInput, ChildDuplex };
