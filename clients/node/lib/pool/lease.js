'use strict';
/*
 * A worker that this client has for a while: one use of the daemon's pool, a job of the
 * connection.  A message costs a STDIN frame and its answer an OUTPUT frame, so it is kept
 * as long as there is work for it.
 *
 * What an earlier use's late message left half written in the channel would be taken for
 * the beginning of this one's; so each use begins with a mark that nobody could have known,
 * which the worker sends back, and what comes before that is dropped.
 */
const { randomBytes } = require('crypto');
const wire = require('../wire.js');
const { signalName } = require('../handle.js');
const { KIND, boundOf, markFrame } = require('./channel.js');
const { PoolError, startError, endError, errorOfWorker } = require('./errors.js');

const { TYPE, EXIT } = wire;
const DIRECT_CHARACTERS_MAX = 16 << 10;
/* Before there is a worker the daemon would have to hold it. */
const EARLY_CHARACTERS_MAX = 2 << 10;
const MARK_BYTES = 16;
const CREDIT_BYTES = 1 << 20;
const DISCARD = 1;
const NO_FDS = [];
const ID_MAX = 0xf0000000;
/* The exit code of a worker and the end of its channel come one after the other. */
const GONE_MS = 1000;

const ASKED = 0;
const OPEN = 1;
const OVER = 2;

class Lease {
	constructor(pool, opening) {
		const { options } = pool;

		this.pool = pool;
		this.opening = opening;
		this.connection = opening.connection;
		this.channel = options.channel;
		this.stream = options.channelStream;
		this.reader = this.channel.reader((id, kind, bytes, start, end) => this.onFrame(id, kind, bytes, start, end));
		this.resource = null;
		this.outputAt = -1;
		this.started = false; /* these two: set by the connection, as they are read */
		this.pid = 0;
		this.id = 0;
		this.state = ASKED;
		this.failed = null; /* what FAILED said */
		this.exit = null; /* {exitCode, signalCode} */
		this.eof = false;
		this.timer = null;

		this.requests = new Map(); /* by id: those whose answer has not come, wanted or not */
		this.current = undefined; /* the one of them, where messages have no id */
		this.bound = null; /* who waits for this one and no other */
		this.holder = null; /* who has it for himself: a PoolWorker */
		this.slots = 0; /* messages whose answer has not come */
		this.runs = 0;
		this.usesBefore = 0;
		this.retiring = false;
		this.discarding = null; /* why its worker is not used again */
		this.openedAt = -1; /* these two: in turns of the pool's clock; -1: not yet */
		this.idleAt = 0;

		this.out = []; /* what waits for window */
		this.window = this.connection.inputWindowBytes;
		this.owed = 0;
		this.nextId = 0;
		this.mark = null;
		this.beforeMark = null;
	}

	/** Ask the daemon for it. @param {object} how  {priority, queueTimeout} */
	ask({ priority, queueTimeout }) {
		const request = { __proto__: null, pool: this.opening.id, credit: CREDIT_BYTES, priority, queueTimeout };

		this.id = this.connection.request(TYPE.SPAWN, request, this, NO_FDS);
		if (!this.channel.tags)
			return;
		const random = randomBytes(4 + MARK_BYTES);
		this.nextId = (random.readUInt32LE(0) >>> 1) + 1;
		this.mark = markFrame(this.nextId++, random.subarray(4));
		this.beforeMark = Buffer.alloc(0);
		this.window -= this.mark.length;
		this.connection.input(this.id, this.stream, this.mark);
	}

	get isOpen() {
		return this.state === OPEN;
	}

	get isOver() {
		return this.state === OVER;
	}

	/** Whether one more message may be sent to it. */
	takes(concurrency) {
		return this.state === OPEN && this.slots < concurrency && this.holder === null && !this.retiring;
	}

	/* ---- messages to it ------------------------------------------------------------------ */

