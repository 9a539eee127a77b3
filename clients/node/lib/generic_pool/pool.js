'use strict';
/*
 * A pool of whatever a factory makes, with the interface of generic-pool as it is documented.
 * It is for programs that have such a factory; processes are better pooled by createPool(),
 * which keeps them in the daemon.
 *
 * step() decides: everything else records a fact and calls it.
 */
const { EventEmitter } = require('events');
const { readOptions, checkFactory } = require('./options.js');
const { Waiting, TimeoutError } = require('./waiting.js');

/* A factory that fails is tried again after this, and then after twice the time. */
const RETRY_MS = 1;
const RETRY_MS_MAX = 1000;

/* The result of a function that may throw, or return no promise. */
const attempt = async (call) => call();

function withLimit(promise, ms, what) {
	let timer;

	if (!(ms > 0) || ms === Infinity)
		return promise;
	return Promise.race([promise, new Promise((_, reject) => {
		timer = setTimeout(() => reject(new TimeoutError(`${what} timed out`)), ms);
	})]).finally(() => clearTimeout(timer));
}

class Pool extends EventEmitter {
	constructor(factory, given) {
		super();
		this.options = readOptions(given);
		checkFactory(factory, this.options);
		this.factory = factory;
		this.items = new Set(); /* {resource, idleSince} of all that are there */
		this.idle = []; /* of them, the longest idle first */
		this.loans = new Map(); /* resource: its item */
		this.creating = new Set(); /* promises that never reject */
		this.destroying = new Set();
		this.testing = 0; /* items between idle and a loan */
		this.waiting = new Waiting(this.options.priorityRange, this.options.acquireTimeoutMillis);
		this.settled = []; /* what drain() and ready() wait for: {done(), resolve} */
		this.retryMs = RETRY_MS;
		this.retry = null;
		this.evictor = null;
		this.evictAt = 0;
		this.started = false;
		this.draining = false;
		if (this.options.autostart)
			this.start();
	}

	/* ---- what its user calls ---- */

	start() {
		if (this.started || this.draining)
			return;
		this.started = true;
		this.scheduleEvictor();
		this.step();
	}

	acquire(priority) {
		if (!this.started)
			this.start();
		if (this.draining)
			return this.promise(Promise.reject(new Error('pool is draining and cannot accept work')));
		if (this.spareResourceCapacity < 1 && this.available < 1 && this.pending >= this.options.maxWaitingClients)
			return this.promise(Promise.reject(new Error('max waitingClients count exceeded')));
		return this.promise(new Promise((resolve, reject) => {
			this.waiting.add(priority, resolve, reject, () => this.step());
			if (this.retry !== null)
				this.retry.ref();
			this.step();
		}));
	}

	use(fn, priority) {
		return this.promise(this.acquire(priority).then((resource) => attempt(() => fn(resource)).then((value) => {
			this.returned(resource, false);
			return value;
		}, (error) => {
			this.returned(resource, true);
			throw error;
		})));
	}

	release(resource) {
		return this.promise(this.takeBack(resource, async (item) => {
			const valid = !this.options.testOnReturn || await this.validate(item);

			this[valid ? 'rest' : 'discard'](item);
		}));
	}

	destroy(resource) {
		return this.promise(this.takeBack(resource, async (item) => this.discard(item)));
	}

	isBorrowedResource(resource) {
		return this.loans.has(resource);
	}

	/** Until nobody waits and all is returned; nothing is lent any more. */
	drain() {
		this.draining = true;
		return this.promise(this.until(() => this.pending === 0 && this.borrowed === 0 && this.testing === 0)
			.then(() => this.stop()));
	}

	/** Destroy what is idle, and wait for what is being made or destroyed. */
	clear() {
		return this.promise((async () => {
			await Promise.all(this.creating);
			this.idle.splice(0).forEach((item) => this.remove(item));
			await Promise.all(this.destroying);
			this.step();
		})());
	}

	/** Until there are `min`. */
	ready() {
		return this.promise(this.until(() => this.available >= this.min));
	}

	get max() {
		return this.options.max;
	}

	get min() {
		return this.options.min;
	}

	get size() {
		return this.items.size + this.creating.size;
	}

	get available() {
		return this.idle.length;
	}

	get borrowed() {
		return this.loans.size;
	}

	get pending() {
		return this.waiting.length;
	}

	get spareResourceCapacity() {
		return this.max - this.size;
	}

