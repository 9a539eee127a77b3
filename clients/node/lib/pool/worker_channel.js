'use strict';
/*
 * The channel of a worker as frames: bytes of the descriptor in, frames out, and back.  What a
 * frame means is worker.cjs's.
 *
 * A frame is: u32 (little endian) bytes of what follows, u32 id, u8 kind, payload.  What is
 * sent within one turn is one write, made at once as long as the socket takes it: the stream's
 * own ways are for what it does not.  A frame larger than a page is read into memory of its own,
 * straight from the socket.
 */
const { openSocket } = require('./worker_socket.js');

const HEADER_BYTES = 9;
const ID_AND_KIND_BYTES = 5;
const PAGE_BYTES = 64 << 10;
const FRAME_MAX_BYTES = 0x7fffffff;

/* Whom nothing is told. */
const NOBODY = [];

const KIND = { REQUEST: 0, ANSWER: 1, ERROR: 2, MORE: 3, FREE: 4, SYNC: 5 };

function uint32(bytes, at) {
	return (bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24) >>> 0;
}

function setUint32(bytes, at, value) {
	bytes[at] = value;
	bytes[at + 1] = value >>> 8;
	bytes[at + 2] = value >>> 16;
	bytes[at + 3] = value >>> 24;
}

function writeHeader(bytes, at, kind, id, payloadBytes) {
	setUint32(bytes, at, payloadBytes + ID_AND_KIND_BYTES);
	setUint32(bytes, at + 4, id);
	bytes[at + 8] = kind;
}

/** Frames out of a stream of bytes. */
class Reader {
	/**
	 * @param {function} onFrame  (kind, id, bytes, start, end): the payload is theirs until it returns
	 */
	constructor(onFrame) {
		this.onFrame = onFrame;
		this.page = Buffer.allocUnsafeSlow(PAGE_BYTES);
		this.filled = 0; /* bytes of the page that are there and not told */
		this.large = null; /* the payload of a frame that no page holds */
		this.largeFilled = 0;
		this.largeKind = 0;
		this.largeId = 0;
	}

	/** Where the next bytes go. */
	space() {
		if (this.large !== null)
			return this.largeFilled === 0 ? this.large : this.large.subarray(this.largeFilled);
		return this.filled === 0 ? this.page : this.page.subarray(this.filled);
	}

	/** So many bytes are there now. */
	commit(size) {
		if (this.large === null) {
			this.split(this.filled + size);
			return;
		}
		this.largeFilled += size;
		if (this.largeFilled === this.large.length) {
			const { large } = this;

			this.large = null;
			this.onFrame(this.largeKind, this.largeId, large, 0, large.length);
		}
	}

	split(end) {
		const { page } = this;
		let at = 0;

		while (end - at >= HEADER_BYTES) {
			const size = uint32(page, at);

			if (size < ID_AND_KIND_BYTES || size > FRAME_MAX_BYTES)
				throw new Error(`a frame of ${size} bytes came through the pool's channel`);
			if (end - at < 4 + size) {
				if (4 + size > PAGE_BYTES) {
					this.begin(size - ID_AND_KIND_BYTES, at, end);
					return;
				}
				break;
			}
			this.onFrame(page[at + 8], uint32(page, at + 4), page, at + HEADER_BYTES, at + 4 + size);
			at += 4 + size;
		}
		if (at > 0 && at < end)
			page.copyWithin(0, at, end);
		this.filled = end - at;
	}

	begin(size, at, end) {
		this.largeId = uint32(this.page, at + 4);
		this.largeKind = this.page[at + 8];
		this.large = Buffer.allocUnsafeSlow(size);
		this.largeFilled = this.page.copy(this.large, 0, at + HEADER_BYTES, end);
		this.filled = 0;
	}
}

/** The worker's end of the channel. */
class Channel {
	/**
	 * @param {number} fd  a stream socket
	 * @param {function} onFrame  as the Reader's
	 * @param {function} onEnd  there is nobody at the other end any more, or end() was called
	 */
	constructor(fd, onFrame, onEnd) {
		this.fd = fd;
		this.reader = new Reader(onFrame);
		this.page = Buffer.allocUnsafeSlow(PAGE_BYTES);
		this.used = 0;
		this.callbacks = [];
		this.scheduled = false;
		this.corked = false;
		this.atOnce = false;
		this.held = []; /* what was sent before the worker is ready; null from then on */
		this.heldBytes = 0;
		this.onTick = () => {
			this.scheduled = false;
			this.flush();
		};
		this.socket = openSocket(fd, { space: () => this.reader.space(), onRead: (size) => this.read(size), onEnd });
	}