	send(request) {
		const { body } = request;
		const id = this.nextId++;

		request.id = id;
		request.begin(this);
		this.requests.set(id, request);
		if (!this.channel.tags)
			this.current = request;
		this.count();
		this.write(id, body);
		request.body = null;
		if (this.state === OPEN)
			request.count();
	}

	/** A message whose answer goes to the holder, as an event. Returns its id. */
	sendOf(holder, body) {
		const id = this.nextId++;

		this.count();
		this.write(id, body);
		return id;
	}

	count() {
		this.slots++;
		this.runs++;
		const { maxUses } = this.pool.options;
		if (maxUses > 0 && this.usesBefore + this.runs >= maxUses || this.nextId > ID_MAX)
			this.retiring = true;
	}

	write(id, body) {
		const { connection, channel } = this;

		const most = this.state === ASKED ? EARLY_CHARACTERS_MAX : DIRECT_CHARACTERS_MAX;

		if (this.out.length > 0 || body.length > most || boundOf(body) > this.window) {
			channel.parts(id, KIND.REQUEST, body).forEach((bytes, part) => this.out.push({ id, part, bytes, begun: false }));
			this.feed();
			return;
		}
		const start = connection.beginInput(this.id, this.stream);
		const { writer } = connection;
		const before = writer.size;
		channel.write(writer, id, KIND.REQUEST, body);
		this.window -= writer.size - before;
		connection.endInput(start);
	}

	feed() {
		if (this.state !== OPEN)
			return;
		while (this.out.length > 0 && this.window > 0) {
			const one = this.out[0];
			const size = Math.min(one.bytes.length, this.window);

			one.begun = true;
			this.window -= size;
			this.connection.inputGiven(this.id, this.stream, one.bytes.subarray(0, size));
			if (size === one.bytes.length)
				this.out.shift();
			else
				one.bytes = one.bytes.subarray(size);
		}
	}

	/* Returns whether none of it was sent, and none will be. */
	unsend(id) {
		const at = this.out.findIndex((one) => one.id === id);

		if (at < 0 || this.out[at].part > 0 || this.out[at].begun)
			return false;
		this.out = this.out.filter((one) => one.id !== id);
		return true;
	}

	onInputWindow(stream, bytes) {
		this.window += bytes;
		this.feed();
	}

	/* ---- messages from it ----------------------------------------------------------------- */

	onOutput(stream, bytes) {
		if (stream !== this.stream || this.state === OVER)
			return;
		this.owe(bytes.length);
		const rest = this.mark === null ? bytes : this.findMark(bytes);
		if (rest === null)
			return;
		try {
			this.reader.push(rest);
		} catch (error) {
			this.breakOff(error);
		}
	}

	owe(size) {
		this.owed += size;
		if (this.owed < CREDIT_BYTES / 2)
			return;
		this.connection.send(TYPE.WINDOW, this.stream, this.id, this.owed);
		this.owed = 0;
	}

	/* What follows the mark; null: it has not come yet. */
	findMark(bytes) {
		const { mark } = this;
		const all = this.beforeMark.length > 0 ? Buffer.concat([this.beforeMark, bytes]) : bytes;
		const at = all.indexOf(mark);

		if (at < 0) {
			this.beforeMark = all.subarray(Math.max(0, all.length - mark.length + 1));
			return null;
		}
		this.pool.counts.droppedBytes += at;
		this.mark = null;
		this.beforeMark = null;
		return all.subarray(at + mark.length);
	}

	onFrame(id, kind, bytes, start, end) {
		const request = this.channel.tags ? this.requests.get(id) : this.current;

		if (this.state === OVER)
			return;
		if (request === undefined || kind > KIND.ERROR && this.channel.tags)
			this.onOther(id, kind, bytes, start, end);
		else
			this.answer(request, kind, bytes, start, end);
	}