	/* ---- what becomes of an item ---- */

	step() {
		while (this.idle.length > 0 && this.pending > this.testing)
			this.lend(this.options.fifo ? this.idle.shift() : this.idle.pop());
		if (this.started && this.retry === null) {
			const wanted = this.pending - this.testing - this.creating.size;
			const missing = this.draining ? 0 : this.min - this.size;

			for (let n = Math.min(Math.max(wanted, missing), this.spareResourceCapacity); n > 0; n--)
				this.create();
		}
		this.settled = this.settled.filter(({ done, resolve }) => !done() || resolve());
	}

	lend(item) {
		if (!this.options.testOnBorrow) {
			this.give(item);
			return;
		}
		this.testing++;
		this.validate(item).then((valid) => {
			this.testing--;
			if (!valid)
				this.discard(item);
			else if (this.pending > 0)
				this.give(item);
			else
				this.rest(item);
			this.step();
		});
	}

	give(item) {
		this.loans.set(item.resource, item);
		this.waiting.take().resolve(item.resource);
	}

	create() {
		const made = attempt(() => this.factory.create()).then((resource) => {
			const item = { resource, idleSince: 0 };

			this.creating.delete(made);
			this.retryMs = RETRY_MS;
			this.items.add(item);
			this.rest(item);
		}, (error) => {
			this.creating.delete(made);
			this.tryLater();
			this.emit('factoryCreateError', error);
			this.step();
		});

		this.creating.add(made);
	}

	/* A factory that always fails at once would keep everybody else from their turn. */
	tryLater() {
		if (this.retry !== null)
			return;
		this.retry = setTimeout(() => {
			this.retry = null;
			this.step();
		}, this.retryMs);
		if (this.pending === 0)
			this.retry.unref();
		this.retryMs = Math.min(this.retryMs * 2, RETRY_MS_MAX);
	}

	rest(item) {
		item.idleSince = Date.now();
		this.idle.push(item);
		this.step();
	}

	discard(item) {
		this.remove(item);
		this.step();
	}

	remove(item) {
		this.items.delete(item);
		const gone = withLimit(attempt(() => this.factory.destroy(item.resource)), this.options.destroyTimeoutMillis, 'destroy')
			.catch((error) => {
				this.emit('factoryDestroyError', error);
			}).then(() => {
				this.destroying.delete(gone);
			});

		this.destroying.add(gone);
	}

	validate(item) {
		return attempt(() => this.factory.validate(item.resource)).then(Boolean, () => false);
	}

	async takeBack(resource, then) {
		const item = this.loans.get(resource);

		if (item === undefined)
			throw new Error('Resource not currently part of this pool');
		this.loans.delete(resource);
		await then(item);
	}

	/* After use(), whose function may have returned it already. */
	returned(resource, broken) {
		if (this.loans.has(resource))
			this[broken ? 'destroy' : 'release'](resource).then(undefined, () => {});
	}

	/* ---- time ---- */

	scheduleEvictor() {
		if (this.options.evictionRunIntervalMillis > 0) {
			this.evictor = setInterval(() => this.evict(), this.options.evictionRunIntervalMillis);
			this.evictor.unref();
		}
	}

	/* So many at each time, the others at the next. */
	evict() {
		const now = Date.now();
		const { softIdleTimeoutMillis: soft, idleTimeoutMillis: hard, numTestsPerEvictionRun } = this.options;
		const count = Math.min(numTestsPerEvictionRun, this.idle.length);

		for (let i = 0; i < count && this.idle.length > 0; i++) {
			const at = this.evictAt % this.idle.length;
			const age = now - this.idle[at].idleSince;

			if (soft > 0 && age > soft && this.available > this.min || hard > 0 && age > hard)
				this.remove(this.idle.splice(at, 1)[0]);
			else
				this.evictAt = at + 1;
		}
		this.step();
	}

	stop() {
		clearInterval(this.evictor);
		clearTimeout(this.retry);
		this.evictor = null;
		this.retry = null;
	}

	until(done) {
		return new Promise((resolve) => {
			this.settled.push({ done, resolve });
			this.step();
		});
	}

	/* As the promises of who made this pool. */
	promise(own) {
		const { Promise: Theirs } = this.options;

		return Theirs === Promise ? own : new Theirs((resolve, reject) => own.then(resolve, reject));
	}
}

function createPool(factory, options) {
	return new Pool(factory, options);
}

module.exports = { createPool, Pool, TimeoutError };
