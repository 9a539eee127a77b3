'use strict';
/*
 * spawnSync(), execSync() and execFileSync() without a fork in this process.
 *
 * The runtime's own functions check and complete what they are given, call spawn() of one of
 * its bindings, and make of its answer what they return or throw.  That one call is
 * replaced.  A runtime that does not show the binding keeps its own.
 */
const os = require('os');
const daemon = require('./daemon.js');
const wire = require('./wire.js');
const { requestOf, pairsOf, completeEnvironment, counts } = require('./spawn.js');
const { signalName, isForShell, byShell } = require('./handle.js');
const { descriptorsOf } = require('./stdio.js');
const { makeBlocking } = require('./transport_addon.js');

const { TYPE, EXIT, STDIO } = wire;
const { errno } = os.constants;

/* What ends the wait for a program, beside its end. */
const NO_ERROR = 0;
const CLOSE_MS = 20; /* after the signal */
const READ_BYTES = 64 << 10; /* at once, by the runtime, which keeps all of the read that is too much */
const UNREAD_AT = 24; /* in the payload of END: bytes of stdin that were not taken */

/* Of a Buffer, and of each other view. */
function bytesOf(view) {
	return view ? Buffer.from(view.buffer, view.byteOffset, view.byteLength) : null;
}

/* What the runtime has read when it has seen more than `bytes`. */
function readBytes(bytes) {
	return (Math.floor(bytes / READ_BYTES) + 1) * READ_BYTES;
}

class SyncJob {
	constructor(connection, options, plan) {
		this.immediate = true; /* told as it is read */
		this.connection = connection;
		this.options = options;
		this.id = 0;
		this.pid = 0;
		this.error = NO_ERROR;
		this.status = null;
		this.signal = null;
		this.exited = false;
		this.over = false;
		this.bytes = 0;
		this.closeAt = Infinity;
		this.output = plan.map((one) => one.slot === 'out' ? [] : null);
		this.owed = plan.map(() => 0);
		this.window = connection.inputWindowBytes;
		this.hasInput = plan[0].slot === 'in';
		this.input = this.hasInput ? bytesOf(options.stdio[0].input) : null;
	}

	/* ---- told by the connection ------------------------------------------------ */

	onStarted(pid) {
		this.pid = pid;
	}

	onFailed(stage, number, signal) {
		this.failedAt = stage;
		if (signal > 0)
			this.signal = signalName(signal);
		else
			this.error = -(number || errno.ECHILD);
	}

	onOutput(stream, bytes) {
		const { maxBuffer } = this.options;

		if (this.error !== NO_ERROR)
			return; /* as when its streams are closed, which they soon are */
		if (maxBuffer > 0 && this.bytes + bytes.length > maxBuffer)
			this.output[stream].push(bytes.subarray(0, readBytes(maxBuffer - this.bytes)));
		else
			this.output[stream].push(bytes);
		this.bytes += bytes.length;
		this.owed[stream] += bytes.length;
		if (this.owed[stream] >= this.connection.windowBytes / 2) {
			this.connection.send(TYPE.WINDOW, stream, this.id, this.owed[stream]);
			this.owed[stream] = 0;
		}
		if (maxBuffer > 0 && this.bytes > maxBuffer)
			this.kill(-errno.ENOBUFS);
	}

	onEof() {}

	onExit(kind, number) {
		this.exited = true;
		if (kind === EXIT.CODE)
			this.status = number;
		else if (kind === EXIT.LOST)
			this.error = this.error || -errno.ECHILD;
		else
			this.signal = signalName(number);
		/* Who was killed for what it wrote is not read to the end. */
		this.over = this.over || this.error !== NO_ERROR;
	}

	/* The runtime says so, too, when not all of the input was taken. */
	onEnd(reason, payload) {
		if (payload.readBigUInt64LE(UNREAD_AT) > 0 || (this.input && this.input.length > 0))
			this.error = this.error || -errno.EPIPE;
		this.over = true;
	}

	onInputWindow(stream, bytes, broken) {
		this.window += bytes;
		if (!broken)
			this.feed();
	}

	/* ---- what it does ------------------------------------------------------------ */

	start(request, fds) {
		this.id = this.connection.request(TYPE.RUN, request, this, fds);
		if (this.hasInput)
			this.feed();
	}

