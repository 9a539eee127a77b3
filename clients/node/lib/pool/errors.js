'use strict';
/*
 * What a request to a pool fails with: errors whose code says which of the things that can
 * go wrong it was.
 */
const { systemError } = require('../errors.js');
const wire = require('../wire.js');

const STAGE_VALIDATE = wire.STAGES.indexOf('validate');
const STAGE_ADMISSION = wire.STAGES.indexOf('admission');
const STAGE_READY = wire.STAGES.indexOf('ready');
const { errno } = require('os').constants;
const ESHUTDOWN = 108; /* Node has no name for it */

class PoolError extends Error {
	/** @param {string} code  ERR_POOL_*; @param {object} [details]  properties of the error, cause too */
	constructor(code, message, details) {
		super(message);
		Object.assign(this, details);
		this.code = code;
	}
}

Object.defineProperty(PoolError.prototype, 'name', { value: 'PoolError', writable: true, configurable: true });

/** As the runtime's own AbortError. */
function abortError(signal) {
	const error = new Error('The operation was aborted');

	error.name = 'AbortError';
	error.code = 'ABORT_ERR';
	error.cause = signal.reason;
	return error;
}

/** What a FAILED frame of a use says. @param {string} what  that the pool runs, for people */
function startError(what, { stage, number, signal, named, retryMs }) {
	if (stage === STAGE_ADMISSION && number === ESHUTDOWN || stage === STAGE_VALIDATE && named === 'pool')
		return new PoolError('ERR_POOL_CLOSED', 'the pool is closed');
	if (stage === STAGE_ADMISSION)
		return new PoolError('ERR_POOL_BUSY', `the pool is busy: ${named || 'too many wait'}`, { what: named, retryMs });
	if (stage === STAGE_READY)
		return new PoolError('ERR_POOL_NOT_READY', number === errno.ETIMEDOUT ?
			`${what}: no worker was ready in time` : `${what}: a worker ended before it was ready`);
	const name = wire.STAGES[stage] || `stage ${stage}`;
	const cause = number > 0 ? systemError(-number, `spawn ${what}`) : null;
	const why = cause ? cause.code : `signal ${signal}`;
	return new PoolError('ERR_POOL_NOT_STARTED', `${what} could not be started: ${name} ${named}: ${why}`,
		{ stage: name, what: named, cause });
}

/** A use that ended before it had a worker: of the reason that END gives. */
function endError(reason) {
	if (reason === wire.REASON.QUEUE_TIMEOUT)
		return waitedError();
	return new PoolError('ERR_POOL_CLOSED', 'the request was ended before it had a worker');
}

function waitedError() {
	return new PoolError('ERR_POOL_ACQUIRE_TIMEOUT', 'no worker was free in time');
}

/** An answer of a worker that says what was thrown there. */
function errorOfWorker({ name, message, stack, code }) {
	const Kind = KINDS[name] || Error;
	const error = new Kind(message);

	if (name !== undefined && error.name !== name)
		Object.defineProperty(error, 'name', { value: name, writable: true, configurable: true });
	if (stack !== undefined)
		Object.defineProperty(error, 'stack', { value: stack, writable: true, configurable: true });
	if (code !== undefined)
		error.code = code;
	return error;
}

const KINDS = { __proto__: null, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError };

module.exports = { PoolError, abortError, startError, endError, waitedError, errorOfWorker };
