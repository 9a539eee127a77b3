'use strict';
/*
 * What is said on a worker's channel.  Two ways of framing:
 *
 *   tagged   with worker.cjs: u32 bytes of the rest, u32 id, u8 kind, payload; little-endian.  Each message says which
 *            request it belongs to.
 *   ipc      the runtime's own, for programs without it: a line of JSON, or u32 bytes (big-endian) and what v8 makes of
 *            it.  Nothing says what a message answers.
 *
 * A message is encoded once, when it is asked for: to a string, or to bytes.
 */
const v8 = require('v8');
const { u32At } = require('../wire.js');
const workerAdvanced = require('./worker_advanced.js');

const KIND = { REQUEST: 0, ANSWER: 1, ERROR: 2, MORE: 3, MESSAGE: 4, SYNC: 5 };
const HEADER_BYTES = 9;
const FRAME_BYTES_MAX = 1 << 29;
const NEWLINE = 10;

/* ---- the two serializations ------------------------------------------------------------ */

function notSerializable(message) {
	return Object.assign(new TypeError(`a message cannot be ${typeof message}`), { code: 'ERR_INVALID_ARG_TYPE' });
}

const json = {
	encode(message) {
		const text = JSON.stringify(message);

		if (text === undefined)
			throw notSerializable(message);
		return text;
	},
	decode: (bytes, start, end) => start === end ? undefined : JSON.parse(bytes.toString('utf8', start, end)),
};

/* With room for the header before it: see worker_advanced.js. */
const advanced = {
	encode: (message) => workerAdvanced.encode(message),
	decode: (bytes, start, end) => start === end ? undefined : workerAdvanced.decode(bytes, start, end),
};

/* As the runtime's own IPC has it: what is a view of bytes says so. */
class IpcSerializer extends v8.DefaultSerializer {
	_writeHostObject(object) {
		if (ArrayBuffer.isView(object)) {
			this.writeUint32(0);
			return super._writeHostObject(object);
		}
		this.writeUint32(1);
		this.writeValue({ ...object });
		return undefined;
	}
}

class IpcDeserializer extends v8.DefaultDeserializer {
	_readHostObject() {
		return this.readUint32() === 0 ? super._readHostObject() : this.readValue();
	}
}

const ipcAdvanced = {
	encode(message) {
		const serializer = new IpcSerializer();

		serializer.writeHeader();
		serializer.writeValue(message);
		return serializer.releaseBuffer();
	},
	decode(bytes, start, end) {
		const deserializer = new IpcDeserializer(bytes.subarray(start, end));

		deserializer.readHeader();
		return deserializer.readValue();
	},
};

/* ---- out --------------------------------------------------------------------------------- */

/** As many bytes as a body may take. */
function boundOf(body) {
	return HEADER_BYTES + (typeof body === 'string' ? 3 * body.length : body.length);
}

const taggedText = {
	tags: true,
	write(writer, id, kind, text) {
		const start = writer.size;

		writer.reserve(HEADER_BYTES);
		writer.u32(0);
		writer.u32(id);
		writer.bytes[writer.size++] = kind;
		writer.string(text);
		writer.setU32(start, writer.size - start - 4);
	},
	/** The same as Buffers. */
	parts: (id, kind, text) => [taggedFrame(id, kind, Buffer.byteLength(text), (bytes) => bytes.write(text, HEADER_BYTES))],
};

const taggedBytes = {
	tags: true,
	write(writer, id, kind, body) {
		writer.append(headed(body, id, kind));
	},
	parts: (id, kind, body) => [headed(body, id, kind)],
};

/* The header, in the room that is before the payload. */
function headed(bytes, id, kind) {
	bytes.writeUInt32LE(bytes.length - 4, 0);
	bytes.writeUInt32LE(id, 4);
	bytes[8] = kind;
	return bytes;
}

function taggedFrame(id, kind, size, fill) {
	const bytes = Buffer.allocUnsafeSlow(HEADER_BYTES + size);

	fill(bytes);
	return headed(bytes, id, kind);
}

/** A frame that belongs to no message. */
function markFrame(id, payload) {
	return taggedFrame(id, KIND.SYNC, payload.length, (bytes) => payload.copy(bytes, HEADER_BYTES));
}

const lines = {
	tags: false,
	write(writer, id, kind, body) {
		writer.string(body);
		writer.reserve(1);
		writer.bytes[writer.size++] = NEWLINE;
	},
	parts: (id, kind, body) => [Buffer.from(body + '\n')],
};

function sizeBytes(size) {
	const header = Buffer.allocUnsafe(4);

	header.writeUInt32BE(size, 0);
	return header;
}

