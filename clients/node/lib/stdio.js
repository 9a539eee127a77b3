'use strict';
/*
 * What `options.stdio` asks for, as far as the daemon can carry it.
 */
const { STDIO, FDS_MAX } = require('./wire.js');
const { ChildOutput, ChildDuplex } = require('./streams.js');
const { areOpen } = require('./transport_addon.js');

const STREAMS_MAX = 256;
const NULL = { kind: STDIO.NULL, slot: null, source: null, fd: -1 };
const NONE = { ...NULL, kind: STDIO.NONE };
const PIPES = [
	{ kind: STDIO.PIPE, slot: 'in', source: null, fd: -1 },
	{ kind: STDIO.PIPE, slot: 'out', source: null, fd: -1 },
	{ kind: STDIO.DUPLEX, slot: 'duplex', source: null, fd: -1 },
];
const ALL_PIPES = [PIPES[0], PIPES[1], PIPES[1]];

function pipe(index) {
	return PIPES[Math.min(index, index < 3 ? 1 : 2)];
}

function passed(fd) {
	return Number.isInteger(fd) && fd >= 0 ? { kind: STDIO.FD, slot: null, source: null, fd } : null;
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
	if (value instanceof ChildOutput || value instanceof ChildDuplex)
		return index === 0 ? { ...pipe(0), source: value } : null;
	/* A stream of the runtime's: it has to stop reading what the child is given. */
	return passed(value.fd);
}

/**
 * A plan: for each descriptor of the child {kind: STDIO.*, slot: 'in'|'out'|'duplex'|null, source: a stream that is
 * to be pumped into it, fd}. Null: this cannot be carried, or is not valid, or has an IPC channel.
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
	const fds = plan.filter((one) => one.kind === STDIO.FD).map((one) => one.fd);
	if (fds.length > (descriptors ? FDS_MAX : 0) || !areOpen(fds))
		return null;
	return plan;
}

/**
 * Where the runtime has to carry it: what it knows nothing of, the output of another child as stdin, is a pipe to it.
 * Returns the stream that is to be pumped into that, or null. `options.stdio` is replaced, not changed.
 */
function takeSource(options) {
	const { stdio } = options;

	if (!Array.isArray(stdio) || !(stdio[0] instanceof ChildOutput || stdio[0] instanceof ChildDuplex))
		return null;
	options.stdio = ['pipe', ...stdio.slice(1)];
	return stdio[0];
}

/** Pump `source` into the stdin of `child`, which does not show it. */
function pump(source, child) {
	source.pipe(child.stdin);
	child.stdin.on('error', () => {}); /* who does not read all of it need not */
	child.stdin = null;
	child.stdio[0] = null;
}

/** Whether an IPC channel is asked for. */
function wantsChannel(stdio) {
	return Array.isArray(stdio) && stdio.includes('ipc');
}

module.exports = { planOf, takeSource, pump, wantsChannel };
