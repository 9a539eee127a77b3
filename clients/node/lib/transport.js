'use strict';
/*
 * A connection's bytes, by what Node and Bun have: a net.Socket tells when there is
 * something to read.  Writing is done on its descriptor, so that nothing waits in a queue
 * which a synchronous wait could not empty.
 */
const fs = require('fs');
const net = require('net');
const { systemError } = require('./errors.js');

const WRITE_AGAIN_MS = 1;
const PAUSE_MS_MIN = 0.06;
const PAUSE_MS_MAX = 1;

const pauseCell = new Int32Array(new SharedArrayBuffer(4));

/* Let the daemon work for a moment, without the event loop. */
function pause(ms) {
	Atomics.wait(pauseCell, 0, 0, ms);
}

const hasOnread = !process.versions.bun;

class SocketTransport {
	/**
	 * Connect, at once.
	 *
	 * @param {string} path  of the socket; '@name' for an abstract one.
	 * @param {object} sink  onReadable(): bytes were committed to `reader`; onLost(error): once, and never from inside a
	 *   call of this class.
	 * @param {FrameReader} reader  where the bytes go.
	 */
	constructor(path, sink, reader) {
		this.sink = sink;
		this.reader = reader;
		this.queue = []; /* what the socket did not take yet */
		this.timer = null;
		this.lost = false;
		this.pauseMs = PAUSE_MS_MIN;
		this.closed = false; /* by destroy(): the sink hears no more */
		this.space = null;
		this.socket = this.connect(path.startsWith('@') ? '\0' + path.slice(1) : path);
		this.fd = this.descriptor();
	}

	/* Bun has no handle when nobody listens. */
	descriptor() {
		const handle = this.socket._handle;

		if (handle && handle.fd >= 0)
			return handle.fd;
		this.destroy();
		throw systemError('ECONNREFUSED', 'connect');
	}

	get passesDescriptors() {
		return false;
	}

	connect(path) {
		const options = { path };

		if (hasOnread)
			options.onread = {
				buffer: () => this.nextSpace(),
				callback: (size) => this.received(size),
			};
		const socket = net.connect(options);
		socket.on('error', (error) => this.lose(error));
		socket.on('end', () => this.lose(null));
		socket.on('close', () => this.lose(null));
		if (!hasOnread)
			socket.on('data', (bytes) => this.receivedCopy(bytes));
		return socket;
	}

	/* Where the event loop shall read into; undefined: where it did before. */
	nextSpace() {
		const space = this.reader.space();
		const last = this.space;

		this.space = space;
		return last && last.buffer === space.buffer && last.byteOffset === space.byteOffset ?
			undefined : space;
	}

	commit(size) {
		try {
			this.reader.commit(size);
		} catch (error) {
			this.lose(error);
		}
	}

	received(size) {
		if (this.lost)
			return;
		this.commit(size);
		if (this.queue.length > 0)
			this.drain();
		this.sink.onReadable();
	}

	receivedCopy(bytes) {
		for (let at = 0; at < bytes.length;) {
			const space = this.reader.space();
			const size = Math.min(space.length, bytes.length - at);

			space.set(bytes.subarray(at, at + size));
			at += size;
			if (at < bytes.length)
				this.commit(size);
			else
				this.received(size);
		}
	}

	/**
	 * Send `bytes` behind all that was sent before. Returns whether they are sent; if not, they are this object's from
	 * here on.
	 */
	write(bytes) {
		if (this.lost)
			return true;
		this.queue.push(bytes);
		return this.timer === null && this.drain();
	}

	/** Write what is queued, as much as the socket takes; returns whether that was all. */
	drain() {
		while (this.queue.length > 0 && !this.lost) {
			const bytes = this.queue[0];
			const size = this.tryWrite(bytes);

			if (size === bytes.length) {
				this.queue.shift();
				continue;
			}
			this.queue[0] = bytes.subarray(size);
			if (size === 0)
				break;
		}
		this.retry(this.queue.length > 0 && !this.lost);
		return this.queue.length === 0;
	}

	/* What makes room is the daemon's reading, which it mostly tells of by a frame; where it does not, time does. */
	retry(wanted) {
		if (wanted && this.timer === null)
			this.timer = setTimeout(() => {
				this.timer = null;
				this.drain();
			}, WRITE_AGAIN_MS);
		else if (!wanted && this.timer !== null) {
			clearTimeout(this.timer);
			this.timer = null;
		}
	}

	tryWrite(bytes) {
		try {
			return fs.writeSync(this.fd, bytes);
		} catch (error) {
			if (error.code !== 'EAGAIN')
				this.lose(error);
			return 0;
		}
	}

	/** Write all that is queued, waiting for room; false when it cannot be done. */
	flushSync(timeoutMs = 10000) {
		const until = Date.now() + timeoutMs;

		while (!this.drain()) {
			if (this.lost || Date.now() > until)
				return false;
			if (!this.pump())
				this.wait();
		}
		return true;
	}

	/** Read what has come, without the event loop; returns whether there was anything. */
	pump() {
		if (this.lost)
			return false;
		const space = this.reader.space();
		const size = this.tryRead(space);

		if (size === 0)
			return false;
		this.pauseMs = PAUSE_MS_MIN;
		this.commit(size);
		const next = hasOnread ? this.nextSpace() : undefined;
		if (next && this.socket._handle)
			this.socket._handle.useUserBuffer(next);
		return true;
	}

	/** Stand still for a moment, a longer one each time that nothing came; for `ms` at most. */
	wait(ms = PAUSE_MS_MAX) {
		pause(Math.min(this.pauseMs, Math.max(ms, PAUSE_MS_MIN)));
		this.pauseMs = Math.min(2 * this.pauseMs, PAUSE_MS_MAX);
	}

	tryRead(space) {
		try {
			const size = fs.readSync(this.fd, space, 0, space.length, null);

			if (size === 0)
				this.lose(null);
			return size;
		} catch (error) {
			if (error.code !== 'EAGAIN')
				this.lose(error);
			return 0;
		}
	}

	lose(error) {
		if (this.lost)
			return;
		this.lost = true;
		this.retry(false);
		this.queue.length = 0;
		setImmediate(() => {
			this.socket.destroy();
			if (!this.closed)
				this.sink.onLost(error);
		});
	}

	ref() {
		this.socket.ref();
	}

	unref() {
		this.socket.unref();
	}

	/** Close it; the sink hears no more. */
	destroy() {
		this.lost = true;
		this.closed = true;
		this.retry(false);
		this.socket.destroy();
	}
}

module.exports = { SocketTransport };
