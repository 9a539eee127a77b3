'use strict';
/*
 * What the runtime's ChildProcess calls of its `_handle`, for a job of the daemon's.
 */
const { AsyncResource } = require('async_hooks');
const os = require('os');
const { ChildProcess } = require('child_process');
const trace = require('./trace.js');
const wire = require('./wire.js');

const { errno, signals } = os.constants;
const spawnByRuntime = ChildProcess.prototype.spawn; /* before anybody replaces it */
const SHELL = '/bin/sh';

const signalNames = [];
for (const [name, number] of Object.entries(signals))
	if (signalNames[number] === undefined)
		signalNames[number] = name;

/** 'SIGTERM' for 15. */
function signalName(number) {
	return signalNames[number] || `SIG${number}`;
}

/** Whether what failed is a file without a line that names its interpreter, and was not the shell's to run already. */
function isForShell(stage, number, request) {
	return stage === wire.STAGE_EXEC && number === errno.ENOEXEC && request.path === undefined && request.pool === undefined;
}

/** The request for a file without a line that names its interpreter: the shell's to run, as execvp() does it. */
function byShell(request) {
	const file = request.search !== undefined ? request.search : request.argv[0];

	return { __proto__: null, ...request, path: SHELL, argv: [SHELL, file, ...request.argv.slice(1)] };
}

class JobHandle {
	constructor(connection) {
		this.connection = connection;
		this.resource = new AsyncResource('PROCESSWRAP', { requireManualDestroy: true });
		this.id = 0;
		this.outputAt = -1; /* the connection's: where what was read last is recorded */
		this.started = false; /* or known to have failed: set as it is read */
		this.pid = undefined; /* set as it is read */
		this.exited = false;
		this.holding = false;
	}

	/** Returns 0 or -errno. */
	kill(signal) {
		if (this.exited)
			return -errno.ESRCH;
		if (signal < 0 || signal > 64)
			return -errno.EINVAL;
		if (signal > 0) {
			this.connection.send(wire.TYPE.SIGNAL, wire.SIGNAL_PROCESS, this.id, signal);
			this.connection.flush();
		}
		return 0;
	}

	ref() {
		this.setRef(true);
	}

	unref() {
		this.setRef(false);
	}

	hasRef() {
		return this.holding;
	}

	close() {
		this.setRef(false);
	}

	/* Whether the program waits for this child. */
	setRef(refd) {
		const holds = refd && !this.exited;

		if (holds === this.holding)
			return;
		this.holding = holds;
		if (holds)
			this.connection.hold();
		else
			this.connection.release();
	}
}

/* libuv refuses it before it makes a process: a descriptor that is none. */
const REFUSED = { file: 'none', args: ['none'], stdio: [{ fd: -1 }, 'ignore', 'ignore'] };

/*
 * How this runtime says that to a handle of its own: as it says it to one that only listens,
 * and as one that was tried refused it.  Null: it has no such handle.
 */
function learnRefusal() {
	const child = new ChildProcess();
	const handle = child._handle;
	let said = null;

	if (typeof spawnByRuntime !== 'function' || !handle || typeof handle.spawn !== 'function')
		return null;
	child._handle = {
		spawn(...args) {
			said = args;
			return -errno.EINVAL;
		},
		close() {},
	};
	try {
		trace.learn(() => spawnByRuntime.call(child, { ...REFUSED }));
	} catch { /* as it should */ }
	/* Node 24 says it in several arguments, and what it does then spoils its own memory. */
	if (said === null || said.length !== 1 || !JSON.stringify(said).includes('{"type":"fd","fd":-1}'))
		return null;
	try {
		if (handle.spawn(...said) !== -errno.EINVAL)
			return null;
	} catch {
		return null; /* the permission model says no to anything */
	}
	handle.close();
	return said;
}

/* At once: later somebody may trace what is spawned. */
const refusal = learnRefusal();

/**
 * Let go of the handle that the runtime made for a child which is started elsewhere.  One that never was spawned is never
 * freed, with all that refers to it; so it is made to fail, and closed.
 */
function retire(handle) {
	if (!handle)
		return;
	handle.onexit = undefined;
	for (const symbol of Object.getOwnPropertySymbols(handle))
		handle[symbol] = undefined;
	if (refusal === null)
		return; /* it stays, alone */
	handle.spawn(...refusal);
	handle.close();
}

module.exports = { retire, JobHandle, signalName, isForShell, byShell };