	/** What is answered while it is read is one write. */
	read(size) {
		this.corked = true;
		try {
			this.reader.commit(size);
		} catch (error) {
			this.socket.destroy();
			process.nextTick(() => {
				throw error;
			});
		}
		this.corked = false;
		this.flush();
	}

	/** Bytes that wait because nobody reads them. */
	get queued() {
		return this.socket.queued + this.heldBytes;
	}

	/** Say that there is somebody who listens, by a byte before all frames. */
	ready() {
		this.flush();
		const { held } = this;

		this.held = null;
		this.heldBytes = 0;
		this.put(Buffer.alloc(1), NOBODY);
		held.forEach(({ bytes, callbacks }) => this.put(bytes, callbacks));
	}

	/** @param {function} [callback]  (error): it was handed to the kernel */
	writeText(kind, id, text, callback) {
		if (text.length * 3 > PAGE_BYTES - HEADER_BYTES - this.used)
			this.flush();
		if (text.length * 3 > PAGE_BYTES - HEADER_BYTES) {
			const bytes = Buffer.allocUnsafeSlow(HEADER_BYTES + Buffer.byteLength(text));

			bytes.write(text, HEADER_BYTES);
			this.writeWhole(kind, id, bytes, callback);
			return;
		}
		const size = this.page.write(text, this.used + HEADER_BYTES);

		writeHeader(this.page, this.used, kind, id, size);
		this.used += HEADER_BYTES + size;
		this.written(callback);
	}

	/** @param {Buffer} bytes  with HEADER_BYTES of room before the payload */
	writeBytes(kind, id, bytes, callback) {
		if (bytes.length > PAGE_BYTES - this.used)
			this.flush();
		if (bytes.length > PAGE_BYTES >> 1) {
			this.flush();
			this.writeWhole(kind, id, bytes, callback);
			return;
		}
		writeHeader(bytes, 0, kind, id, bytes.length - HEADER_BYTES);
		bytes.copy(this.page, this.used);
		this.used += bytes.length;
		this.written(callback);
	}

	/** A frame as it came: SYNC, by which the other end knows that all before it is read. */
	echo(kind, id, payload) {
		this.writeBytes(kind, id, Buffer.concat([Buffer.alloc(HEADER_BYTES), payload]));
	}

	/* The page is empty: flush() was before. */
	writeWhole(kind, id, bytes, callback) {
		writeHeader(bytes, 0, kind, id, bytes.length - HEADER_BYTES);
		this.put(bytes, callback ? [callback] : NOBODY);
	}

	written(callback) {
		if (callback)
			this.callbacks.push(callback);
		if (this.atOnce) {
			this.flush();
		} else if (!this.corked && !this.scheduled) {
			this.scheduled = true;
			process.nextTick(this.onTick);
		}
	}

	flush() {
		if (this.used === 0)
			return;
		const bytes = this.page.subarray(0, this.used);
		const { callbacks } = this;

		this.used = 0;
		if (callbacks.length > 0)
			this.callbacks = [];
		if (!this.put(bytes, callbacks))
			this.page = Buffer.allocUnsafeSlow(PAGE_BYTES);
	}

	/* Whether all of `bytes` is the kernel's now; otherwise they are kept, and not copied. */
	put(bytes, callbacks) {
		if (this.held !== null) {
			this.held.push({ bytes, callbacks });
			this.heldBytes += bytes.length;
			return false;
		}
		const sent = this.socket.queued === 0 ? this.socket.attempt(bytes) : 0;
		const done = callbacks.length === 0 ? undefined : (error) => callbacks.forEach((one) => one(error || null));

		if (sent < bytes.length) {
			this.socket.write(sent === 0 ? bytes : bytes.subarray(sent), done);
			return false;
		}
		if (done)
			process.nextTick(done, null);
		return true;
	}

	end() {
		this.flush();
		this.socket.end();
	}
}

module.exports = { Channel, Reader, KIND, HEADER_BYTES };
