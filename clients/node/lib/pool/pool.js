'use strict';
/*
 * createPool(): warm processes, which the daemon keeps.  What it is told of them is said in
 * docs/PROTOCOL.md; who is sent to which of them, in schedule.js.
 */
const daemon = require('../daemon.js');
const { Schedule } = require('./schedule.js');
const { Request, TIMER_MS_MAX } = require('./request.js');
const { PoolError, abortError } = require('./errors.js');
const { Opening } = require('./opening.js');
const { startStandby } = require('./standby.js');
const { statsOf, cpuNow } = require('./stats.js');
const optionsOf = require('./options.js');

const CLOSE_MS = 5000;
const LOOK_MS = 25;
const PRIORITY_MAX = 0x7fffffff;

class Pool extends Schedule {
	constructor(options) {
		super(optionsOf.complete(options));
		this.what = this.options.member ? this.options.member.argv.join(' ') : `pool ${this.options.name}`;
		this.refused = null; /* why the daemon did not open it */
		this.isClosed = false;
		this.closing = null; /* a promise */
		this.cpuAtStart = cpuNow();
		this.open();
	}

	get kind() {
		return this.options.kind;
	}

	get name() {
		return this.options.name;
	}

	/* ---- the daemon's pool ------------------------------------------------------------------- */

	open() {
		const { socket, daemon: binary } = this.options;
		let connection;

		try {
			if (binary !== undefined)
				daemon.configure({ daemon: binary });
			connection = daemon.need(socket);
		} catch (error) {
			throw new PoolError('ERR_POOL_NO_DAEMON', `no daemon keeps the pool: ${error.message}`, { cause: error });
		}
		this.opening = new Opening(this, connection);
		this.opening.open();
		if (this.holding !== null)
			this.holdBy(connection);
	}

	get isUp() {
		return this.opening !== null && this.opening.connection.alive && this.refused === null && !this.isClosed;
	}

	/* It is there, or asked for anew, when the daemon before was lost, also one that refused it. */
	ensure() {
		if (this.isClosed)
			throw new PoolError('ERR_POOL_CLOSED', 'the pool is closed');
		if (this.opening === null || !this.opening.connection.alive) {
			this.refused = null;
			this.open();
		} else if (this.refused !== null) {
			throw this.refused;
		}
	}

	/** The daemon did not open it. */
	onRefused(error) {
		this.refused = error;
		this.waiting.takeAll().forEach((request) => request.fail(error));
		if (this.listenerCount('error') > 0)
			this.tell('error', error);
	}

	/** The daemon is gone; leases were told before. */
	onLost(error) {
		const lost = new PoolError('ERR_POOL_LOST', `the daemon was lost: ${error.message}`, { cause: error });

		this.opening = null;
		this.workers.clear();
		this.waiting.takeAll().forEach((request) => request.fail(lost));
		if (this.listenerCount('error') > 0)
			this.tell('error', lost);
	}

	/* ---- requests ------------------------------------------------------------------------------ */

	/**
	 * Have a worker answer a message.
	 *
	 * @param {object} [options]  timeout in ms, from when a worker has the message; signal; priority
	 * @returns {Promise} of what it answers
	 */
	run(message, options) {
		let request;

		try {
			this.mustBe('worker');
			this.ensure();
			request = new Request(this, this.options.channel.encode(message), this.requestOptions(options));
		} catch (error) {
			return Promise.reject(error);
		}
		return this.enter(request);
	}

	/**
	 * Take a worker, until release().
	 *
	 * @returns {Promise<PoolWorker>}
	 */
	acquire(options) {
		let request;

		try {
			this.mustBe('worker');
			this.ensure();
			request = new Request(this, null, this.requestOptions(options));
		} catch (error) {
			return Promise.reject(error);
		}
		return this.enter(request);
	}

	/** Take a worker, for as long as what `call(worker)` returns is pending. */
	async use(call, options) {
		const worker = await this.acquire(options);

		try {
			return await call(worker);
		} finally {
			this.release(worker);
		}
	}

	/** Give a worker back; nothing where it was, or is gone. */
	release(worker) {
		const { lease } = worker;

		if (worker.pool !== this)
			throw new PoolError('ERR_POOL_NOT_ITS', 'the worker is of another pool');
		if (lease === null)
			return;
		lease.holder = null;
		worker.onGone(null);
		if (this.options.single || !this.options.channel.tags || lease.slots > 0 || lease.retiring)
			lease.release();
		else
			this.freed(lease);
	}

	/** A process of a standby pool, as a ChildProcess. @param {object} [options]  timeout, killSignal, signal, priority */
	spawn(options) {
		this.mustBe('standby');
		this.ensure();
		return startStandby(this, options === undefined ? {} : options);
	}

