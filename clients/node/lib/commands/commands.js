'use strict';
/*
 * Commands that workers of a pool run: a worker has one at a time, and its caller has an object
 * with the shape of a ChildProcess.  What is said is in worker.js.
 */
const path = require('path');
const { EventEmitter } = require('events');
const { CommandInput, CommandOutput, WINDOW_BYTES } = require('./streams.js');

const WORKER = path.join(__dirname, 'worker.js');
const DRAIN_MS = 1000;
const STREAMS = ['stdout', 'stderr'];
const OPTIONS = ['cwd', 'env', 'argv0', 'shell', 'uid', 'gid', 'detached', 'timeout', 'killSignal'];

let lastId = 0;

function wrong(name, value, wanted) {
	return Object.assign(new TypeError(`${name} has to be ${wanted}; it is ${typeof value === 'string' ? `'${value}'` : String(value)}`),
		{ code: 'ERR_INVALID_ARG_VALUE' });
}

/* As three words. */
function stdioOf(stdio = 'pipe') {
	const three = Array.isArray(stdio) ? [0, 1, 2].map((i) => stdio[i] === undefined ? 'pipe' : stdio[i]) : [stdio, stdio, stdio];

	if (Array.isArray(stdio) && stdio.length > 3 || three.some((one) => one !== 'pipe' && one !== 'ignore'))
		throw wrong('options.stdio', stdio, "'pipe', 'ignore', or an array of three of them");
	return three;
}

class Command extends EventEmitter {
	constructor(commands, file, args, options) {
		super();
		this.commands = commands;
		this.id = ++lastId;
		this.pid = undefined;
		this.connected = false;
		this.killed = false;
		this.exitCode = null;
		this.signalCode = null;
		this.spawnfile = file;
		this.spawnargs = [options.argv0 === undefined ? file : options.argv0, ...args];
		this.worker = null;
		this.over = false;
		this.asked = []; /* before there is a worker */
		this.makeStreams(stdioOf(options.stdio));
		this.follow(options.signal);
		this.request = { do: 'spawn', file, args, drainMs: commands.drainMs, windowBytes: WINDOW_BYTES,
			options: { ...pick(options), stdio: stdioOf(options.stdio) } };
		commands.pool.acquire({ priority: options.priority, signal: options.signal })
			.then((worker) => this.begin(worker), (error) => this.fail(error));
	}

	makeStreams(kinds) {
		const ask = (message) => this.ask(message);

		this.stdin = kinds[0] === 'pipe' ? new CommandInput(ask) : null;
		this.stdout = kinds[1] === 'pipe' ? new CommandOutput('stdout', ask) : null;
		this.stderr = kinds[2] === 'pipe' ? new CommandOutput('stderr', ask) : null;
		this.stdio = [this.stdin, this.stdout, this.stderr];
	}

	follow(signal) {
		if (signal === undefined)
			return;
		const abort = () => {
			if (this.worker !== null && this.kill())
				this.emit('error', Object.assign(new Error('The operation was aborted'),
					{ name: 'AbortError', code: 'ABORT_ERR', cause: signal.reason }));
		};

		signal.addEventListener('abort', abort, { once: true });
		this.once('exit', () => signal.removeEventListener('abort', abort));
	}

	ask(message) {
		if (this.over)
			this.onAnswerTo(message);
		else if (this.worker === null)
			this.asked.push(message);
		else if (this.worker.connected) /* or its 'exit' is on its way, and ends what is not answered */
			this.worker.send({ id: this.id, ...message });
	}

	/* Nobody is there who would. */
	onAnswerTo(message) {
		if (message.do === 'stdin')
			process.nextTick(() => this.stdin.written({ code: 'EPIPE', message: 'write EPIPE' }));
	}

	begin(worker) {
		if (!worker.connected) { /* its 'exit' may have been told already */
			this.fail(goneError(worker.pid, this.spawnfile, worker.signalCode || worker.exitCode));
			return;
		}
		this.worker = worker;
		this.onMessage = (message) => this.told(message);
		this.onGone = (code, signal) => this.fail(goneError(worker.pid, this.spawnfile, signal || code));
		this.onError = (error) => this.fail(error);
		worker.on('message', this.onMessage);
		worker.on('exit', this.onGone);
		worker.on('error', this.onError);
		worker.send({ id: this.id, ...this.request });
		this.asked.splice(0).forEach((message) => this.ask(message));
	}

	/**
	 * @returns {boolean} whether it was still to be killed
	 */
	kill(signal = 'SIGTERM') {
		if (this.over || this.exitCode !== null || this.signalCode !== null)
			return false;
		this.killed = signal !== 0;
		this.ask({ do: 'kill', signal });
		return true;
	}

	/* Nobody waits for a worker on this one's account: the pool does. */
	ref() {}

	unref() {}

	/* ---- what the worker says ---- */

