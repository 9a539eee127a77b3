'use strict';
/*
 * A child that the daemon started and carries the streams of: the runtime's own
 * ChildProcess, with this in the place of what its spawn() would have made.
 */
const os = require('os');
const trace = require('./trace.js');
const wire = require('./wire.js');
const { retire, JobHandle, signalName, isForShell, byShell } = require('./handle.js');
const { Slot } = require('./streams.js');
const { systemError } = require('./errors.js');
const { ownsHandle, fit } = require('./foreign.js');

const { TYPE, EXIT, STAGES } = wire;
const { errno } = os.constants;

const relayOf = Symbol('uringspawn.relay');

class Relay extends JobHandle {
	/**
	 * @param {ChildProcess} child  the runtime's, fresh from its constructor
	 * @param {object[]} plan  of stdio.js
	 */
	constructor(child, connection, plan) {
		super(connection);
		this.child = child;
		this.request = null;
		this.tickIsOver = false; /* that it was asked for in */
		this.announced = false;
		this.ended = false;
		this.listed = null;
		this.endedBy = 0; /* the signal of a kill() that came before it had started */
		this.onOver = null; /* called once, when it has ended, or will not start */
		this.slots = plan.map((one, index) => one.slot === null ? null : new Slot(this, index, one.slot, one.other !== null));
		this.setRef(true);
	}

	/*
	 * One that has not started is waited for, so that the answer is true and 'spawn' comes first
	 * where the program could have seen it by now.
	 */
	kill(signal) {
		if (!this.started && this.isOfPool)
			return this.endWait(signal);
		if (!this.started && !this.connection.waitStarted(this))
			return super.kill(signal);
		if (this.pid === undefined)
			return -errno.ESRCH;
		if (this.tickIsOver)
			this.announce();
		return super.kill(signal);
	}

	/* Only this program may be able to free a place for it, so it is not waited for. */
	get isOfPool() {
		return this.request !== null && this.request.pool !== undefined;
	}

	endWait(signal) {
		const result = super.kill(0);

		if (result < 0 || signal === 0)
			return result;
		if (signal < 0 || signal > 64)
			return -errno.EINVAL;
		this.endedBy = signal;
		this.connection.send(TYPE.SIGNAL, wire.SIGNAL_PLAN, this.id, 0);
		this.connection.flush();
		return 0;
	}

	announce() {
		if (this.announced)
			return;
		this.announced = true;
		trace.end(this.child);
		this.child.emit('spawn');
	}

	/** The child's pid; waits for it if it has not come, but for one of a pool. Undefined when it did not start. */
	waitPid() {
		if (this.pid === undefined && !this.started && !this.isOfPool)
			this.connection.waitStarted(this);
		return this.pid;
	}

	/* ---- to the daemon --------------------------------------------------------- */

	/** @param {object} request  see wire.writeRequest(); kept, to run a script that has no interpreter */
	start(request, fds) {
		this.request = request;
		this.fds = fds;
		/* One that is there already is told of at once. */
		this.id = this.connection.request(request.pool === undefined ? TYPE.RUN : TYPE.SPAWN, request, this, fds);
		process.nextTick(tickIsOver, this);
	}

	send(type, stream, arg) {
		if (!this.ended)
			this.connection.send(type, stream, this.id, arg);
	}

	input(stream, bytes) {
		if (!this.ended)
			this.connection.input(this.id, stream, bytes);
	}

	/* ---- from the daemon --------------------------------------------------------- */

	onStarted() {
		this.announce();
		if (this.endedBy > 0)
			super.kill(this.endedBy);
	}

	onFailed(stage, number, signal, named) {
		if (isForShell(stage, number, this.request)) {
			this.startByShell();
			return;
		}
		trace.error(this.child, systemError(-(number || errno.ECHILD), 'spawn'));
		this.slots.forEach((slot) => slot && slot.reads && slot.onEof());
		if (this.endedBy > 0)
			this.finish(null, signalName(this.endedBy));
		else if (signal > 0)
			this.finish(null, signalName(signal));
		else
			this.finish(-(number || errno.ECHILD), null, { stage: STAGES[stage] || `stage ${stage}`, what: named });
	}

	/* A file without a line that names its interpreter is the shell's to run, as execvp() does it. */
	startByShell() {
		this.failedId = this.id;
		this.started = false;
		this.start(byShell(this.request), this.fds);
	}

	onOutput(stream, bytes, last) {
		this.slots[stream].onOutput(bytes, last);
	}

	onEof(stream) {
		this.slots[stream].onEof();
	}

