'use strict';
/*
 * Who waits for a worker, and which workers this client has: requests are sent on to the
 * leases (lease.js) that there are, and more of these are asked for as long as there may be.
 */
const fs = require('fs');
const { EventEmitter } = require('events');
const { Lease } = require('./lease.js');
const { Waiting } = require('./waiting.js');
const { PoolWorker, emit } = require('./worker.js');
const { PoolError } = require('./errors.js');
const { choosers } = require('./choose.js');

const TURN_MS = 25; /* of the clock that leases are looked after by */
const IDLE_TURNS = 2; /* one without work is kept for two of them */
const HELD_TURNS = 40; /* the daemon looks at a worker's age, memory and health when nobody has it */
const SINGLE_MAX = 256; /* uses of one message each that the daemon is asked for at a time */

class Schedule extends EventEmitter {
	/**
	 * Its owner says isUp, whether more may be asked for, and has `opening`: the pool in the daemon.
	 *
	 * @param {object} options  of options.js
	 */
	constructor(options) {
		super();
		this.options = options;
		this.choose = options.kind === 'worker' ? choosers[options.strategy] : null;
		this.last = 0; /* the chooser's */
		this.opening = null;
		this.defaults = { timeout: options.runTimeout, signal: undefined, priority: 0 };
		this.leases = [];
		this.asked = 0; /* of them: not there yet */
		this.waiting = new Waiting();
		this.hadToWait = false;
		this.pending = 0; /* requests, and workers that somebody has */
		this.holding = null; /* the connection that keeps the program alive for them */
		this.idlers = []; /* who waits until there is none */
		this.workers = new Map(); /* by pid: uses, of those that were leased */
		this.turn = 0;
		this.clock = null;
		this.counts = { requests: 0, answers: 0, failures: 0, late: 0, droppedBytes: 0 };
	}

	/* ---- requests ---------------------------------------------------------------------------- */

	enter(request) {
		const promise = request.promised();

		this.counts.requests++;
		this.begun();
		if (this.options.single) {
			this.enterSingle(request);
			return promise;
		}
		const lease = this.waiting.size > 0 ? null : this.leaseFor(request);
		if (lease === null)
			this.line(request);
		else
			this.serve(request, lease);
		return promise;
	}

	/* Null: it has to wait. */
	leaseFor(request) {
		return this.choose(this, request.body === null ? 1 : this.options.concurrency);
	}

	serve(request, lease) {
		if (request.body === null) {
			this.lend(lease, request);
			return;
		}
		lease.send(request);
		if (lease.slots > 1 && this.asked === 0 && this.leases.length < this.options.max)
			this.ask();
	}

	/* It is somebody's alone from here on. */
	lend(lease, request) {
		request.begin(lease);
		lease.holder = new PoolWorker(this, lease);
		this.begun();
		request.succeed(lease.holder);
	}

	/** Of a PoolWorker: it is not had any more. */
	returned() {
		this.over();
	}

	line(request) {
		if (this.waiting.size >= this.options.queueLimit) {
			request.fail(new PoolError('ERR_POOL_BUSY', `the pool is busy: ${this.waiting.size} requests wait`));
			return;
		}
		this.hadToWait = true;
		this.waiting.push(request);
		request.wait(this.options.acquireTimeout);
		if (!this.options.single)
			this.askForMore();
	}

	/* Its own use, which has its place in the daemon's line. */
	enterSingle(request) {
		if (this.leases.length >= SINGLE_MAX)
			this.line(request);
		else
			this.bind(request);
	}

	bind(request) {
		const lease = this.ask({ priority: request.priority, queueTimeout: this.options.acquireTimeout });

		request.begin(lease);
		if (request.body === null)
			lease.bound = request;
		else
			lease.send(request);
	}

	/** Of a request: it is settled. */
	settled(request) {
		if (request.waits)
			this.waiting.left();
		this.over();
	}

	/* ---- leases -------------------------------------------------------------------------------- */

	ask(how = this.defaults) {
		const lease = new Lease(this, this.opening);

		this.leases.push(lease);
		this.asked++;
		lease.ask(how);
		return lease;
	}

	/* For those that wait, as many as there may be. */
	askForMore() {
		const { concurrency, max } = this.options;
		const wanted = Math.ceil(this.waiting.size / concurrency) - this.asked;
		const room = max - this.leases.length;

		for (let n = Math.min(wanted, room); n > 0; n--)
			this.ask();
	}

	/** Those that wait have their turn. */
	next() {
		if (!this.isUp)
			return;
		if (this.options.single) {
			while (this.leases.length < SINGLE_MAX && this.waiting.first() !== undefined)
				this.bind(this.waiting.shift());
		} else {
			this.serveLine();
			if (this.waiting.size > 0)
				this.askForMore();
		}
		if (this.hadToWait && this.waiting.size === 0) {
			this.hadToWait = false;
			this.tell('drain');
		}
	}

