'use strict';
/*
 * Loaded before the program of a pool's worker (node --require, bun --preload): gives it what
 * fork() would have given it, process.send() and 'message', over the pool's channel, whose
 * requests are answered in any order.
 *
 * What is sent belongs to the request whose 'message' it was sent from, however much later: the
 * context of a call says which that is.  So an answer that comes too late is told apart from
 * that of the next request.
 */
const path = require('path');
const fs = require('fs');
const { AsyncLocalStorage } = require('async_hooks');
const { isMainThread } = require('worker_threads');

const CHANNEL = 'URINGSPAWN_POOL_CHANNEL';
const SERIALIZATION = 'URINGSPAWN_POOL_SERIALIZATION';
/* As many bytes may wait to be read until send() returns false; the runtime's own number. */
const QUEUED_MAX_BYTES = 128 << 10;

const asNodeDoes = (Type, code, message) => Object.assign(new Type(message), { code });

/* Processes that this one forks are not the pool's: they are started without this file. */
function forgetPreload() {
	const { execArgv } = process;
	const isThis = (name) => {
		try {
			return path.basename(name) === path.basename(__filename) && fs.realpathSync(name) === fs.realpathSync(__filename);
		} catch {
			return false;
		}
	};

	for (let i = execArgv.length - 1; i >= 0; i--) {
		const [, joined] = /^(?:--require|--preload|--import)=(.*)$/s.exec(execArgv[i]) || [];

		if (joined !== undefined && isThis(joined))
			execArgv.splice(i, 1);
		else if (/^(?:-r|--require|--preload|--import)$/.test(execArgv[i]) && isThis(String(execArgv[i + 1])))
			execArgv.splice(i, 2);
	}
}

/** A request, as long as something of its context runs. */
class Request {
	constructor(id) {
		this.id = id;
		this.answered = false;
	}
}

class Worker {
	constructor(fd, serialization) {
		const { Channel, KIND } = require('./worker_channel.js');

		this.KIND = KIND;
		this.codec = serialization === 'advanced' ? require('./worker_advanced.js') : null;
		this.context = new AsyncLocalStorage();
		this.connected = true;
		this.listeners = 0;
		this.refs = 0;
		this.refSet = false; /* by the program itself */
		this.isReady = false;
		this.waiting = []; /* messages that nobody has listened for yet */
		this.channel = new Channel(fd, (kind, id, bytes, start, end) => this.onFrame(kind, id, bytes, start, end),
			() => this.onEnd());
		this.call = this.call.bind(this);
		this.install();
		this.watch();
	}

	/* ---- what the program sees ---- */

	install() {
		const { channel } = this;
		const set = (ref) => {
			this.refSet = true;
			if (this.connected)
				channel.socket.setRef(ref);
		};
		const control = { ref: () => set(true), unref: () => set(false), get fd() {
			return channel.fd;
		} };
		const define = (name, property) =>
			Object.defineProperty(process, name, { configurable: true, enumerable: true, ...property });

		define('send', { writable: true, value: (...args) => this.send(...args) });
		define('disconnect', { writable: true, value: () => this.disconnect() });
		define('connected', { get: () => this.connected });
		define('channel', { get: () => this.connected ? control : undefined });
	}

	watch() {
		process.on('newListener', (event) => {
			if (event === 'message')
				this.onListener();
			if ((event === 'message' || event === 'disconnect') && ++this.refs === 1 && !this.refSet && this.connected)
				this.channel.socket.setRef(true);
		});
		process.on('removeListener', (event) => {
			if ((event === 'message' || event === 'disconnect') && --this.refs === 0 && !this.refSet && this.connected)
				this.channel.socket.setRef(false);
		});
		/* There is no turn after this one. */
		process.on('exit', () => {
			this.channel.flush();
			this.channel.atOnce = true;
		});
		process.on('uncaughtExceptionMonitor', (error) => {
			const request = this.context.getStore();

			if (request && !request.answered && process.listenerCount('uncaughtException') === 0)
				this.fail(request, error);
		});
	}

	onListener() {
		if (!this.isReady) {
			this.isReady = true;
			/* The program goes on to the end of its main module first. */
			setImmediate(() => this.connected && this.channel.ready());
		}
		if (this.waiting.length > 0)
			process.nextTick(() => this.waiting.splice(0).forEach(([kind, id, message]) => this.deliver(kind, id, message)));
	}

