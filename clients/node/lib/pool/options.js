'use strict';
/*
 * The options of createPool(): checked, completed, and made what the daemon is told.
 */
const os = require('os');
const path = require('path');
const { fileURLToPath } = require('url');
const { STDIO } = require('../wire.js');
const { planOf } = require('../stdio.js');
const { KIND, channelOf } = require('./channel.js');

const CHANNEL = 3;
const MESSAGE_MS = 5000; /* for the answer to a reset or a ping */
const MS_MAX = 1e12; /* three decades stand for ever */
const U32_MAX = 0xffffffff;
const NAME_BYTES_MAX = 128;
const MESSAGE_BYTES_MAX = 64 << 10;
const RESET_ID = 0xfffffffe;
const PING_ID = 0xfffffffd;
const WORKER_MODULE = path.join(__dirname, 'worker.cjs');

const KNOWN = [
	'kind', 'name', 'keep', 'script', 'command', 'args', 'execPath', 'execArgv', 'env', 'cwd', 'serialization', 'concurrency',
	'strategy', 'min', 'max', 'spare', 'idleTimeout', 'maxUses', 'maxAge', 'maxRss', 'ready', 'readyTimeout',
	'acquireTimeout', 'queueLimit', 'order', 'reset', 'ping', 'runTimeout', 'preload', 'output', 'stdio', 'socket', 'daemon',
];

/* ---- what is wrong with a value -------------------------------------------------------- */

function fail(name, value, wanted, code = 'ERR_INVALID_ARG_VALUE') {
	const Kind = code === 'ERR_INVALID_ARG_TYPE' ? TypeError : RangeError;
	const isObject = typeof value === 'object' && value !== null;
	const shown = typeof value === 'string' ? `'${value}'` : isObject ? 'an object' : String(value);

	throw Object.assign(new Kind(`options.${name} has to be ${wanted}; it is ${shown}`), { code });
}

function whole(name, value, min, max, otherwise) {
	if (value === undefined)
		return otherwise;
	if (value === Infinity && max === Infinity)
		return value;
	if (!Number.isInteger(value) || value < min || value > max)
		fail(name, value, `a whole number from ${min}${max === Infinity ? '' : ` to ${max}`}`);
	return value;
}

/** Milliseconds; Infinity is so long that it never comes. */
function time(name, value, otherwise) {
	if (value === undefined)
		return otherwise;
	if (typeof value !== 'number' || !(value > 0))
		fail(name, value, 'a number of milliseconds above 0');
	return Math.min(value, MS_MAX);
}

function oneOf(name, value, values, otherwise) {
	if (value === undefined)
		return otherwise;
	if (!values.includes(value))
		fail(name, value, values.map((one) => `'${one}'`).join(' or '));
	return value;
}

function isText(value) {
	return typeof value === 'string' && value !== '' && !value.includes('\0');
}

function text(name, value, otherwise) {
	if (value === undefined)
		return otherwise;
	if (!isText(value))
		fail(name, value, 'a string that is not empty, without NUL',
			typeof value === 'string' ? undefined : 'ERR_INVALID_ARG_TYPE');
	return value;
}

function list(name, value) {
	if (value === undefined)
		return [];
	if (!Array.isArray(value))
		fail(name, value, 'an array of strings', 'ERR_INVALID_ARG_TYPE');
	value.forEach((one, i) => {
		if (typeof one !== 'string' || one.includes('\0'))
			fail(`${name}[${i}]`, one, 'a string without NUL');
	});
	return [...value];
}

function flag(name, value, otherwise) {
	if (value === undefined)
		return otherwise;
	if (typeof value !== 'boolean')
		fail(name, value, 'true or false', 'ERR_INVALID_ARG_TYPE');
	return value;
}

/* ---- the program of a member ----------------------------------------------------------- */

function pairsOf(env) {
	if (env === null || typeof env !== 'object')
		fail('env', env, 'an object', 'ERR_INVALID_ARG_TYPE');
	return Object.keys(env).filter((name) => env[name] !== undefined).map((name) => {
		const pair = `${name}=${env[name]}`;

		if (pair.includes('\0') || name === '' || name.includes('='))
			fail(`env['${name}']`, env[name], 'a variable without NUL, whose name has no =');
		return pair;
	});
}

const isBun = (execPath) => path.basename(execPath).startsWith('bun');

/* Deno translates no arguments of Node's, and its own worker.cjs could not be preloaded. */
function ownExecPath() {
	return globalThis.Deno ? 'node' : process.execPath;
}

