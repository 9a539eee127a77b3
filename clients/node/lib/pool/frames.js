'use strict';
/*
 * The frames that open, change and close a pool.  Pure.
 */
const wire = require('../wire.js');

const { TYPE, FIELD } = wire;
const KIND = { standby: 0, worker: 1 };
const ORDER = { default: 0, fifo: 1, lifo: 2 };
const FLAG = { REPLACE: 1, PING_ON_USE: 2, KEEP: 4, OUTPUTS: 8 };
const WAITING_MAX = 0xffffffff;
/* 0 is the default there. */
const NO_SPARE = 0xffffffff;
const LEAVE = 0;
const END = 1;

function flagsOf(options) {
	return (options.reset === 'replace' ? FLAG.REPLACE : 0) | (options.ping && options.ping.onUse ? FLAG.PING_ON_USE : 0) |
		(options.keep ? FLAG.KEEP : 0) | (options.outputs ? FLAG.OUTPUTS : 0);
}

/* Infinity is as many as there can be. */
function ns(writer, ms) {
	if (ms === Infinity) {
		writer.u32(0xffffffff);
		writer.u32(0xffffffff);
	} else {
		writer.u64(Math.round(ms * 1e6));
	}
}

function fields(writer, tag, bytes, write) {
	const start = writer.field(tag);

	writer.reserve(bytes);
	write();
	writer.endField(start);
}

/* {ask, answer}: Buffers; timeout in ms. */
function writeMessage(writer, tag, { ask, answer, timeout, interval }) {
	fields(writer, tag, 20 + ask.length + answer.length, () => {
		ns(writer, timeout);
		if (interval !== undefined)
			ns(writer, interval);
		writer.u32(ask.length);
		writer.append(ask);
		writer.append(answer);
	});
}

/**
 * POOL_OPEN, of options that options.js made: times in ms, 0 is the default. Without a member it shares the one of that
 * name.
 */
function writePoolOpen(writer, id, options) {
	const start = writer.frame(TYPE.POOL_OPEN, 0, id, 0);
	const { member } = options;

	if (member) {
		writer.listField(FIELD.ARGV, member.argv);
		wire.writeFields(writer, member);
	}
	if (options.name !== undefined)
		writer.stringField(FIELD.POOL_NAME, options.name);
	if (member)
		writeOptions(writer, options);
	writer.endFrame(start);
}

function writeOptions(writer, options) {
	writer.u32Field(FIELD.POOL_KIND, KIND[options.kind], ORDER[options.order], flagsOf(options));
	if (options.min || options.max || options.spare !== 1 || options.queueLimit)
		writer.u32Field(FIELD.POOL_SIZE, options.min, options.max, options.spare || NO_SPARE, Math.min(options.queueLimit, WAITING_MAX));
	if (options.idleTimeout || options.maxAge || options.maxRss || options.maxUses)
		fields(writer, FIELD.POOL_LIMITS, 32, () => {
			ns(writer, options.idleTimeout);
			ns(writer, options.maxAge);
			writer.u64(options.maxRss);
			writer.u32(options.maxUses);
			writer.u32(0);
		});
	if (options.readyStream || options.readyTimeout)
		fields(writer, FIELD.POOL_READY, 16, () => {
			writer.u32(options.readyStream);
			writer.u32(0);
			ns(writer, options.readyTimeout);
		});
	if (options.acquireTimeout > 0)
		writer.timeField(FIELD.POOL_ACQUIRE, options.acquireTimeout);
	if (options.kind === 'worker')
		writer.u32Field(FIELD.POOL_CHANNEL, options.channelStream);
	if (options.resetBytes)
		writeMessage(writer, FIELD.POOL_RESET, options.resetBytes);
	if (options.pingBytes)
		writeMessage(writer, FIELD.POOL_PING, options.pingBytes);
}

function writePoolResize(writer, id, { min, max, spare }) {
	const start = writer.frame(TYPE.POOL_RESIZE, 0, id, 0);

	writer.reserve(12);
	[min, max, spare || NO_SPARE].forEach((one) => writer.u32(one));
	writer.endFrame(start);
}

/** @param {boolean} end  for all who share it, not this client's part alone */
function writePoolClose(writer, id, end, drainMs) {
	const start = writer.frame(TYPE.POOL_CLOSE, end ? END : LEAVE, id, 0);

	writer.reserve(8);
	ns(writer, drainMs);
	writer.endFrame(start);
}

module.exports = { writePoolOpen, writePoolResize, writePoolClose };