	serveLine() {
		for (let one = this.waiting.first(); one !== undefined; one = this.waiting.first()) {
			const lease = this.leaseFor(one);

			if (lease === null)
				return;
			this.waiting.shift();
			this.serve(one, lease);
		}
	}

	/** Of a lease: it has its worker. */
	started(lease) {
		const { pid } = lease;

		this.asked--;
		lease.openedAt = this.turn;
		lease.idleAt = this.turn;
		if (!this.workers.has(pid))
			this.tell('worker', { pid });
		lease.usesBefore = this.workers.get(pid) || 0;
		this.keepUses(pid, lease.usesBefore);
		if (this.clock === null)
			this.windUp();
		if (lease.bound !== null)
			this.lendBound(lease);
		else if (!this.options.single)
			this.freed(lease);
	}

	lendBound(lease) {
		const { bound } = lease;

		lease.bound = null;
		this.lend(lease, bound);
	}

	/* Those that ended when nobody had them are not told of: what is oldest is forgotten. */
	keepUses(pid, uses) {
		this.workers.delete(pid);
		this.workers.set(pid, uses);
		if (this.workers.size > 4 * this.options.max + 64)
			this.workers.delete(this.workers.keys().next().value);
	}

	/** Of a lease: it has an answer less to give. */
	freed(lease) {
		if (lease.retiring)
			lease.leaveIfDone();
		else if (lease.holder !== null)
			return;
		else if (this.options.single)
			lease.release();
		else if (this.waiting.size > 0)
			this.next();
		lease.idleAt = this.turn;
	}

	/** Of a lease: it was given back (cause null), or its worker is at its end. */
	left(lease, cause, exit) {
		const { pid } = lease;
		const uses = lease.usesBefore + Math.max(lease.runs, 1);
		const { maxUses, reset } = this.options;
		const why = lease.openedAt < 0 ? null : cause !== null ? cause :
			reset === 'replace' ? 'replaced' : maxUses > 0 && uses >= maxUses ? 'max-uses' : null;

		this.remove(lease);
		if (why !== null && why !== 'lost')
			this.tell('exit', { pid, cause: why, ...(cause === null ? { exitCode: null, signalCode: null } : exit) });
		if (why !== null)
			this.workers.delete(pid);
		else if (lease.openedAt >= 0)
			this.keepUses(pid, uses);
		this.next();
	}

	/**
	 * Of a lease: no worker could be started. Somebody hears of it, for nobody waits for ever; but that it waited too long
	 * is said of who asked for it, and those in line have clocks of their own.
	 */
	notStarted(lease, error, heard) {
		this.remove(lease);
		if (!heard && error.code !== 'ERR_POOL_ACQUIRE_TIMEOUT')
			this.tellFirst(error);
		this.next();
	}

	tellFirst(error) {
		const first = this.waiting.shift();

		if (first !== undefined)
			first.fail(error);
		else if (this.listenerCount('error') > 0)
			this.tell('error', error);
	}

	remove(lease) {
		this.leases.splice(this.leases.indexOf(lease), 1);
		if (lease.openedAt < 0)
			this.asked--;
	}

	/* ---- its clock ------------------------------------------------------------------------------ */

	windUp() {
		this.clock = setTimeout(onTurn, TURN_MS, this);
		this.clock.unref();
	}

	/* Leases without work go back, and those that the daemon wants to look at. */
	onTurn() {
		const { maxAge, maxRss, pingBytes } = this.options;
		const looked = maxAge > 0 || maxRss > 0 || pingBytes !== undefined;

		this.clock = null;
		this.turn++;
		for (const lease of [...this.leases]) {
			if (!lease.isOpen || lease.holder !== null)
				continue;
			if (lease.slots === 0 && this.turn - lease.idleAt >= IDLE_TURNS)
				lease.release();
			else if (looked && this.turn - lease.openedAt >= HELD_TURNS)
				lease.retire(isAbove(lease.pid, maxRss) ? 'max-rss' : null);
		}
		if (this.leases.length > 0)
			this.windUp();
	}

	/* ---- what keeps the program alive ---------------------------------------------------------- */

	/* A process that stands by does so itself: its user may unref() it. */
	begun() {
		if (this.pending++ === 0 && this.options.kind === 'worker')
			this.holdBy(this.opening.connection);
	}

	holdBy(connection) {
		if (this.holding !== null)
			this.holding.release();
		this.holding = connection;
		connection.hold();
	}

	over() {
		if (--this.pending > 0)
			return;
		if (this.holding !== null)
			this.holding.release();
		this.holding = null;
		this.idlers.splice(0).forEach((resolve) => resolve());
	}

	/** In a turn of its own: a listener that throws is nobody else's trouble. */
	tell(name, ...values) {
		process.nextTick(emit, this, name, values);
	}
}

/* The daemon looks at who is idle, which one that has always work hardly is. */
function isAbove(pid, bytes) {
	if (bytes === 0)
		return false;
	try {
		return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) > bytes;
	} catch {
		return false; /* it is not seen from here */
	}
}

function onTurn(pool) {
	pool.onTurn();
}

module.exports = { Schedule };
