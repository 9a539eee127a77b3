'use strict';
/*
 * One request to a pool: a message that wants an answer, or somebody who wants a worker.  It
 * is settled once, whatever comes first; its answer may come later, and is nobody's then.
 */
const { PoolError, abortError, waitedError } = require('./errors.js');

/* An answer that nobody wants any more is waited for so long, before its worker is taken for one that hangs. */
const ABANDONED_MS = 5000;
/* A longer timer would fire at once. */
const TIMER_MS_MAX = 0x7fffffff;

class Request {
	/**
	 * @param {object} pool  told settled(request)
	 * @param {string|Buffer|null} body  an encoded message; null: a worker is wanted
	 * @param {object} options  {timeout, signal, priority}, checked
	 */
	constructor(pool, body, options) {
		this.pool = pool;
		this.body = body;
		this.timeout = options.timeout;
		this.signal = options.signal;
		this.priority = options.priority;
		this.timer = null;
		this.waits = false; /* in the pool's line */
		this.settled = false;
		this.lease = null; /* that it was sent on */
		this.id = 0;
		this.resolve = null;
		this.reject = null;
		if (this.signal !== undefined)
			this.signal.addEventListener('abort', this);
	}

	/** A promise of what it is settled with. */
	promised() {
		return new Promise((resolve, reject) => {
			this.resolve = resolve;
			this.reject = reject;
		});
	}

	/** It has to wait, for `ms` at most; 0: for ever. */
	wait(ms) {
		this.waits = true;
		if (ms > 0)
			this.timer = setTimeout(waitedTooLong, Math.min(ms, TIMER_MS_MAX), this);
	}

	/** Its turn has come: it is on its way to a worker, or has one. */
	begin(lease) {
		this.waits = false;
		this.lease = lease;
		this.stopTimer();
	}

	/** The worker has it: its time counts from here. */
	count() {
		if (this.timeout > 0 && !this.settled && this.timer === null)
			this.timer = setTimeout(ranTooLong, Math.min(this.timeout, TIMER_MS_MAX), this);
	}

	succeed(value) {
		if (!this.settle())
			return;
		this.pool.counts.answers++;
		this.resolve(value);
	}

	fail(error) {
		if (!this.settle())
			return;
		this.pool.counts.failures++;
		this.reject(error);
	}

	/* Returns false when it was before. */
	settle() {
		if (this.settled)
			return false;
		this.settled = true;
		this.stopTimer();
		if (this.signal !== undefined)
			this.signal.removeEventListener('abort', this);
		this.body = null;
		this.pool.settled(this);
		return true;
	}

	stopTimer() {
		if (this.timer !== null)
			clearTimeout(this.timer);
		this.timer = null;
	}

	/* Of its signal. */
	handleEvent() {
		const { lease } = this;

		this.fail(abortError(this.signal));
		if (lease !== null)
			lease.abandon(this);
	}

	/** Nobody wants its answer, which its worker still owes. */
	linger() {
		this.timer = setTimeout(notAnswered, ABANDONED_MS, this);
		this.timer.unref();
	}

	/** The answer has come that linger() waited for. */
	forget() {
		this.stopTimer();
		this.lease = null;
	}
}

function waitedTooLong(request) {
	request.timer = null;
	request.fail(waitedError());
}

function ranTooLong(request) {
	const { lease, timeout } = request;

	request.timer = null;
	request.fail(new PoolError('ERR_POOL_TIMEOUT', `no answer within ${timeout} ms`, { pid: lease.pid }));
	lease.hang();
}

function notAnswered(request) {
	request.timer = null;
	if (request.lease !== null)
		request.lease.retire('hung');
}

module.exports = { Request, TIMER_MS_MAX };
