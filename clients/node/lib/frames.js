'use strict';
/*
 * A stream of bytes, cut anywhere, to frames.  Bytes are read into slabs; what a reader of
 * output is given is a part of one, not a copy, unless it is so small that it would keep a
 * slab alive for nothing.
 */
const { HEADER_BYTES, FRAME_BYTES_MAX, TYPE, u16At, u32At } = require('./wire.js');

const SLAB_BYTES = 512 << 10;
const READ_BYTES_MIN = 64 << 10;
const COPY_BYTES_MAX = 4 << 10;

class FrameReader {
	/**
	 * @param {object} sink  told what was read, in order:
	 *   onFrame(type, flags, job, arg, fds, payload): payload is borrowed, but for OUTPUT, where it is given, and
	 *   may be a part of what was sent as one frame.
	 */
	constructor(sink) {
		this.sink = sink;
		this.slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
		this.start = 0; /* of what is not parsed */
		this.end = 0; /* of what was read */
		this.shared = false; /* somebody was given a part of the slab */
		this.output = null; /* {job, flags, rest} of an OUTPUT that has not all come */
	}

	/** Where the next bytes are to be read into. */
	space() {
		if (this.start === this.end && !this.shared)
			this.start = this.end = 0;
		else if (this.slab.length - this.end < READ_BYTES_MIN)
			this.move();
		return this.slab.subarray(this.end);
	}

	/* A frame that has only begun is moved to the front of a slab that holds all of it. */
	move() {
		const held = this.end - this.start;
		const whole = held >= 4 ? HEADER_BYTES + u32At(this.slab, this.start) : 0;
		const next = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, whole + READ_BYTES_MIN));

		this.slab.copy(next, 0, this.start, this.end);
		this.slab = next;
		this.shared = false;
		this.start = 0;
		this.end = held;
	}

	/** `size` bytes were read into space(). Throws an Error when they are no frames. */
	commit(size) {
		this.end += size;
		while (this.output ? this.restOfOutput() : this.nextFrame())
			;
	}

	nextFrame() {
		const { slab, start } = this;

		if (this.end - start < HEADER_BYTES)
			return false;
		const size = u32At(slab, start);
		const type = slab[start + 4];
		const flags = u16At(slab, start + 6);
		const job = u32At(slab, start + 8);
		if (type === TYPE.OUTPUT) {
			this.start += HEADER_BYTES;
			this.output = { job, flags, rest: size };
			return true;
		}
		if (size > FRAME_BYTES_MAX)
			throw new Error(`a frame of ${size} bytes`);
		if (this.end - start < HEADER_BYTES + size)
			return false;
		this.start += HEADER_BYTES + size;
		this.sink.onFrame(type, flags, job, u32At(slab, start + 12), slab[start + 5],
			size ? slab.subarray(start + HEADER_BYTES, this.start) : null);
		return true;
	}

	restOfOutput() {
		const { output, slab, start } = this;
		const size = Math.min(output.rest, this.end - start);

		if (size === 0) {
			if (output.rest === 0)
				this.output = null;
			return output.rest === 0;
		}
		this.start += size;
		output.rest -= size;
		if (output.rest === 0)
			this.output = null;
		this.sink.onFrame(TYPE.OUTPUT, output.flags, output.job, 0, 0, this.give(start, size));
		return true;
	}

	give(start, size) {
		const part = this.slab.subarray(start, start + size);

		if (size <= COPY_BYTES_MAX)
			return Buffer.from(part);
		this.shared = true;
		return part;
	}
}

module.exports = { FrameReader };
