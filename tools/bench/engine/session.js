'use strict';
/*
 * What all measurements share: where the programs are, how often each is run, the daemon, and
 * that nothing of it is left when this program ends.
 */
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const { once } = require('events');
const { execFile, spawn } = require('child_process');
const { setTimeout: sleep } = require('timers/promises');

const LIMIT_MS = 900000;
const READY_MS = 10000;
const OUTPUT_BYTES_MAX = 1 << 24;

/* Some of the measurements have 10,000 jobs that live on. */
const DAEMON_OPTIONS = ['--quiet', '--jobs-max', '12000', '--client-running-max', '12000'];

function connects(socket) {
	return new Promise((resolve) => {
		const connection = net.connect(socket, () => {
			connection.destroy();
			resolve(true);
		});

		connection.on('error', () => resolve(false));
	});
}

/* Of a program that did not end well: what it said last, or how it ended. */
function reason(file, { code, signal, killed }, stderr) {
	const said = stderr.trim().split('\n').pop();
	const ended = killed ? `did not end within ${LIMIT_MS / 1000} s` : `ended with ${signal || code}`;

	return said === '' || killed ? `${path.basename(file)} ${ended}` : said;
}

class Daemon {
	constructor(child, socket) {
		this.pid = child.pid;
		this.child = child;
		this.socket = socket;
	}

	/** Resolves when it has ended, and so have its jobs: what comes next has the machine alone. */
	async stop() {
		if (this.child.exitCode !== null || this.child.signalCode !== null)
			return;
		const late = setTimeout(() => this.child.kill('SIGKILL'), READY_MS);

		this.child.kill('SIGTERM');
		await once(this.child, 'exit');
		clearTimeout(late);
	}
}

class Session {
	/** @param {{build: string, directory: string, quick: boolean}} options */
	constructor({ build, directory, quick }) {
		this.build = build;
		this.directory = directory;
		this.quick = quick;
		this.scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'uringspawn-bench-'));
		this.running = new Set();
		this.daemons = 0;
		process.on('exit', () => this.close());
		for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
			process.on(signal, () => process.exit(130));
	}

	close() {
		for (const child of this.running)
			child.kill('SIGTERM');
		fs.rmSync(this.scratch, { recursive: true, force: true });
	}

	/** A program of the build: uringspawnd, tests/programs/true. */
	program(name) {
		return path.join(this.build, name);
	}

	/** What makes the Node client take what was built there. */
	clientEnvironment() {
		const addon = this.program('uringspawn.node');

		return { URINGSPAWN_DAEMON: this.program('uringspawnd'),
			...(fs.existsSync(addon) ? { URINGSPAWN_ADDON: addon } : {}) };
	}

	/** So many, or a tenth of it with --quick. */
	count(number) {
		return this.quick ? Math.ceil(number / 10) : number;
	}

	rounds(number) {
		return this.quick ? Math.min(number, 3) : number;
	}

	/** What every note begins with where the figures are not to be relied on. */
	note(text) {
		return this.quick ? `Quick: a tenth of the jobs in three rounds at most. ${text}`.trim() : text;
	}

	/** Runs a program to its end; resolves to its stdout. */
	run(file, args, { env } = {}) {
		return new Promise((resolve, reject) => {
			const child = execFile(file, args, { env, timeout: LIMIT_MS, maxBuffer: OUTPUT_BYTES_MAX },
				(error, stdout, stderr) => {
					this.running.delete(child);
					if (error)
						reject(new Error(reason(file, error, stderr)));
					else
						resolve(stdout);
				});

			this.running.add(child);
		});
	}

	/** `uringspawn bench --json ARGS`; resolves to {result, command}. */
	async bench(args) {
		const stdout = await this.run(this.program('uringspawn'), ['bench', '--json', ...args]);
		const shown = args.map((word) => path.isAbsolute(word) ? path.basename(word) : word);

		return { result: JSON.parse(stdout), command: `uringspawn bench ${shown.join(' ')}` };
	}

	/** Starts a daemon of its own; resolves to it when it serves. */
	async daemon() {
		const socket = path.join(this.scratch, `socket-${++this.daemons}`);
		const child = spawn(this.program('uringspawnd'), ['--socket', socket, ...DAEMON_OPTIONS],
			{ stdio: ['ignore', 'ignore', 'pipe'] });
		const deadline = Date.now() + READY_MS;
		let said = '';
		let failed = null;

		this.running.add(child);
		child.stderr.on('data', (text) => said = (said + text).slice(-500));
		child.on('error', (error) => failed = error.message);
		child.on('exit', (code, signal) => {
			this.running.delete(child);
			failed = `uringspawnd ended with ${signal || code}: ${said.trim()}`;
		});
		while (failed === null && !await connects(socket)) {
			if (Date.now() > deadline)
				throw new Error(`uringspawnd does not serve ${socket}: ${said.trim()}`);
			await sleep(10);
		}
		if (failed !== null)
			throw new Error(failed);
		return new Daemon(child, socket);
	}

	/** Calls `use(daemon)` with a daemon that is there so long. */
	async withDaemon(use) {
		const daemon = await this.daemon();

		try {
			return await use(daemon);
		} finally {
			await daemon.stop();
		}
	}
}

module.exports = { Session };