	send(message, handle, options, callback) {
		if (typeof handle === 'function')
			[callback, handle] = [handle, undefined];
		else if (typeof options === 'function')
			callback = options;
		if (message === undefined)
			throw asNodeDoes(TypeError, 'ERR_MISSING_ARGS', 'The "message" argument must be specified');
		if (!this.connected)
			return this.closed(callback);
		if (handle !== undefined && handle !== null)
			throw asNodeDoes(TypeError, 'ERR_INVALID_HANDLE_TYPE', 'A handle cannot be sent to a pool');
		this.write(message, callback);
		return this.channel.queued < QUEUED_MAX_BYTES;
	}

	closed(callback) {
		const error = asNodeDoes(Error, 'ERR_IPC_CHANNEL_CLOSED', 'Channel closed');

		if (typeof callback === 'function')
			process.nextTick(callback, error);
		else
			process.nextTick(() => process.emit('error', error));
		return false;
	}

	write(message, callback) {
		const { KIND } = this;
		const request = this.context.getStore();
		/* What cannot be sent throws here, and was no answer. */
		const payload = this.codec ? this.codec.encode(message) : textOf(message);
		let kind = KIND.FREE, id = 0;

		if (request) {
			({ id } = request);
			kind = request.answered ? KIND.MORE : KIND.ANSWER;
			request.answered = true;
		}
		const told = typeof callback === 'function' ? (error) => this.context.run(request, callback, error) : undefined;

		if (this.codec)
			this.channel.writeBytes(kind, id, payload, told);
		else
			this.channel.writeText(kind, id, payload, told);
	}

	disconnect() {
		if (!this.connected) {
			process.emit('error', asNodeDoes(Error, 'ERR_IPC_DISCONNECTED', 'IPC channel is already disconnected'));
			return;
		}
		this.connected = false;
		this.channel.end();
		process.nextTick(() => process.emit('disconnect'));
	}

	onEnd() {
		if (!this.connected)
			return;
		this.connected = false;
		process.emit('disconnect');
	}

	/* ---- requests ---- */

	onFrame(kind, id, bytes, start, end) {
		if (kind === this.KIND.SYNC) {
			this.channel.echo(kind, id, bytes.subarray(start, end));
			return;
		}
		this.deliver(kind, id, this.codec ? this.codec.decode(bytes, start, end) :
			JSON.parse(bytes.toString('utf8', start, end)));
	}

	deliver(kind, id, message) {
		if (process.listenerCount('message') === 0)
			this.waiting.push([kind, id, message]);
		else
			this.context.run(kind === this.KIND.REQUEST ? new Request(id) : null, this.call, message);
	}

	/* Not by process.emit(): what a listener throws or rejects with is its request's. */
	call(message) {
		const request = this.context.getStore();

		for (const listener of process.rawListeners('message')) {
			try {
				const ret = Reflect.apply(listener, process, [message, undefined]);

				if (request && ret instanceof Promise)
					ret.catch((error) => this.fail(request, error));
			} catch (error) {
				if (!request)
					process.nextTick(() => {
						throw error;
					});
				else
					this.fail(request, error);
				return;
			}
		}
	}

	fail(request, error) {
		if (!this.connected)
			return;
		request.answered = true;
		this.channel.writeText(this.KIND.ERROR, request.id, JSON.stringify(told(error)));
	}
}

function textOf(message) {
	const text = typeof message === 'function' || typeof message === 'symbol' ? undefined : JSON.stringify(message);

	if (text === undefined)
		throw asNodeDoes(TypeError, 'ERR_INVALID_ARG_TYPE',
			`The "message" argument must be one of type string, object, number, or boolean. Received ${typeof message}`);
	return text;
}

/* An error as the pool is told of it. */
function told(error) {
	if (error === null || typeof error !== 'object' || !('message' in error))
		return { name: 'Error', message: `thrown: ${String(error)}` };
	const { name, message, stack, code } = error;
	const text = (value) => value === undefined ? undefined : String(value);

	return { name: text(name), message: text(message), stack: text(stack),
		code: typeof code === 'number' ? code : text(code) };
}

function main() {
	const { [CHANNEL]: channel, [SERIALIZATION]: serialization } = process.env;

	if (channel === undefined || !isMainThread)
		return;
	delete process.env[CHANNEL];
	delete process.env[SERIALIZATION];
	forgetPreload();
	new Worker(Number(channel), serialization);
}

main();
