'use strict';
/*
 * What `options.stdio` asks for, as far as the daemon can carry it.
 */
const { STDIO, FDS_MAX } = require('./wire.js');
const { ChildOutput, ChildInput, ChildDuplex } = require('./streams.js');
const { join, feed } = require('./joints.js');
const { areOpen } = require('./transport_addon.js');

const STREAMS_MAX = 256;
const NULL = { kind: STDIO.NULL, slot: null, other: null, fd: -1 };
const NONE = { ...NULL, kind: STDIO.NONE };
const PIPES = [
	{ kind: STDIO.PIPE, slot: 'in', other: null, fd: -1 },
	{ kind: STDIO.PIPE, slot: 'out', other: null, fd: -1 },
	{ kind: STDIO.DUPLEX, slot: 'duplex', other: null, fd: -1 },
];
const ALL_PIPES = [PIPES[0], PIPES[1], PIPES[1]];

function pipe(index) {
	return PIPES[Math.min(index, index < 3 ? 1 : 2)];
}

function passed(fd) {
	return Number.isInteger(fd) && fd >= 0 ? { kind: STDIO.FD, slot: null, other: null, fd } : null;
}

/* A stream of another child that is carried here, for this one to read or to write. */
function isOfChild(value, index) {
	return value instanceof ChildDuplex || value instanceof (index === 0 ? ChildOutput : ChildInput);
}

/* One element; null: the runtime has to look at it. */
function element(value, index) {
	if (value === 'pipe' || value === 'overlapped')
		return pipe(index);
	if (value === undefined || value === null)
		return index < 3 ? pipe(index) : NONE;
	if (value === 'ignore')
		return index < 3 ? NULL : NONE;
	if (value === 'inherit')
		return passed(index);
	if (typeof value === 'number')
		return passed(value);
	if (typeof value !== 'object')
		return null;
	if (isOfChild(value, index))
		return { ...PIPES[index === 0 ? 0 : 1], other: value };
	if (value instanceof ChildOutput || value instanceof ChildInput)
		return null;
	/* A stream of the runtime's: it has to stop reading what the child is given. */
	return passed(value.fd);
}

/**
 * A plan: for each descriptor of the child {kind: STDIO.*, slot: 'in'|'out'|'duplex'|null, other: a stream of another
 * child that it is joined to, fd}. Null: this cannot be carried, or is not valid, or has an IPC channel.
 *
 * @param {boolean} descriptors  whether descriptors can be passed
 */
function planOf(stdio, descriptors) {
	if (stdio === undefined || stdio === null || stdio === '' || stdio === 'pipe' || stdio === 'overlapped')
		return ALL_PIPES;
	if (stdio === 'ignore')
		return [NULL, NULL, NULL];
	if (stdio === 'inherit')
		stdio = ['inherit', 'inherit', 'inherit'];
	if (!Array.isArray(stdio) || stdio.length > STREAMS_MAX)
		return null;
	const plan = [];
	for (let i = 0; i < Math.max(3, stdio.length); i++) {
		const one = element(stdio[i], i);

		if (one === null)
			return null;
		plan.push(one);
	}
	return !descriptors && plan.some(isPassed) ? null : plan;
}

function isPassed(one) {
	return one.kind === STDIO.FD;
}

/** The descriptors that a plan passes, in their order. Null: they cannot be: too many, or one is closed. */
function descriptorsOf(plan) {
	const fds = plan.filter(isPassed).map((one) => one.fd);

	return fds.length <= FDS_MAX && areOpen(fds) ? fds : null;
}

/**
 * Where the runtime has to carry it: what it knows nothing of, streams of other children, are pipes to it.  Returns these
 * streams by their index, or null. `options.stdio` is replaced, not changed.
 */
function takeOthers(options) {
	const { stdio } = options;

	if (!Array.isArray(stdio) || !stdio.some(isOfChild))
		return null;
	options.stdio = stdio.map((one, index) => isOfChild(one, index) ? 'pipe' : one);
	return stdio.map((one, index) => isOfChild(one, index) ? one : null);
}

/** Join the stream `mine` of a child, at `index`, to `other`, that of another one. */
function connect(mine, index, other) {
	if (index === 0)
		feed(other, mine);
	else
		join(mine, other);
}

/** The same for all of takeOthers(); `child` does not show them. */
function connectAll(child, others) {
	others.forEach((other, index) => {
		if (other === null || !child.stdio[index])
			return;
		connect(child.stdio[index], index, other);
		child.stdio[index] = null;
		if (index < 3)
			child[['stdin', 'stdout', 'stderr'][index]] = null;
	});
}

/** Whether an IPC channel is asked for. */
function wantsChannel(stdio) {
	return Array.isArray(stdio) && stdio.includes('ipc');
}

module.exports = { planOf, descriptorsOf, takeOthers, connect, connectAll, wantsChannel };