	told(message) {
		if (message.id !== this.id) {
			this.commands.drop(message);
			return;
		}
		for (const name of STREAMS)
			if (message[name] !== undefined)
				this[name].take(Buffer.from(message[name].buffer, message[name].byteOffset, message[name].length));
		if (message.spawned !== undefined) {
			this.pid = message.spawned;
			this.spawnfile = message.file; /* a shell may be between */
			this.spawnargs = message.args;
			this.emit('spawn');
		} else if (message.written !== undefined) {
			this.stdin.written(message.written);
		} else if (message.ended !== undefined) {
			this.onStreamEnd(this[message.ended]);
		} else if (message.error !== undefined) {
			this.onErrorOfCommand(message.error, message.started);
		} else if (message.exited !== undefined) {
			this.onExit(message.exited, message.killed);
		} else if (message.over) {
			this.commands.droppedBytes += message.dropped;
			this.finish();
		}
	}

	onStreamEnd(stream) {
		stream.ended = true;
		stream.push(null);
	}

	onErrorOfCommand({ message, ...details }, started) {
		if (!started) /* as the runtime: the error's number is its exit code */
			this.exitCode = details.errno;
		this.emit('error', Object.assign(new Error(message), details));
	}

	onExit({ code, signal }, killed) {
		this.killed = this.killed || killed; /* when its time was over */
		this.exitCode = code;
		this.signalCode = signal;
		if (this.stdin)
			this.stdin.destroy();
		this.emit('exit', code, signal);
		process.nextTick(() => this.flush());
	}

	/* What nobody has asked for is not waited for. */
	flush() {
		for (const stream of [this.stdout, this.stderr])
			if (stream && stream.readableFlowing === null && stream.listenerCount('readable') === 0)
				stream.resume();
	}

	fail(error) {
		if (this.over)
			return;
		this.emit('error', error);
		this.finish();
	}

	/* 'close' comes when all that came was read. */
	finish() {
		const open = STREAMS.map((name) => this[name]).filter((stream) => stream && !stream.closed);
		let left = open.length;
		const closed = () => {
			if (left-- === 0)
				this.emit('close', this.exitCode, this.signalCode);
		};

		this.over = true;
		this.giveBack();
		if (this.stdin) {
			this.stdin.destroy();
			if (this.stdin.done)
				this.stdin.written(true);
		}
		for (const stream of open) {
			stream.once('close', closed);
			if (!stream.ended)
				stream.push(null);
		}
		process.nextTick(() => {
			this.flush();
			closed();
		});
	}

	giveBack() {
		const { worker } = this;

		if (worker === null)
			return;
		worker.removeListener('message', this.onMessage);
		worker.removeListener('exit', this.onGone);
		worker.removeListener('error', this.onError);
		worker.on('error', () => {});
		worker.release();
	}
}

function goneError(pid, file, how) {
	return Object.assign(new Error(`worker ${pid} ended with ${how} while it ran ${file}`), { code: 'ERR_POOL_WORKER_EXITED' });
}

function pick(options) {
	const picked = {};

	for (const name of OPTIONS)
		if (options[name] !== undefined)
			picked[name] = options[name];
	if (picked.cwd instanceof URL)
		picked.cwd = require('url').fileURLToPath(picked.cwd);
	return picked;
}

class Commands {
	/**
	 * @param {object} pool  of createPool(), whose script is WORKER and whose serialization is 'advanced'
	 * @param {object} [options]  drain: ms that streams may stay open after an exit
	 */
	constructor(pool, { drain = DRAIN_MS } = {}) {
		if (!(drain > 0 && drain <= 0x7fffffff))
			throw wrong('options.drain', drain, 'a number of milliseconds above 0');
		this.pool = pool;
		this.drainMs = drain;
		this.droppedBytes = 0;
	}

	/** As child_process.spawn(); stdio of pipes or nothing, and `priority`. */
	spawn(file, args, options) {
		if (!Array.isArray(args))
			[args, options] = [[], args];
		if (typeof file !== 'string' || file === '')
			throw wrong('file', file, 'a string that is not empty');
		return new Command(this, file, args.map(String), options || {});
	}

	/* Of a command that is over. */
	drop(message) {
		for (const name of STREAMS)
			if (message[name] !== undefined)
				this.droppedBytes += message[name].length;
	}

	/** The pool's numbers; droppedBytes: what came from commands after they were over. */
	async stats() {
		return { ...await this.pool.stats(), droppedBytes: this.droppedBytes };
	}

	drain() {
		return this.pool.drain();
	}

	close(...args) {
		return this.pool.close(...args);
	}
}

/** @param {object} [options]  of createPool(), without a script; and `drain` */
function createCommands({ drain, ...options } = {}) {
	const { createPool } = require('../../index.cjs');

	return new Commands(createPool({ ...options, script: WORKER, serialization: 'advanced' }), { drain });
}

module.exports = { createCommands, Commands, WORKER };
