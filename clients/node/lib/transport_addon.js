'use strict';
/*
 * A connection's bytes, by the addon: descriptors travel with them, what is read goes
 * straight to where it is parsed, and a wait ends as soon as something comes.
 */
const fs = require('fs');
const addon = require('./addon.js');
const { systemError } = require('./errors.js');
const { STDIO } = require('./wire.js');
const { constants: { errno } } = require('os');

const READABLE = 1;
const WRITABLE = 2;
const WAIT_MS = 100;
/* As many as the protocol lets wait for their frames. */
const DESCRIPTORS_MAX = 512;

const closeAll = (fds) => fds.forEach((fd) => addon.closeFd(fd));

/* Null: there are no descriptors left. */
function copiesOf(fds) {
	const copies = [];

	try {
		for (const fd of fds)
			copies.push(addon.dup(fd));
		return copies;
	} catch {
		closeAll(copies);
		return null;
	}
}

function closeCopies(one) {
	if (one.fds !== undefined && !one.borrowed)
		closeAll(one.fds);
	one.fds = undefined;
}

class AddonTransport {
	/**
	 * Connect, at once.
	 *
	 * @param {string} path  of the socket; '@name' for an abstract one.
	 * @param {object} sink  onReadable(): bytes were committed to `reader`; onLost(error): once, and never from inside a
	 *   call of this class.
	 * @param {FrameReader} reader  where the bytes go.
	 * @throws {Error} with code, errno and syscall.
	 */
	constructor(path, sink, reader) {
		this.sink = sink;
		this.reader = reader;
		this.queue = []; /* {bytes, fds}: what the socket did not take yet; the descriptors are copies */
		this.received = []; /* descriptors that no frame has taken yet */
		this.lost = false;
		this.destroyed = false;
		this.space = null;
		this.link = addon.open(addon.connect(path), (nread, fds) => this.onRead(nread, fds), () => this.drain());
		this.offerSpace();
	}

	get passesDescriptors() {
		return true;
	}

	/* ---- in --------------------------------------------------------------------- */

	/* Where to read into, if it is not where it was before. */
	nextSpace() {
		const space = this.reader.space();
		const last = this.space;

		if (last !== null && last.buffer === space.buffer && last.byteOffset === space.byteOffset &&
			last.length === space.length)
			return undefined;
		this.space = space;
		return space;
	}

	offerSpace() {
		const space = this.nextSpace();

		if (space !== undefined)
			addon.setSpace(this.link, space);
	}

	onRead(nread, fds) {
		if (fds !== undefined)
			this.receive(fds);
		if (!this.take(nread))
			return undefined;
		this.sink.onReadable();
		return this.lost ? undefined : this.nextSpace();
	}

	/* Returns whether there are bytes; what is none ends the connection. */
	take(nread) {
		if (this.lost)
			return false;
		if (nread <= 0) {
			this.lose(nread === 0 ? null : systemError(nread, 'read'));
			return false;
		}
		try {
			this.reader.commit(nread);
		} catch (error) {
			this.lose(error);
		}
		return true;
	}

	receive(fds) {
		if (this.lost || this.received.length + fds.length > DESCRIPTORS_MAX) {
			closeAll(fds);
			this.lose(new Error('more descriptors than frames count'));
			return;
		}
		this.received.push(...fds);
	}

	/** The next `count` descriptors that came, which are the caller's to close; fewer if no more did. */
	takeDescriptors(count) {
		return this.received.splice(0, count);
	}

	/** Read what has come, without the event loop; returns whether there was anything. */
	pump() {
		const fds = [];

		if (this.lost)
			return false;
		this.offerSpace();
		const nread = addon.receive(this.link, fds);
		if (fds.length > 0)
			this.receive(fds);
		if (nread === -errno.EAGAIN || !this.take(nread))
			return false;
		if (!this.lost)
			this.offerSpace();
		return true;
	}

	/** Stand still until something has come, or what is queued can be written; for `ms` at most. */
	wait(ms = WAIT_MS) {
		const what = this.queue.length > 0 ? READABLE | WRITABLE : READABLE;

		if (!this.lost)
			addon.wait(this.link, what, Math.ceil(Math.min(Math.max(ms, 0), WAIT_MS)));
	}