	/*
	 * In a turn of its own: what the listeners of 'spawn' and of the streams have begun, promises
	 * included, is over before 'exit' comes, as it is where each comes from the kernel alone.
	 */
	onExit(kind, number) {
		this.connection.later(() => this.resource.runInAsyncScope(exitNow, this, kind, number));
	}

	onEnd() {
		if (this.failedId === undefined)
			this.ended = true;
		this.failedId = undefined;
	}

	onInputWindow(stream, bytes, broken) {
		this.slots[stream].onInputWindow(bytes, broken);
	}

	/* How it ended will never be known; nobody is left waiting. */
	onLost(error) {
		const { child } = this;

		if (this.exited)
			return;
		this.ended = true;
		this.started = true;
		const lost = spawnError(child, 'ECONNRESET');
		lost.message = `${child.spawnfile}: its launcher was lost: ${error.message}`;
		this.slots.forEach((slot) => slot && slot.lose(lost));
		this.leave(-errno.ECONNRESET, null);
		if (child.listenerCount('error') > 0)
			child.emit('error', lost);
		child.emit('exit', child.exitCode, null);
		this.settle();
	}

	/* ---- the end, in the order of the runtime's own --------------------------------- */

	leave(exitCode, signalCode) {
		const { child } = this;
		const input = this.slots[0];

		if (signalCode)
			child.signalCode = signalCode;
		else
			child.exitCode = exitCode;
		this.exited = true;
		if (input && input.stream !== null)
			input.stream.destroy();
		else if (input)
			input.close();
		if (input)
			input.onInputWindow(0, true);
		child._handle = null;
		this.setRef(false);
		if (this.onOver !== null)
			this.onOver();
	}

	finish(exitCode, signalCode, details) {
		const { child } = this;

		this.leave(exitCode, signalCode);
		if (exitCode < 0) {
			const error = spawnError(child, exitCode);

			hide(error, details);
			child.emit('error', error);
		} else {
			child.emit('exit', child.exitCode, child.signalCode);
		}
		this.settle();
	}

	settle() {
		process.nextTick(flushSlots, this);
		maybeClose(this.child);
	}

	countClose() {
		maybeClose(this.child);
	}
}

function spawnError(child, code) {
	const error = systemError(code, 'spawn ' + child.spawnfile);

	error.path = child.spawnfile;
	error.spawnargs = child.spawnargs.slice(1);
	return error;
}

/* Beside what the runtime says, for who asks: at which step, and about what. */
function hide(error, details) {
	for (const [name, value] of Object.entries(details || {}))
		Object.defineProperty(error, name, { value, configurable: true, writable: true });
}

function tickIsOver(relay) {
	relay.tickIsOver = true;
}

function exitNow(kind, number) {
	if (kind === EXIT.CODE)
		this.finish(number, null);
	else if (kind === EXIT.LOST)
		this.finish(-errno.ECHILD, null);
	else
		this.finish(null, signalName(number));
}

function flushSlots(relay) {
	relay.slots.forEach((slot) => slot && slot.flush());
}

function maybeClose(child) {
	child._closesGot++;
	if (child._closesGot === child._closesNeeded)
		child.emit('close', child.exitCode, child.signalCode);
}

/* ---- what a relayed child has of its own ------------------------------------------- */

function shown(slot) {
	return slot === null || slot === undefined || slot.hidden ? null : slot.open();
}

/* As the runtime's own property, but found out when it is first read; whoever writes to it has his own. */
function found(name, find) {
	return {
		configurable: true,
		enumerable: true,
		get() {
			return find(this[relayOf]);
		},
		set(value) {
			Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
		},
	};
}

/* In the order of the runtime's own. */
const accessors = {
	pid: found('pid', (relay) => relay.waitPid()),
	stdin: found('stdin', (relay) => shown(relay.slots[0])),
	stdout: found('stdout', (relay) => shown(relay.slots[1])),
	stderr: found('stderr', (relay) => shown(relay.slots[2])),
	stdio: found('stdio', (relay) => {
		relay.listed = relay.listed || relay.slots.map(shown);
		return relay.listed;
	}),
};

/**
 * Make `child` one that the daemon runs.
 *
 * @returns {Relay}
 */
function relay(child, connection, plan) {
	const made = new Relay(child, connection, plan);

	Object.defineProperty(child, relayOf, { value: made });
	if (ownsHandle)
		retire(child._handle);
	else
		fit(child);
	Object.defineProperties(child, accessors);
	child._handle = made;
	for (let i = 1; i < made.slots.length; i++)
		if (made.slots[i] !== null && !made.slots[i].hidden)
			child._closesNeeded++;
	return made;
}

module.exports = { relay };
