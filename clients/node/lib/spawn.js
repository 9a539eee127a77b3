'use strict';
/*
 * How a spawn comes here: the runtime's own functions check and complete what they are
 * given, and start it by ChildProcess.prototype.spawn(), which is the one thing that is
 * replaced. So options, errors, timeouts, exec() and its callbacks are the runtime's own.
 */
const path = require('path');
const { isatty } = require('tty');
const { promisify } = require('util');
const runtime = require('child_process');
const daemon = require('./daemon.js');
const environment = require('./environment.js');
const { adopt, disown } = require('./fork.js');
const { planOf, descriptorsOf, takeOthers, connect, connectAll, wantsChannel } = require('./stdio.js');
const { relay } = require('./relay.js');
const { ownsHandle, environmentOf, watchSignal, isTheirs } = require('./foreign.js');
const { makeBlocking } = require('./transport_addon.js');
const trace = require('./trace.js');
const wire = require('./wire.js');

const { ChildProcess } = runtime;
const own = { ...runtime };
const spawnByRuntime = ChildProcess.prototype.spawn;

/* What is spawned by a call from this module, or by anybody once register() was called. */
let entered = 0;
let registered = false;
/* The environment of the call is process.env, which the runtime need not enumerate. */
let ownEnvironment = false;
const counts = { relayed: 0, adopted: 0, runtime: 0 };

/* Whether a call of the runtime's that is going on is to come here. */
function isOurs() {
	return entered > 0 || registered;
}

/* ---- ChildProcess.prototype.spawn -------------------------------------------------- */

function isList(value) {
	return Array.isArray(value) && value.every((one) => typeof one === 'string' && !one.includes('\0'));
}

/* As the runtime makes strings of what are none: numbers, mostly. Null: it would not. */
function argumentsOf(args) {
	if (!Array.isArray(args) || args.length === 0)
		return null;
	if (args.every((one) => typeof one === 'string'))
		return args;
	return args.some((one) => typeof one === 'symbol' || typeof one === 'object' && one !== null) ? null :
		args.map((one) => `${one}`);
}

/* Whether the runtime would have nothing to say against it. */
function isUsual(options) {
	return typeof options === 'object' && options !== null && typeof options.file === 'string' &&
		options.file !== '' && !isTheirs(options) &&
		(options.envPairs === undefined || isList(options.envPairs)) &&
		(options.cwd === undefined || options.cwd === null || typeof options.cwd === 'string') &&
		(options.serialization === undefined || options.serialization === 'json' || options.serialization === 'advanced');
}

/* Undefined: it is the program's own. Null: only the runtime can, or can say no. */
function credentialsOf({ uid, gid }) {
	if (uid === undefined || uid === null)
		uid = gid === undefined || gid === null ? undefined : process.getuid();
	if (uid === undefined)
		return undefined;
	if (gid === undefined || gid === null)
		gid = process.getgid();
	return process.geteuid() === 0 && uid >= 0 && gid >= 0 ? { uid, gid } : null;
}

/* MAX_ARG_STRLEN of execve(2): the runtime throws where a string is longer. */
const STRING_BYTES_MAX = 128 << 10;
const isLong = (text) => text.length >= STRING_BYTES_MAX / 3 && Buffer.byteLength(text) >= STRING_BYTES_MAX;

function workingDirectory(options) {
	try {
		return options.cwd ? path.resolve(options.cwd) : process.cwd();
	} catch {
		return null; /* it was removed */
	}
}

/* Of a daemon of another session a child cannot have this terminal as its own: it would not hear ^C. */
function isAwayFromTerminal(plan, connection) {
	return !connection.isPrivate && plan.some((one) => one.kind === wire.STDIO.FD && isatty(one.fd));
}

function requestOf(options, plan, connection, pairs) {
	const cwd = workingDirectory(options);
	const credentials = credentialsOf(options);
	const argv = argumentsOf(options.args);

	if (isAwayFromTerminal(plan, connection))
		return null;
	if (cwd === null || credentials === null || argv === null || !isList(argv) || argv.some(isLong))
		return null;
	return {
		__proto__: null,
		argv,
		search: options.file === argv[0] ? undefined : options.file,
		template: connection.templates.idOf(pairs),
		cwd,
		stdio: plan,
		group: options.detached ? wire.GROUP.SESSION : undefined,
		credentials,
	};
}

/* The environment that a call was given, as NAME=VALUE strings. */
function pairsOf(options) {
	return ownEnvironment ? environment.ownPairs() : environmentOf(options);
}

/* The runtime was spared to enumerate it, and needs it now. */
function completeEnvironment(options) {
	if (ownEnvironment && typeof options === 'object' && options !== null)
		options.envPairs = [...environment.ownPairs()];
}