	/* ---- out -------------------------------------------------------------------- */

	/**
	 * Send `bytes` behind all that was sent before. Returns whether they are sent; if not, they are this object's from
	 * here on.
	 *
	 * @param {number[]} fds  that travel with the first of the bytes; borrowed. Open, and at most 64.
	 */
	write(bytes, fds) {
		if (this.lost)
			return true;
		const size = this.queue.length > 0 ? -errno.EAGAIN : addon.write(this.link, bytes, 0, bytes.length, fds);
		if (size === bytes.length)
			return true;
		if (size > 0)
			return this.keep(bytes.subarray(size), undefined);
		if (size === -errno.EAGAIN)
			return this.keep(bytes, fds);
		this.lose(systemError(size, 'write'));
		return true;
	}

	/* Returns whether it was sent nevertheless. */
	keep(bytes, fds) {
		const copies = fds === undefined || fds.length === 0 ? undefined : copiesOf(fds);

		if (copies === null)
			return this.writeNow(bytes, fds);
		this.queue.push({ bytes, fds: copies });
		addon.wantWritable(this.link, true);
		return false;
	}

	/* There are no descriptors left to copy them to: the room is waited for. */
	writeNow(bytes, fds) {
		const one = { bytes, fds, borrowed: true };
		const late = systemError('ETIMEDOUT', 'write');

		if (!this.flushSync()) {
			this.lose(late);
			return true;
		}
		this.queue.push(one);
		if (this.flushSync())
			return true;
		if (one.fds !== undefined)
			this.lose(late);
		else if (!this.lost)
			addon.wantWritable(this.link, true);
		return this.lost;
	}

	/* Returns whether all is written. */
	drain() {
		while (this.queue.length > 0 && !this.lost) {
			const one = this.queue[0];
			const size = addon.write(this.link, one.bytes, 0, one.bytes.length, one.fds);

			if (size === -errno.EAGAIN)
				return false;
			if (size < 0) {
				this.lose(systemError(size, 'write'));
				break;
			}
			closeCopies(one);
			if (size === one.bytes.length)
				this.queue.shift();
			else
				one.bytes = one.bytes.subarray(size);
		}
		if (!this.lost)
			addon.wantWritable(this.link, false);
		return this.queue.length === 0;
	}

	/** Write all that is queued, waiting for room; false when it cannot be done. */
	flushSync(timeoutMs = 10000) {
		const until = Date.now() + timeoutMs;

		while (!this.drain()) {
			if (this.lost || Date.now() > until)
				return false;
			/* The daemon may wait for this side to read before it does. */
			if (!this.pump() && !this.lost)
				addon.wait(this.link, READABLE | WRITABLE, WAIT_MS);
		}
		return !this.lost;
	}

	/* ---- its end ------------------------------------------------------------------ */

	lose(error) {
		if (this.lost)
			return;
		this.release();
		setImmediate(() => {
			if (!this.destroyed)
				this.sink.onLost(error);
		});
	}

	release() {
		this.lost = true;
		this.queue.forEach(closeCopies);
		this.queue.length = 0;
		closeAll(this.received.splice(0));
		addon.close(this.link);
	}

	/** The event loop stays for it, as it does from the beginning on. */
	ref() {
		addon.ref(this.link);
	}

	unref() {
		addon.unref(this.link);
	}

	/** Close it; the sink hears no more. */
	destroy() {
		this.destroyed = true;
		if (!this.lost)
			this.release();
	}
}

/** Whether descriptors are all open. */
function areOpen(fds) {
	try {
		fds.forEach((fd) => fs.fstatSync(fd));
		return true;
	} catch {
		return false;
	}
}

/**
 * A program expects that its first three descriptors block, whatever the runtime did to a stream that it is given; the
 * runtime sees to it as well.
 *
 * @param {object[]} plan  {kind, fd} by descriptor, which are open
 */
function makeBlocking(plan) {
	for (const one of plan.slice(0, 3))
		if (one.kind === STDIO.FD)
			addon.setBlocking(one.fd);
}

module.exports = { AddonTransport, areOpen, makeBlocking };
