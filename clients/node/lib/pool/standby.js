'use strict';
/*
 * spawn() of a standby pool: a process that was started before, as the runtime's own
 * ChildProcess, with the streams that the pool's options name.
 */
const os = require('os');
const runtime = require('child_process');
const { relay } = require('../relay.js');
const optionsOf = require('./options.js');
const { abortError } = require('./errors.js');

const { signals } = os.constants;
const KNOWN = ['timeout', 'killSignal', 'signal', 'priority'];

function signalNumber(signal) {
	const number = typeof signal === 'string' ? signals[signal] : signal;

	if (!Object.values(signals).includes(number))
		optionsOf.fail('killSignal', signal, 'the name or number of a signal');
	return number;
}

/* As the runtime does it. */
function watchSignal(child, signal, killSignal) {
	const onAbort = () => {
		if (child.kill(killSignal))
			child.emit('error', abortError(signal));
	};

	if (signal.aborted) {
		process.nextTick(onAbort);
		return;
	}
	signal.addEventListener('abort', onAbort, { once: true });
	child.once('exit', () => signal.removeEventListener('abort', onAbort));
}

function startStandby(pool, options) {
	if (options === null || typeof options !== 'object')
		optionsOf.fail('options', options, 'an object', 'ERR_INVALID_ARG_TYPE');
	for (const name of Object.keys(options))
		if (!KNOWN.includes(name))
			optionsOf.fail(name, options[name], 'left out: there is no such option of a process that runs already');
	const { signal, killSignal } = options;
	if (signal !== undefined && !(signal && typeof signal.addEventListener === 'function'))
		optionsOf.fail('signal', signal, 'an AbortSignal', 'ERR_INVALID_ARG_TYPE');
	const number = killSignal === undefined ? undefined : signalNumber(killSignal);
	const request = {
		__proto__: null,
		pool: pool.opening.id,
		priority: pool.requestOptions({ priority: options.priority }).priority,
		timeout: optionsOf.time('timeout', options.timeout, 0),
		killSignal: number,
	};
	const child = start(pool, request);

	if (signal !== undefined)
		watchSignal(child, signal, number);
	return child;
}

function start(pool, request) {
	const { member, plan } = pool.options;
	const child = new runtime.ChildProcess();
	const made = relay(child, pool.opening.connection, plan);

	child.spawnfile = member ? member.argv[0] : pool.what;
	child.spawnargs = member ? [...member.argv] : [pool.what];
	made.onOver = () => pool.over();
	pool.begun();
	made.start(request, []);
	return child;
}

module.exports = { startStandby };