function argvOf(options, made) {
	const { preload } = made;
	const args = list('args', options.args);

	if (options.command !== undefined)
		return [text('command', options.command), ...args];
	const execPath = text('execPath', options.execPath, ownExecPath());
	const preloaded = preload ? [isBun(execPath) ? '--preload' : '--require', WORKER_MODULE] : [];
	if (preload && made.serialization === 'advanced' && isBun(execPath) !== Boolean(process.versions.bun))
		fail('serialization', 'advanced', "'json' between runtimes of two kinds");
	return [execPath, ...list('execArgv', options.execArgv), ...preloaded, text('script', options.script), ...args];
}

/* What the module, or the runtime's own IPC, looks for. */
function channelPairs(preload, serialization) {
	return preload ? [`URINGSPAWN_POOL_CHANNEL=${CHANNEL}`, `URINGSPAWN_POOL_SERIALIZATION=${serialization}`] :
		[`NODE_CHANNEL_FD=${CHANNEL}`, `NODE_CHANNEL_SERIALIZATION_MODE=${serialization}`];
}

const CHANNEL_NAMES = /^(URINGSPAWN_POOL_CHANNEL|URINGSPAWN_POOL_SERIALIZATION|NODE_CHANNEL_FD|NODE_CHANNEL_SERIALIZATION_MODE)=/;

function workerStdio(output) {
	const one = { kind: output === 'ignore' ? STDIO.NULL : STDIO.PIPE };

	return [{ kind: STDIO.NULL }, one, one, { kind: STDIO.DUPLEX }];
}

function standbyPlan(stdio) {
	const plan = planOf(stdio, false);

	if (plan === null || plan.some((one) => one.other !== null))
		fail('stdio', stdio, "'pipe', 'ignore', or an array of them");
	return plan;
}

function memberOf(options, made) {
	const worker = made.kind === 'worker';
	let env = pairsOf(options.env === undefined ? process.env : options.env);
	const cwd = options.cwd instanceof URL ? fileURLToPath(options.cwd) : text('cwd', options.cwd, '.');

	if (worker)
		env = env.filter((pair) => !CHANNEL_NAMES.test(pair))
			.concat(channelPairs(made.preload, made.serialization));
	return {
		__proto__: null,
		argv: argvOf(options, made),
		env,
		cwd: path.resolve(cwd),
		stdio: worker ? workerStdio(made.output) : made.plan,
	};
}

/* ---- what is said between two uses -------------------------------------------------------- */

/* As the bytes that worker.cjs, or the runtime's own IPC, reads and writes for it. */
function messageBytes(name, given, made, id) {
	if (given === null || typeof given !== 'object')
		fail(name, given, `${name === 'reset' ? "'replace' or " : ''}an object with message and answer`, 'ERR_INVALID_ARG_TYPE');
	if (given.message === undefined || given.answer === undefined)
		fail(name, given, 'an object with message and answer');
	const { channel } = made;
	const bytes = (kind, message) => Buffer.concat(channel.parts(id, kind, channel.encode(message)));
	const ret = {
		ask: bytes(KIND.REQUEST, given.message),
		answer: bytes(KIND.ANSWER, given.answer),
		timeout: time(`${name}.timeout`, given.timeout, MESSAGE_MS),
	};
	if (ret.ask.length > MESSAGE_BYTES_MAX || ret.answer.length > MESSAGE_BYTES_MAX)
		fail(name, given, `messages of ${MESSAGE_BYTES_MAX} bytes at most`);
	return ret;
}

function addReset(options, made) {
	made.reset = options.reset;
	if (options.reset === undefined || options.reset === 'replace')
		return;
	made.resetBytes = messageBytes('reset', options.reset, made, RESET_ID);
}