	answer(request, kind, bytes, start, end) {
		this.requests.delete(request.id);
		this.current = undefined;
		this.slots--;
		if (request.settled) {
			request.forget();
			this.pool.counts.late++;
		} else {
			this.settle(request, kind, bytes, start, end);
		}
		if (this.state !== OVER)
			this.pool.freed(this);
	}

	settle(request, kind, bytes, start, end) {
		let value;

		try {
			value = kind === KIND.ERROR ? errorOfWorker(JSON.parse(bytes.toString('utf8', start, end))) :
				this.channel.decode(bytes, start, end);
		} catch (error) {
			request.fail(this.badMessage(error));
			this.breakOff(error);
			return;
		}
		if (kind === KIND.ERROR)
			request.fail(value);
		else
			request.succeed(value);
	}

	/* It is no answer to a request of this client. */
	onOther(id, kind, bytes, start, end) {
		const { holder } = this;

		if (holder === null || !holder.isFor(id, kind)) {
			this.pool.counts.late++;
			return;
		}
		if (kind === KIND.ANSWER || kind === KIND.ERROR || !this.channel.tags && this.slots > 0)
			this.slots -= holder.answered(id) ? 1 : 0;
		try {
			if (kind === KIND.ERROR)
				holder.tell('error', errorOfWorker(JSON.parse(bytes.toString('utf8', start, end))));
			else
				holder.tell('message', this.channel.decode(bytes, start, end));
		} catch (error) {
			this.breakOff(error);
		}
	}

	badMessage(error) {
		const { pid } = this;

		return new PoolError('ERR_POOL_BAD_MESSAGE', `worker ${pid} wrote what is no message: ${error.message}`, { pid });
	}

	/* What it writes makes no sense: nothing that it says from here on would. */
	breakOff(error) {
		this.failAll(this.badMessage(error));
		this.end(true, 'bad-message');
	}

	/* ---- requests that nobody waits for any more -------------------------------------------- */

	/** Its request was settled by something else than its answer, which may still come. */
	abandon(request) {
		if (this.state === OVER)
			return;
		if (this.state === ASKED) { /* it is that request's alone */
			this.endAsked();
		} else if (this.unsend(request.id)) {
			this.requests.delete(request.id);
			this.current = undefined;
			this.slots--;
			this.pool.freed(this);
		} else if (this.requests.has(request.id)) {
			request.linger();
			this.leaveIfDone();
		}
	}

	/** It answers one request no more, so it is believed to answer none. */
	hang() {
		if (this.state === OVER)
			return;
		this.failAll(new PoolError('ERR_POOL_WORKER_EXITED',
			`worker ${this.pid} was killed: it did not answer another request in time`,
			{ pid: this.pid, exitCode: null, signalCode: 'SIGKILL' }));
		this.end(true, 'timeout');
	}

	/**
	 * No more requests; it leaves when those that it has are over.
	 *
	 * @param {string|null} [cause]  why the worker is not used again; null: it is
	 */
	retire(cause = null) {
		this.retiring = true;
		this.discarding = this.discarding || cause;
		this.leaveIfDone();
	}

	leaveIfDone() {
		if (!this.retiring || this.holder !== null || this.state !== OPEN || this.slots > 0 && this.discarding === null)
			return;
		for (const request of this.requests.values())
			if (!request.settled)
				return;
		this.end(this.discarding !== null, this.discarding);
	}

	/* ---- its end -------------------------------------------------------------------------------- */

	/** Give it back. */
	release() {
		/* A message that is half sent, or half read, would be the next use's. */
		const half = this.out.length > 0 || !this.channel.tags && (this.slots > 0 || !this.reader.between);

		if (this.requests.size > 0)
			this.failAll(new PoolError('ERR_POOL_RELEASED', `worker ${this.pid} was given back before it had answered`, { pid: this.pid }));
		this.end(half || this.discarding !== null, this.discarding);
	}

