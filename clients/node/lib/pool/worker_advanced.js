'use strict';
/*
 * Messages by the structured clone of the runtime: `serialization: 'advanced'`.  Both ends have
 * to be of the same runtime.
 */
const v8 = require('v8');
const { HEADER_BYTES } = require('./worker_channel.js');

const header = Buffer.alloc(HEADER_BYTES);
const isOfNode = process.versions.bun === undefined;

/* As the runtime does it between its own processes: what cannot be cloned is a plain object. */
class Serializer extends v8.DefaultSerializer {
	_writeHostObject(object) {
		if (ArrayBuffer.isView(object)) {
			this.writeUint32(1);
			super._writeHostObject(object);
			return;
		}
		this.writeUint32(0);
		this.writeValue({ ...object });
	}
}

class Deserializer extends v8.DefaultDeserializer {
	_readHostObject() {
		return this.readUint32() === 1 ? super._readHostObject() : this.readValue();
	}
}

/** The message, after room for the header of its frame. */
function encode(message) {
	if (!isOfNode)
		return Buffer.concat([header, v8.serialize(message)]);
	const serializer = new Serializer();

	serializer.writeRawBytes(header);
	serializer.writeHeader();
	serializer.writeValue(message);
	return serializer.releaseBuffer();
}

/** Views of what is read here live on, so that it is memory of their own. */
function decode(bytes, start, end) {
	const own = start === 0 && end === bytes.length ? bytes : Buffer.from(bytes.subarray(start, end));

	if (!isOfNode)
		return v8.deserialize(own);
	const deserializer = new Deserializer(own);

	deserializer.readHeader();
	return deserializer.readValue();
}

module.exports = { encode, decode };
