'use strict';
/*
 * What the runtime's ChildProcess calls of its `_handle`, for a job of the daemon's.
 */
const { AsyncResource } = require('async_hooks');
const os = require('os');
const wire = require('./wire.js');

const { errno, signals } = os.constants;
const SHELL = '/bin/sh';

const signalNames = [];
for (const [name, number] of Object.entries(signals))
	if (signalNames[number] === undefined)
		signalNames[number] = name;

/** 'SIGTERM' for 15. */
function signalName(number) {
	return signalNames[number] || `SIG${number}`;
}

/** The request for a file without a line that names its interpreter: the shell's to run, as execvp() does it. */
function byShell(request) {
	const file = request.search !== undefined ? request.search : request.argv[0];

	return { ...request, path: SHELL, argv: [SHELL, file, ...request.argv.slice(1)] };
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

/*
 * libuv refuses it before it makes a process: a descriptor that is none.
 */
const REFUSED = { file: 'none', args: ['none'], stdio: [{ type: 'fd', fd: -1 }] };

/**
 * Let go of the handle that the runtime made for a child which is started elsewhere.  One that never was spawned is never
 * freed, with all that refers to it; so it is made to fail, and closed.
 */
function retire(handle) {
	handle.onexit = undefined;
	for (const symbol of Object.getOwnPropertySymbols(handle))
		handle[symbol] = undefined;
	try {
		handle.spawn(REFUSED);
		handle.close();
	} catch { /* of another runtime: the collector's */ }
}

module.exports = { retire, JobHandle, signalName, byShell };