	/**
	 * Before it is known to have a worker. One that the daemon has chosen by now owes an answer to what was sent, and nothing
	 * would say that it is not the next use's.
	 */
	endAsked() {
		this.end(!this.channel.tags && this.slots > 0 && this.out.length === 0, null);
	}

	/** @param {string|null} cause  why the worker itself is at its end */
	end(discard, cause) {
		if (this.state === OVER)
			return;
		this.connection.send(TYPE.RELEASE, discard ? DISCARD : 0, this.id, this.runs);
		this.leave(cause === null && discard ? 'discarded' : cause, { exitCode: null, signalCode: 'SIGKILL' });
	}

	leave(cause, exit) {
		const { holder } = this;

		this.state = OVER;
		clearTimeout(this.timer);
		if (this.requests.size > 0)
			this.failAll(new PoolError('ERR_POOL_WORKER_EXITED', `worker ${this.pid} was given up before it had answered`, { pid: this.pid, ...exit }));
		this.requests.forEach((request) => request.forget());
		this.requests.clear();
		this.out = [];
		if (holder !== null)
			holder.onGone(cause === null ? null : exit);
		this.pool.left(this, cause, exit);
	}

	failAll(error) {
		const requests = [...this.requests.values()];

		requests.forEach((request) => request.fail(error));
		if (this.bound !== null)
			this.bound.fail(error);
	}

	onStarted() {
		if (this.state !== ASKED)
			return;
		this.state = OPEN;
		this.feed();
		this.requests.forEach((request) => request.count());
		this.pool.started(this);
	}

	onFailed(stage, number, signal, named, retryMs) {
		this.failed = { stage, number, signal, named, retryMs };
	}

	onEof(stream) {
		if (stream !== this.stream)
			return;
		this.eof = true;
		this.onPartOfEnd();
	}

	onExit(kind, number) {
		this.exit = {
			exitCode: kind === EXIT.CODE ? number : null,
			signalCode: kind === EXIT.SIGNAL || kind === EXIT.CORE ? signalName(number) : null,
		};
		this.onPartOfEnd();
	}

	/* Answers may be left in the channel of a process that is gone, and somebody else may hold it open. */
	onPartOfEnd() {
		if (this.state === OVER)
			return;
		this.retiring = true;
		if (this.eof && this.exit !== null)
			this.die();
		else if (this.timer === null)
			this.timer = setTimeout(() => this.die(), GONE_MS);
	}

	onEnd(reason) {
		if (this.state === OVER)
			return;
		if (this.failed !== null)
			this.failStart(reason);
		else
			this.die();
	}

	failStart(reason) {
		const told = reason === wire.REASON.QUEUE_TIMEOUT || reason === wire.REASON.KILLED;
		const error = this.pool.refused || (told ? endError(reason) : startError(this.pool.what, this.failed));
		const someone = this.bound !== null || this.requests.size > 0;

		this.state = OVER;
		this.failAll(error);
		this.pool.notStarted(this, error, someone);
	}

	die() {
		const { exit } = this;
		const how = exit === null ? 'closed its channel' :
			exit.signalCode !== null ? `was ended by ${exit.signalCode}` :
				exit.exitCode !== null ? `exited with code ${exit.exitCode}` : 'is gone';

		if (this.state === OVER)
			return;
		const code = this.pool.isClosed ? 'ERR_POOL_CLOSED' : 'ERR_POOL_WORKER_EXITED';
		this.failAll(new PoolError(code, `worker ${this.pid} ${how}`,
			{ pid: this.pid, exitCode: null, signalCode: null, ...exit }));
		if (exit === null)
			this.end(true, 'crashed');
		else
			this.leave('crashed', exit);
	}

	onLost(error) {
		if (this.state === OVER)
			return;
		this.failAll(new PoolError('ERR_POOL_LOST', `the daemon was lost: ${error.message}`, { cause: error }));
		this.leave('lost', { exitCode: null, signalCode: null });
	}
}

module.exports = { Lease };
