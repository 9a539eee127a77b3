'use strict';
/*
 * A worker that somebody took out of its pool, for himself: an object as child_process.fork()
 * gives one, with send() and 'message'.
 */
const { EventEmitter } = require('events');
const { KIND } = require('./channel.js');
const { PoolError } = require('./errors.js');

class PoolWorker extends EventEmitter {
	constructor(pool, lease) {
		super();
		this.pool = pool;
		this.lease = lease;
		this.pid = lease.pid;
		this.exitCode = null;
		this.signalCode = null;
		this.firstId = lease.nextId;
		this.unanswered = new Set();
	}

	/** Whether it can be sent to: it was not given back, and lives. */
	get connected() {
		return this.lease !== null;
	}

	/** Send a message; what answers it comes as 'message', what its handler throws as 'error'. */
	send(message) {
		const { lease } = this;

		if (lease === null)
			throw this.gone();
		const body = lease.channel.encode(message);
		this.unanswered.add(lease.sendOf(this, body));
		return true;
	}

	/** Send a message, and be told its answer. @param {object} [options]  {timeout, signal} */
	run(message, options) {
		if (this.lease === null)
			return Promise.reject(this.gone());
		return this.pool.runOn(this.lease, message, options);
	}

	/** Give it back. What it says from here on is nobody's. */
	release() {
		this.pool.release(this);
	}

	/** Give it back, not to be used again: it is killed, and replaced. */
	discard() {
		const { lease } = this;

		if (lease !== null)
			lease.end(true, 'discarded');
	}

	gone() {
		return this.exitCode !== null || this.signalCode !== null ?
			new PoolError('ERR_POOL_WORKER_EXITED', `worker ${this.pid} is gone`,
				{ pid: this.pid, exitCode: this.exitCode, signalCode: this.signalCode }) :
			new PoolError('ERR_POOL_RELEASED', `worker ${this.pid} was given back`, { pid: this.pid });
	}

	/* ---- of its lease ------------------------------------------------------------------------ */

	/** Whether a message is this one's: not of a request that came before it, and was answered late. */
	isFor(id, kind) {
		return !this.lease.channel.tags || kind === KIND.MESSAGE || id >= this.firstId;
	}

	/** Whether it is the first answer. Where messages have no id, each answers the oldest. */
	answered(id) {
		if (this.lease.channel.tags)
			return this.unanswered.delete(id);
		const [oldest] = this.unanswered;
		return this.unanswered.delete(oldest);
	}

	/** In a turn of its own, so that what a listener throws keeps nothing from anybody else. */
	tell(name, ...values) {
		process.nextTick(emit, this, name, values);
	}

	/** @param {object|null} exit  null: it lives on, in the pool */
	onGone(exit) {
		const { pool } = this;

		this.lease = null;
		if (exit !== null) {
			this.exitCode = exit.exitCode;
			this.signalCode = exit.signalCode;
			this.tell('exit', exit.exitCode, exit.signalCode);
		}
		pool.returned();
	}
}

if (Symbol.dispose)
	Object.defineProperty(PoolWorker.prototype, Symbol.dispose, {
		configurable: true, writable: true, value: PoolWorker.prototype.release });

function emit(emitter, name, values) {
	emitter.emit(name, ...values);
}

module.exports = { PoolWorker, emit };
