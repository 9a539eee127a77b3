'use strict';
/*
 * A child that the daemon starts and the runtime talks to: fork(), and whatever has an IPC
 * channel or a stream's own descriptor.  The runtime's ChildProcess makes its pipes, frames
 * its messages and passes its handles as ever; what is put in its `_handle` makes the pairs
 * of sockets, opens one end of each there, and passes the other with the request.
 *
 * What cannot be carried is given back to the handle that the runtime made, before anything
 * was begun.
 */
const os = require('os');
const addon = require('./addon.js');
const wire = require('./wire.js');
const { retire, JobHandle, signalName, isForShell, byShell } = require('./handle.js');
const { systemError } = require('./errors.js');
const { descriptorsOf } = require('./stdio.js');
const { makeBlocking } = require('./transport_addon.js');

const { STDIO, EXIT } = wire;
const { errno, signals } = os.constants;

/* Stages at which the daemon refuses, without a look at the program: the runtime may still be able to. */
const REFUSING_STAGES_MAX = 4;

/* After these the runtime goes on, with pipes whose other ends are closed. */
const GOES_ON = [errno.EACCES, errno.EAGAIN, errno.ENOENT];

class AdoptedHandle extends JobHandle {
	/**
	 * @param {ChildProcess} child  the runtime's, not spawned yet
	 * @param {object} options  that its spawn() is about to be called with
	 * @param {function} requestOf  (options, plan) -> see wire.writeRequest(), or null: only the runtime can
	 */
	constructor(child, connection, options, requestOf) {
		super(connection);
		this.child = child;
		this.options = options;
		this.requestOf = requestOf;
		this.runtimeHandle = child._handle;
		this.adopted = false;
		this.pairs = []; /* {handle, ours, theirs} of what the runtime calls a pipe */
		this.failure = null;
		this.onexit = this.runtimeHandle.onexit;
		for (const symbol of Object.getOwnPropertySymbols(this.runtimeHandle))
			this[symbol] = this.runtimeHandle[symbol];
	}

	/* ---- what the runtime calls -------------------------------------------------- */

	/** Returns 0 or -errno, as the runtime's own does, whose arguments these are. */
	spawn(...args) {
		let plan;

		try {
			plan = this.options.stdio.map((one, index) => this.planOne(one, index));
		} catch (error) {
			this.closePairs();
			if (error.syscall === undefined)
				throw error;
			return error.errno; /* no descriptors are left */
		}
		const fds = descriptorsOf(plan);
		const request = fds === null ? null : this.requestOf(this.options, plan);
		if (request !== null)
			makeBlocking(plan);
		if (request === null || this.ask(request, fds) === null) {
			this.closePairs();
			return this.giveBack(args);
		}
		return this.pid > 0 ? this.begin() : this.fail();
	}

	close(callback) {
		super.close();
		if (typeof callback === 'function')
			process.nextTick(callback);
	}

	/* ---- the start ---------------------------------------------------------------- */

	planOne(one, index) {
		if (one.type === 'ignore')
			return { kind: index < 3 ? STDIO.NULL : STDIO.NONE };
		if (one.type === 'wrap')
			return { kind: STDIO.FD, fd: one.handle.fd };
		if (one.type !== 'pipe' && one.type !== 'overlapped')
			return { kind: STDIO.FD, fd: one.fd };
		const [ours, theirs] = addon.socketpair();
		this.pairs.push({ handle: one.handle, ours, theirs });
		return { kind: STDIO.FD, fd: theirs };
	}

	/* Waits until it is known what became of it. Null: it is the runtime's turn. */
	ask(request, fds) {
		this.id = this.connection.request(wire.TYPE.SPAWN, request, this, fds);
		const known = this.connection.waitStarted(this);

		if (this.pid > 0)
			return this.pid;
		if (!known || this.failure === null) {
			this.abandon();
			return 0;
		}
		const { stage, errno: number } = this.failure;
		if (stage <= REFUSING_STAGES_MAX)
			return null;
		if (!isForShell(stage, number, request))
			return 0;
		this.started = false;
		this.failure = null;
		return this.ask(byShell(request), fds);
	}

	/* Nobody knows whether it runs, or will: it shall not. */
	abandon() {
		if (this.connection.alive)
			this.kill(signals.SIGKILL);
		this.failure = { stage: 0, errno: errno.EAGAIN };
	}

	begin() {
		const ret = this.openPairs();

		if (ret < 0) {
			this.kill(signals.SIGKILL);
			this.failure = { stage: 0, errno: -ret };
			return ret;
		}
		this.adopted = true;
		this.letGo();
		this.setRef(true);
		return 0;
	}

	fail() {
		const number = this.failure.errno || errno.ECHILD;

		this.pid = undefined;
		this.exited = true;
		this.adopted = true;
		this.letGo();
		if (GOES_ON.includes(number))
			this.openPairs();
		else
			this.closePairs();
		return -number;
	}

	/* Later: this is called by what the runtime does with it. */
	letGo() {
		setImmediate(retire, this.runtimeHandle);
	}

	giveBack(args) {
		this.child._handle = this.runtimeHandle;
		return this.runtimeHandle.spawn(...args);
	}

	/* Returns 0 or -errno; theirs are the child's alone from here on. */
	openPairs() {
		let ret = 0;

		while (this.pairs.length > 0 && ret === 0) {
			const { handle, ours, theirs } = this.pairs[0];

			ret = handle.open(ours) || 0;
			if (ret < 0)
				break;
			addon.closeFd(theirs);
			this.pairs.shift();
		}
		this.closePairs();
		return ret;
	}

	closePairs() {
		for (const { ours, theirs } of this.pairs.splice(0)) {
			addon.closeFd(ours);
			addon.closeFd(theirs);
		}
	}

	/* ---- from the daemon -------------------------------------------------------------- */

	onStarted() {}

	onFailed() {}

	onEnd() {}

	/*
	 * What the child said before it left is there by now, but the event loop may not have
	 * looked: it has its turn first, as it has when the runtime waits for the child itself.
	 */
	onExit(kind, number) {
		if (this.failure !== null)
			return;
		this.exited = true;
		this.connection.later(() => this.connection.later(() => {
			this.resource.runInAsyncScope(this.finish, this, kind, number);
		}));
	}

	finish(kind, number) {
		this.setRef(false);
		if (kind === EXIT.CODE)
			this.onexit(number, '');
		else if (kind === EXIT.LOST)
			this.onexit(-errno.ECHILD, '');
		else
			this.onexit(0, signalName(number));
	}

	/* Its channel and its pipes live on, but how it ends will never be known. */
	onLost() {
		const { child } = this;

		if (this.exited || this.failure !== null)
			return;
		this.exited = true;
		this.setRef(false);
		child.once('error', () => child.emit('exit', child.exitCode, null));
		this.onexit(systemError('ECONNRESET', 'spawn').errno, '');
	}
}

/**
 * Have the daemon start what `child.spawn(options)` is about to. Afterwards `adopted` of what this returns says whether
 * it did, or whether the runtime's own handle had to.
 *
 * @returns {AdoptedHandle}
 */
function adopt(child, connection, options, requestOf) {
	child._handle = new AdoptedHandle(child, connection, options, requestOf);
	return child._handle;
}

/** Put the runtime's own handle back, when its spawn() threw before it came to ask. */
function disown(child, handle) {
	if (child._handle === handle && handle.id === 0)
		child._handle = handle.runtimeHandle;
}

module.exports = { adopt, disown };