	/** On a worker that somebody has. */
	runOn(lease, message, options) {
		let request;

		try {
			if (!lease.channel.tags && lease.slots > 0)
				throw new PoolError('ERR_POOL_BUSY', 'the worker has not answered the message before');
			request = new Request(this, lease.channel.encode(message), this.requestOptions(options));
		} catch (error) {
			return Promise.reject(error);
		}
		const promise = request.promised();
		this.counts.requests++;
		this.begun();
		lease.send(request);
		return promise;
	}

	mustBe(kind) {
		if (this.options.kind !== kind)
			throw new PoolError('ERR_POOL_KIND', `it is a pool of kind '${this.kind}', not '${kind}'`);
	}

	requestOptions(options) {
		if (options === undefined)
			return this.defaults;
		if (options === null || typeof options !== 'object')
			optionsOf.fail('options', options, 'an object', 'ERR_INVALID_ARG_TYPE');
		const { signal } = options;
		if (signal !== undefined && !(signal && typeof signal.addEventListener === 'function'))
			optionsOf.fail('signal', signal, 'an AbortSignal', 'ERR_INVALID_ARG_TYPE');
		if (signal !== undefined && signal.aborted)
			throw abortError(signal);
		return {
			timeout: optionsOf.time('timeout', options.timeout, this.options.runTimeout || 0),
			signal,
			priority: optionsOf.whole('priority', options.priority, -PRIORITY_MAX, PRIORITY_MAX, 0),
		};
	}

	/* ---- as a whole ------------------------------------------------------------------------------ */

	/** Resolves when nothing is asked for, and nobody has a worker. */
	drain() {
		return this.pending === 0 ? Promise.resolve() : new Promise((resolve) => this.idlers.push(resolve));
	}

	/** @param {object} size  {min, max, spare}: those that change */
	async resize(size) {
		this.ensure();
		const now = optionsOf.sizeOf({ ...pick(await this.sizeNow()), ...pick(size) });

		this.ensure();
		await this.alive(this.opening.resize(now));
		Object.assign(this.options, now);
		for (const lease of this.leases.slice(now.max))
			lease.retire();
		this.next();
	}

	/* That of a pool with a name is said by who opened it first, and changed by others. */
	async sizeNow() {
		return this.name === undefined ? this.options : this.stats();
	}

	/**
	 * Take no more requests. Those that wait are rejected, those that a worker has may end.
	 *
	 * @param {object} [options]  timeout: so many ms for them, by default 5 s, for a standby's processes as long as
	 *   they take; end: of a pool with a name: it ends for all who share it
	 * @returns {Promise} resolved when none of its processes is left, or, of one that lives on, when all are given back
	 */
	close(options = {}) {
		if (this.closing !== null)
			return this.closing;
		let drainMs;

		try {
			drainMs = optionsOf.time('timeout', options.timeout, this.kind === 'worker' ? CLOSE_MS : Infinity);
		} catch (error) {
			return Promise.reject(error);
		}
		this.closing = this.closeNow(drainMs, Boolean(options.end));
		return this.closing;
	}

	async closeNow(drainMs, end) {
		const closed = new PoolError('ERR_POOL_CLOSED', 'the pool is closed');

		this.isClosed = true;
		this.waiting.takeAll().forEach((request) => request.fail(closed));
		for (const lease of [...this.leases])
			this.wantBack(lease, closed);
		const { opening } = this;
		if (opening === null || !opening.connection.alive || this.refused !== null)
			return;
		await this.alive(end || this.name === undefined ? opening.end(drainMs) : this.leave(drainMs, closed));
	}

	wantBack(lease, closed) {
		if (!lease.isOpen) {
			lease.failAll(closed);
			lease.endAsked();
		} else if (lease.slots === 0 && lease.holder === null) {
			lease.release();
		} else {
			lease.retire();
		}
	}

	/* This client's part alone: what it has goes back. */
	async leave(drainMs, closed) {
		let timer;
		const late = new Promise((resolve) => {
			timer = setTimeout(resolve, Math.min(drainMs, TIMER_MS_MAX));
		});

		await Promise.race([late, this.noLeases()]);
		clearTimeout(timer);
		for (const lease of [...this.leases]) {
			lease.failAll(closed);
			lease.end(true, 'closed');
		}
		if (this.opening !== null)
			this.opening.leave();
	}

	async noLeases() {
		while (this.leases.length > 0)
			await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
	}

	/** How it does: what the daemon counts, what this client does, processor time and memory. */
	stats() {
		return statsOf(this);
	}

	/** The same promise; the program waits for it. */
	async alive(promise) {
		const { connection } = this.opening;

		connection.hold();
		try {
			return await promise;
		} finally {
			connection.release();
		}
	}
}

function pick(size) {
	const ret = {};

	for (const name of ['min', 'max', 'spare'])
		if (size[name] !== undefined)
			ret[name] = size[name];
	return ret;
}

if (Symbol.asyncDispose)
	Object.defineProperty(Pool.prototype, Symbol.asyncDispose, {
		configurable: true, writable: true, value: Pool.prototype.close });

/** @returns {Pool}  see types/index.d.ts */
function createPool(options) {
	return new Pool(options);
}

module.exports = { createPool, Pool };