function startRelayed(child, options) {
	const connection = daemon.get();
	const plan = connection && planOf(options.stdio, connection.transport.passesDescriptors);
	const fds = plan && descriptorsOf(plan);
	const request = fds && requestOf(options, plan, connection, pairsOf(options));

	if (!request)
		return false;
	child.spawnfile = options.file;
	child.spawnargs = options.args;
	makeBlocking(plan);
	const made = relay(child, connection, plan);
	trace.start(child, options);
	made.start(request, fds);
	plan.forEach((one, index) => {
		if (one.other !== null)
			connect(made.slots[index].open(), index, one.other);
	});
	watchSignal(child, options);
	counts.relayed++;
	return true;
}

/* The workers of node:cluster are known to its own handles. */
function isOfCluster(pairs) {
	return pairs !== undefined && pairs.some((pair) => pair.startsWith('NODE_UNIQUE_ID='));
}

/* Null: it is the runtime's alone. */
function startAdopted(child, options) {
	const connection = daemon.get();

	if (!ownsHandle || connection === null || !connection.transport.passesDescriptors || isOfCluster(options.envPairs))
		return null;
	return adopt(child, connection, options,
		(completed, plan) => requestOf(completed, plan, connection, completed.envPairs || []));
}

function spawn(options) {
	if (!isOurs())
		return spawnByRuntime.call(this, options);
	const usual = isUsual(options);
	if (usual && !wantsChannel(options.stdio) && startRelayed(this, options))
		return ownsHandle ? 0 : undefined;
	completeEnvironment(options);
	const handle = usual ? startAdopted(this, options) : null;
	const others = usual ? takeOthers(options) : null;
	try {
		const ret = spawnByRuntime.call(this, options);

		if (others !== null)
			connectAll(this, others);
		return ret;
	} finally {
		counts[handle !== null && handle.adopted ? 'adopted' : 'runtime']++;
		if (handle !== null)
			disown(this, handle);
	}
}

ChildProcess.prototype.spawn = spawn;

/* ---- the functions --------------------------------------------------------------------- */

/* In the place of process.env: nothing of it is looked at. */
const notEnumerated = {};

/* Where the options of a call are, as the runtime finds them: behind the arguments, or in their place. */
function behindArguments(args) {
	return typeof args[1] === 'object' && args[1] !== null && !Array.isArray(args[1]) ||
		typeof args[1] === 'function' ? 1 : 2;
}

/*
 * Have options that stand for process.env by something that is not enumerated. Returns
 * whether it is process.env that the child gets.
 */
function spareEnvironment(args, at, nullable) {
	const options = args[at];

	if (options === undefined || options === null && nullable) {
		args[at] = { env: notEnumerated };
	} else if (typeof options === 'function' && nullable) {
		args.splice(at, 0, { env: notEnumerated });
	} else if (typeof options === 'object' && options !== null && !Array.isArray(options)) {
		const copy = { ...options };

		if (copy.env)
			return copy.env === notEnumerated;
		copy.env = notEnumerated;
		args[at] = copy;
	} else {
		return false; /* for the runtime to refuse */
	}
	return true;
}

/* Under the permission model the runtime has something to add to the environment. */
function canSpare() {
	return process.permission === undefined && environment.isKnown();
}

function enter(call, args, at, nullable) {
	const before = ownEnvironment;

	entered++;
	try {
		ownEnvironment = false;
		if (ownsHandle)
			ownEnvironment = canSpare() && spareEnvironment(args, at, nullable);
		else if (args[at] === undefined || args[at] === null && nullable)
			args[at] = {}; /* Deno does not look for a callback behind it otherwise */
		return call(...args);
	} finally {
		entered--;
		ownEnvironment = before;
	}
}

/* Where sync.js finds no binding they are the runtime's. */
function enterSync(call, args, at, nullable) {
	if (!ownsHandle)
		counts.runtime++;
	return enter(call, args, at, nullable);
}

const functions = {
	spawn(file, args, options) {
		return enter(own.spawn, [...arguments], behindArguments(arguments), false);
	},
	execFile(file, args, options, callback) {
		return enter(own.execFile, [...arguments], behindArguments(arguments), true);
	},
	exec(command, options, callback) {
		return enter(own.exec, [...arguments], 1, true);
	},
	spawnSync(file, args, options) {
		return enterSync(own.spawnSync, [...arguments], behindArguments(arguments), false);
	},
	execFileSync(file, args, options) {
		return enterSync(own.execFileSync, [...arguments], behindArguments(arguments), true);
	},
	execSync(command, options) {
		return enterSync(own.execSync, [...arguments], 1, true);
	},
	fork(modulePath, args, options) {
		return enter(own.fork, [...arguments], behindArguments(arguments), true);
	},
};

function promised(name, at) {
	const call = own[name][promisify.custom];

	Object.defineProperty(functions[name], promisify.custom, {
		configurable: true,
		value: (...args) => enter(call, args, at(args), true),
	});
}

promised('exec', () => 1);
promised('execFile', behindArguments);

/** From here on, the runtime's own functions come here as well, whoever has them. */
function register() {
	registered = true;
}

module.exports = { own, counts, functions, register, requestOf, pairsOf, completeEnvironment, isOurs };