const sized = {
	tags: false,
	write(writer, id, kind, body) {
		writer.append(sizeBytes(body.length));
		writer.append(body);
	},
	parts: (id, kind, body) => [sizeBytes(body.length), body],
};

/* ---- in ------------------------------------------------------------------------------------ */

/*
 * Cuts bytes to frames that say how long they are.  Tells onFrame(bytes, start, end) of each; `bytes` is borrowed no
 * longer than that.  Throws an Error when it is none.
 */
class Cutter {
	/** @param {function} sizeOf  (bytes, at) -> of the whole frame; of the first `headerBytes` */
	constructor(headerBytes, sizeOf, onFrame) {
		this.headerBytes = headerBytes;
		this.sizeOf = sizeOf;
		this.onFrame = onFrame;
		this.parts = [];
		this.held = 0;
		this.needed = 0;
	}

	push(bytes) {
		if (this.held > 0) {
			this.parts.push(bytes);
			this.held += bytes.length;
			if (this.held < this.needed)
				return;
			bytes = Buffer.concat(this.parts, this.held);
			this.parts = [];
			this.held = 0;
		}
		this.cut(bytes);
	}

	cut(bytes) {
		let at = 0;

		while (at < bytes.length) {
			const left = bytes.length - at;
			const size = left < this.headerBytes ? this.headerBytes : this.sizeOf(bytes, at);

			if (size > FRAME_BYTES_MAX || size < this.headerBytes)
				throw new Error(`a message of ${size} bytes`);
			if (left < size || left < this.headerBytes) {
				this.keep(at === 0 ? bytes : bytes.subarray(at), size);
				return;
			}
			this.onFrame(bytes, at, at + size);
			at += size;
		}
	}

	keep(bytes, needed) {
		this.parts.push(bytes);
		this.held = bytes.length;
		this.needed = needed;
	}

	/** Whether nothing of a frame is held. */
	get between() {
		return this.held === 0;
	}
}

class LineCutter {
	constructor(onFrame) {
		this.onFrame = onFrame;
		this.parts = [];
		this.held = 0;
	}

	push(bytes) {
		let at = 0;

		for (;;) {
			const end = bytes.indexOf(NEWLINE, at);

			if (end < 0)
				break;
			const first = this.held > 0;
			const whole = first ? Buffer.concat([...this.parts, bytes.subarray(at, end)]) : bytes;

			this.parts = [];
			this.held = 0;
			this.onFrame(whole, first ? 0 : at, first ? whole.length : end);
			at = end + 1;
		}
		if (at < bytes.length) {
			this.parts.push(bytes.subarray(at));
			this.held += bytes.length - at;
		}
		if (this.held > FRAME_BYTES_MAX)
			throw new Error(`a message of more than ${FRAME_BYTES_MAX} bytes`);
	}

	get between() {
		return this.held === 0;
	}
}

/* ---- both ------------------------------------------------------------------------------------ */

/**
 * How to talk to a worker: {encode, decode, tags, write, parts, reader(onFrame)}; onFrame(id, kind, bytes, start, end)
 * of the payload.
 *
 * @param {boolean} preload  whether worker.cjs is there
 * @param {string} serialization  'json' or 'advanced'
 */
function channelOf(preload, serialization) {
	if (preload)
		return serialization === 'json' ? { ...json, ...taggedText, reader: taggedReader } :
			{ ...advanced, ...taggedBytes, reader: taggedReader };
	if (serialization === 'json')
		return { ...json, ...lines, reader: (onFrame) => new LineCutter((bytes, start, end) => {
			if (start < end)
				onFrame(0, KIND.MESSAGE, bytes, start, end);
		}) };
	return { ...ipcAdvanced, ...sized, reader: (onFrame) => new Cutter(4, sizeOfIpc,
		(bytes, start, end) => onFrame(0, KIND.MESSAGE, bytes, start + 4, end)) };
}

/* Text that somebody else wrote is no frame, however long one it would be. */
function sizeOfTagged(bytes, at) {
	if (bytes[at + 8] > KIND.SYNC)
		throw new Error(`a message of kind ${bytes[at + 8]}`);
	return 4 + u32At(bytes, at);
}

const sizeOfIpc = (bytes, at) => 4 + bytes.readUInt32BE(at);

function taggedReader(onFrame) {
	return new Cutter(HEADER_BYTES, sizeOfTagged,
		(bytes, start, end) => onFrame(u32At(bytes, start + 4), bytes[start + 8], bytes, start + HEADER_BYTES, end));
}

module.exports = { KIND, channelOf, boundOf, markFrame };