	feed() {
		const { input } = this;
		const size = input ? Math.min(input.length, this.window) : 0;

		if (size > 0) {
			this.connection.input(this.id, 0, input.subarray(0, size));
			this.window -= size;
			this.input = input.subarray(size);
		}
		if (this.hasInput && (!this.input || this.input.length === 0)) {
			this.hasInput = false;
			this.connection.send(TYPE.STDIN_EOF, 0, this.id, 0);
		}
	}

	/* By the signal; if it goes on all the same, it finds that nobody reads. */
	kill(error) {
		this.error = error;
		this.closeAt = performance.now() + CLOSE_MS;
		this.connection.send(TYPE.SIGNAL, wire.SIGNAL_PROCESS, this.id,
			this.options.killSignal || os.constants.signals.SIGTERM);
		this.over = this.exited;
	}

	close() {
		this.closeAt = Infinity;
		this.output.forEach((chunks, stream) =>
			chunks && this.connection.send(TYPE.CLOSE, stream, this.id, 0));
	}

	wait() {
		const { connection } = this;
		const { transport } = connection;
		const { timeout } = this.options;
		const until = timeout > 0 ? performance.now() + timeout : Infinity;

		while (!this.over && connection.alive) {
			connection.flush();
			transport.drain();
			if (transport.pump())
				continue;
			const now = performance.now();
			if (now >= until && this.error === NO_ERROR)
				this.kill(-errno.ETIMEDOUT);
			else if (now >= this.closeAt)
				this.close();
			else
				transport.wait(Math.min(this.error === NO_ERROR ? until : Infinity, this.closeAt) - now);
		}
		if (!this.over)
			this.error = this.error || -errno.ECONNRESET;
		connection.deliverSoon();
	}

	/* In the form that the runtime's binding answers in. */
	result() {
		const { pid, error, signal } = this;

		if (pid === 0 && error !== NO_ERROR)
			return { error, status: null, signal: null, output: null, pid: 0 };
		const output = this.output.map((chunks) => chunks && Buffer.concat(chunks));
		const result = { status: this.status, signal, output, pid };
		return error === NO_ERROR ? result : { error, ...result };
	}
}

/* As stdio.js makes them; null: the runtime has to do it. */
function planOf(stdio, descriptors) {
	const plan = [];

	for (let i = 0; i < stdio.length; i++) {
		const one = stdio[i];

		if (one.type === 'ignore')
			plan.push({ kind: i < 3 ? STDIO.NULL : STDIO.NONE, slot: null });
		else if ((one.type === 'pipe' || one.type === 'overlapped') && i < 3)
			plan.push({ kind: STDIO.PIPE, slot: i === 0 ? 'in' : 'out' });
		else if ((one.type === 'inherit' || one.type === 'fd') && descriptors)
			plan.push({ kind: STDIO.FD, slot: null, fd: one.type === 'fd' ? one.fd : i });
		else
			return null;
	}
	return plan;
}

/* Null: the runtime has to do it. */
function run(options) {
	const connection = daemon.get();
	const plan = connection && planOf(options.stdio, connection.transport.passesDescriptors);
	const fds = plan && descriptorsOf(plan);
	const request = fds && requestOf(options, plan, connection, pairsOf(options));

	if (!request)
		return null;
	makeBlocking(plan);
	let job = new SyncJob(connection, options, plan);
	job.start(request, fds);
	job.wait();
	if (isForShell(job.failedAt, -job.error, request)) {
		job = new SyncJob(connection, options, plan);
		job.start(byShell(request), fds);
		job.wait();
	}
	counts.relayed++;
	return job.result();
}

/* With --pending-deprecation the runtime has something to say about that, which is not the program's. */
function silently(call) {
	if (process.noDeprecation)
		return call(); /* a flag, which cannot be assigned to */
	process.noDeprecation = true;
	try {
		return call();
	} finally {
		delete process.noDeprecation;
	}
}

function bindingOf() {
	try {
		const binding = silently(() => process.binding('spawn_sync'));

		return typeof binding.spawn === 'function' ? binding : null;
	} catch {
		return null;
	}
}

/**
 * Put run() in the place of the binding's spawn().
 *
 * @param {function} isOurs  whether the call that is going on is one that comes here
 */
function install(isOurs) {
	const binding = globalThis.Deno || process.versions.bun ? null : bindingOf();

	if (binding === null)
		return;
	const spawn = binding.spawn;
	binding.spawn = function spawnSync(options) {
		const ours = isOurs() && !daemon.isStarting();
		const result = ours ? run(options) : null;

		if (ours && result === null) {
			completeEnvironment(options);
			counts.runtime++;
		}
		return result || spawn.call(binding, options);
	};
}

module.exports = { install };
