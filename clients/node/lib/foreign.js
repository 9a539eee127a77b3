'use strict';
/*
 * Runtimes whose ChildProcess is not made of a `_handle`, which are Bun and Deno: what Node's
 * does to that, a child of the daemon's has of its own there.
 */
const os = require('os');
const { inspect } = require('util');
const runtime = require('child_process');
const { systemError } = require('./errors.js');

const { errno, signals } = os.constants;
const { ChildProcess } = runtime;

/** Whether the runtime's ChildProcess does all through a `_handle`. */
const ownsHandle = '_handle' in new ChildProcess();

/* ---- what a child has of its own ---------------------------------------------------- */

/* As Node: by name in any case, or by number. */
function signalNumber(signal) {
	const number = typeof signal === 'string' ? signals[signal.toUpperCase()] : signal;

	if (typeof number === 'number' && Object.values(signals).includes(number))
		return number;
	const shown = typeof signal === 'object' ? inspect(signal) : String(signal);
	throw Object.assign(new TypeError(`Unknown signal: ${shown}`), { code: 'ERR_UNKNOWN_SIGNAL' });
}

function kill(signal) {
	const number = signal === 0 ? 0 : signalNumber(signal === undefined ? 'SIGTERM' : signal);
	const ret = this._handle ? this._handle.kill(number) : -errno.ESRCH;

	if (ret === 0)
		this.killed = true;
	else if (ret !== -errno.ESRCH)
		this.emit('error', systemError(ret, 'kill'));
	return ret === 0;
}

const methods = {
	kill,
	ref() {
		if (this._handle)
			this._handle.ref();
	},
	unref() {
		if (this._handle)
			this._handle.unref();
	},
};

const prototype = Object.create(ChildProcess.prototype);
for (const [name, value] of Object.entries(methods))
	Object.defineProperty(prototype, name, { value, writable: true, configurable: true });

/** Give a fresh child what Node's has; the runtime's own methods look where nothing is. */
function fit(child) {
	Object.setPrototypeOf(child, prototype);
	Object.defineProperty(child, 'connected', { value: false, writable: true, configurable: true, enumerable: true });
	for (const [name, value] of Object.entries({ _handle: null, _closesNeeded: 1, _closesGot: 0 }))
		Object.defineProperty(child, name, { value, writable: true, configurable: true });
}

/* ---- what comes with the options ------------------------------------------------------- */

/* Bun keeps the environment under a symbol of its own. */
function environmentKey(options) {
	return Object.getOwnPropertySymbols(options).find((key) => typeof options[key] === 'object' && options[key] !== null);
}

/** The environment that a call was given, as NAME=VALUE strings. */
function environmentOf(options) {
	const key = options.envPairs === undefined ? environmentKey(options) : undefined;
	const variables = key === undefined ? null : options[key];
	const pairs = [];

	if (variables === null)
		return options.envPairs || [];
	for (const name of Object.keys(variables))
		if (variables[name] !== undefined)
			pairs.push(`${name}=${variables[name]}`);
	return pairs;
}

/* Deno's spawn() leaves the signal to what starts the process. */
function asksForAbort() {
	const before = ChildProcess.prototype.spawn;
	let asked = false;
	const signal = {
		aborted: false,
		addEventListener() {
			asked = true;
		},
		removeEventListener() {},
	};

	ChildProcess.prototype.spawn = () => 0;
	try {
		runtime.spawn('true', [], { signal });
	} catch {
		asked = true; /* it looks at it, at least */
	} finally {
		ChildProcess.prototype.spawn = before;
	}
	return asked;
}

const abortIsOurs = !ownsHandle && !asksForAbort();

function abortError(cause) {
	return Object.assign(new Error('The operation was aborted', { cause }), { code: 'ABORT_ERR', name: 'AbortError' });
}

/** Have `child` killed when the signal of the options says so, where the runtime leaves that to its spawn(). */
function watchSignal(child, { signal, killSignal }) {
	if (!abortIsOurs || !signal)
		return;
	const abort = () => {
		try {
			if (child.kill(killSignal === null ? undefined : killSignal))
				child.emit('error', abortError(signal.reason));
		} catch (error) {
			child.emit('error', error);
		}
	};

	if (signal.aborted) {
		process.nextTick(abort);
		return;
	}
	signal.addEventListener('abort', abort, { once: true });
	child.once('exit', () => signal.removeEventListener('abort', abort));
}

/* Deno's user may have named the programs that may be run; Deno keeps to that, and so it starts them. */
function mayRunAll({ Deno }) {
	return Deno.permissions.querySync({ name: 'run' }).state === 'granted';
}

/** Whether the runtime does more than to start it: Deno translates the arguments of another Deno, for one. */
function isTheirs({ file }) {
	return globalThis.Deno !== undefined && (file === process.execPath || !mayRunAll(globalThis));
}

module.exports = { ownsHandle, fit, environmentOf, watchSignal, isTheirs };
