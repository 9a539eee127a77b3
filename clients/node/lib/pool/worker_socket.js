'use strict';
/*
 * The descriptor of a worker's channel as each runtime can read and write it: bytes only.
 * What is sent is tried at once, past the runtime's own queue, which is for what the socket has
 * no room for.
 */
const fs = require('fs');
const net = require('net');

/** How both are made: {space(), onRead(size), onEnd()}. */
class NodeSocket {
	constructor(fd, { space, onRead, onEnd }) {
		const socket = new net.Socket({ fd, readable: true, writable: true,
			onread: { buffer: space, callback: onRead } });

		this.fd = fd;
		this.socket = socket;
		socket.on('end', () => socket.destroy());
		socket.on('error', () => {}); /* 'close' follows */
		socket.on('close', onEnd);
		socket.resume();
		socket.unref();
	}

	/** Bytes that wait because nobody reads them. */
	get queued() {
		return this.socket.writableLength;
	}

	/** How many bytes the kernel took; the stream finds out why it took none. */
	attempt(bytes) {
		if (!this.socket.writable)
			return 0;
		try {
			return fs.writeSync(this.fd, bytes, 0, bytes.length);
		} catch {
			return 0;
		}
	}

	/** @param {function} [done]  (error) */
	write(bytes, done) {
		if (this.socket.writable)
			this.socket.write(bytes, done);
		else if (done)
			process.nextTick(done, new Error('the channel is closed'));
	}

	setRef(ref) {
		this.socket[ref ? 'ref' : 'unref']();
	}

	destroy() {
		this.socket.destroy();
	}

	end() {
		this.socket.end(() => this.socket.destroy());
	}
}

class BunSocket {
	constructor(fd, { space, onRead, onEnd }) {
		this.socket = null; /* until it is open */
		this.refd = false;
		this.closed = false;
		this.ending = false;
		this.queue = []; /* {bytes, done} */
		this.queued = 0;
		this.onEnd = onEnd;
		const close = () => this.close();

		globalThis.Bun.connect({ fd, socket: {
			open: (socket) => this.open(socket),
			data: (_, chunk) => copyInto(chunk, space, onRead),
			drain: () => this.drain(),
			end: close, close, error: close,
		} }).catch(close);
	}

	open(socket) {
		this.socket = socket;
		this.setRef(this.refd);
		this.drain();
	}

	attempt(bytes) {
		return this.socket === null || this.closed ? 0 : Math.max(this.socket.write(bytes), 0);
	}

	write(bytes, done) {
		this.queue.push({ bytes, done });
		this.queued += bytes.length;
	}

	drain() {
		while (this.queue.length > 0 && !this.closed) {
			const [first] = this.queue;
			const sent = this.attempt(first.bytes);

			this.queued -= sent;
			if (sent < first.bytes.length) {
				first.bytes = first.bytes.subarray(sent);
				return;
			}
			this.queue.shift();
			if (first.done)
				first.done(null);
		}
		if (this.ending)
			this.destroy();
	}

	setRef(ref) {
		this.refd = ref;
		if (this.socket !== null && !this.closed)
			this.socket[ref ? 'ref' : 'unref']();
	}

	close() {
		if (this.closed)
			return;
		this.closed = true;
		this.onEnd();
	}

	destroy() {
		if (this.socket !== null)
			this.socket.end();
		this.close();
	}

	end() {
		this.ending = true;
		if (this.socket !== null)
			this.drain();
	}
}

function copyInto(chunk, space, onRead) {
	for (let at = 0; at < chunk.length;) {
		const size = chunk.copy(space(), 0, at);

		at += size;
		onRead(size);
	}
}

/** The descriptor, whichever runtime this is. */
function openSocket(fd, ways) {
	return process.versions.bun === undefined ? new NodeSocket(fd, ways) : new BunSocket(fd, ways);
}

module.exports = { openSocket };