function addPing(options, made) {
	const { ping } = options;

	if (ping === undefined)
		return;
	made.pingBytes = messageBytes('ping', ping, made, PING_ID);
	made.pingBytes.interval = time('ping.interval', ping.interval, 0);
	made.ping = { onUse: flag('ping.onUse', ping.onUse, ping.interval === undefined) };
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* A number, a name, true: the channel of a worker; false: it is ready when it runs. */
function readyStream(value, made) {
	const names = { stdout: 1, stderr: 2 };
	const otherwise = made.kind === 'worker' && made.preload;
	const given = value === undefined ? otherwise : value;

	if (given === false)
		return 0;
	if (given === true && made.kind === 'worker')
		return CHANNEL;
	if (typeof given === 'string' && names[given])
		return names[given];
	return whole('ready', given, 1, 255);
}

/* Members above what the machine can run at once wait for each other. */
function sizeOf(options) {
	const processors = typeof os.availableParallelism === 'function' ? os.availableParallelism() : os.cpus().length;
	const min = whole('min', options.min, 0, U32_MAX, 0);
	const spare = whole('spare', options.spare, 0, U32_MAX - 1, 1);
	const max = whole('max', options.max, 1, U32_MAX, Math.max(processors, min, spare));

	if (min > max)
		fail('min', min, `at most max (${max})`);
	if (spare > max)
		fail('spare', spare, `at most max (${max})`);
	return { min, max, spare };
}

function onlyOf(options, kind, names) {
	for (const name of names)
		if (options[name] !== undefined)
			fail(name, options[name], `left out of a pool of kind '${kind}'`);
}

function programOf(options) {
	if (options.script !== undefined && options.command !== undefined)
		fail('command', options.command, 'left out where there is a script');
	const has = options.script !== undefined || options.command !== undefined;
	if (!has && options.name === undefined)
		fail('script', undefined, 'the program of the workers (or command, or name of a pool that is there)',
			'ERR_INVALID_ARG_TYPE');
	if (options.command !== undefined)
		for (const name of ['execPath', 'execArgv'])
			if (options[name] !== undefined)
				fail(name, options[name], 'left out where there is a command');
	return has;
}

function addWorkerOptions(options, made) {
	made.serialization = oneOf('serialization', options.serialization, ['json', 'advanced'], 'json');
	made.preload = flag('preload', options.preload, options.command === undefined);
	if (made.preload && options.command !== undefined)
		fail('preload', true, 'false where there is a command');
	if (made.serialization === 'advanced' && !made.preload && process.versions.bun)
		fail('serialization', 'advanced', "'json' without preload: Bun has no v8.Serializer");
	made.channel = channelOf(made.preload, made.serialization);
	made.strategy = oneOf('strategy', options.strategy, ['least-busy', 'round-robin', 'random'], 'least-busy');
	made.concurrency = whole('concurrency', options.concurrency, 1, U32_MAX, 1);
	made.output = oneOf('output', options.output, ['inherit', 'event', 'ignore'],
		options.name === undefined ? 'inherit' : 'ignore');
	made.outputs = made.output !== 'ignore';
	made.runTimeout = time('runTimeout', options.runTimeout, 0);
	addReset(options, made);
	addPing(options, made);
	/* One use for each request: the daemon does something between two, or others have their turn. */
	made.single = options.name !== undefined || made.reset !== undefined;
	if (made.concurrency > 1 && (made.single || !made.preload))
		fail('concurrency', made.concurrency, '1 with a name, with reset, or without preload');
	if (made.output !== 'ignore' && options.name !== undefined)
		fail('output', made.output, "'ignore' in a pool with a name");
}

/**
 * @returns {object} the options, complete: times in ms, 0 the default of the daemon's; member: what
 *   wire.writeRequest() takes, or null; plan: of a standby's streams; channel: see channel.js; channelStream;
 *   single: each request is a use of its own.
 */
function complete(options) {
	if (options === null || typeof options !== 'object')
		fail('options', options, 'an object', 'ERR_INVALID_ARG_TYPE');
	for (const name of Object.keys(options))
		if (!KNOWN.includes(name))
			fail(name, options[name], 'left out: there is no such option');
	const has = programOf(options);
	const made = { kind: oneOf('kind', options.kind, ['worker', 'standby'], 'worker'), single: false, reset: undefined };
	if (made.kind === 'worker') {
		onlyOf(options, 'worker', ['stdio']);
		addWorkerOptions(options, made);
	} else {
		onlyOf(options, 'standby', ['serialization', 'concurrency', 'strategy', 'reset', 'ping', 'runTimeout', 'preload',
			'output', 'maxUses']);
		made.plan = standbyPlan(options.stdio);
		made.preload = false;
	}
	Object.assign(made, sizeOf(options), {
		name: text('name', options.name),
		keep: flag('keep', options.keep, false),
		idleTimeout: time('idleTimeout', options.idleTimeout, 0),
		maxUses: whole('maxUses', options.maxUses, 1, U32_MAX, 0),
		maxAge: time('maxAge', options.maxAge, 0),
		maxRss: whole('maxRss', options.maxRss, 1, Number.MAX_SAFE_INTEGER, 0),
		readyStream: readyStream(options.ready, made),
		readyTimeout: time('readyTimeout', options.readyTimeout, 0),
		acquireTimeout: time('acquireTimeout', options.acquireTimeout, 0),
		queueLimit: whole('queueLimit', options.queueLimit, 1, Infinity, Infinity),
		order: oneOf('order', options.order, ['fifo', 'lifo'], 'default'),
		channelStream: CHANNEL,
		socket: text('socket', options.socket),
		daemon: text('daemon', options.daemon),
	});
	if (made.name !== undefined && Buffer.byteLength(made.name) > NAME_BYTES_MAX)
		fail('name', made.name, `at most ${NAME_BYTES_MAX} bytes`);
	if (made.keep && made.name === undefined)
		fail('keep', true, 'false in a pool without a name');
	made.member = has ? memberOf(options, made) : null;
	return made;
}

module.exports = { complete, sizeOf, time, whole, fail };
