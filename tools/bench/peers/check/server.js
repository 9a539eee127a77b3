'use strict';
/*
 * A candidate that runs, and all processes that it has: they are known by a variable in their
 * environment, which a server hands on.
 */
const { spawn } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const { setTimeout: sleep } = require('timers/promises');

const MARK = 'BENCH_CHECK';
const START_MS = 30000;
const LOOK_MS = 20;

/** Waits until a condition holds; false where it does not in so many ms. */
async function until(condition, limit_ms) {
	const end = Date.now() + limit_ms;

	while (!condition()) {
		if (Date.now() > end)
			return false;
		await sleep(LOOK_MS);
	}
	return true;
}

function read(file) {
	try {
		return fs.readFileSync(file, 'latin1');
	} catch {
		return ''; /* it has ended */
	}
}

class Server {
	/** @param {object} environment  what is added to this program's own */
	constructor({ argv, env }, environment) {
		this.mark = crypto.randomUUID();
		this.env = { ...process.env, ...environment, ...env, [MARK]: this.mark };
		this.child = spawn(argv[0], argv.slice(1), {
			detached: true, /* a group of its own: see kill() */
			env: this.env,
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		this.stdout = '';
		this.stderr = '';
		this.child.stdout.on('data', (chunk) => this.stdout += chunk);
		this.child.stderr.on('data', (chunk) => this.stderr += chunk);
		this.ended = new Promise((resolve) => {
			this.child.on('exit', (code, signal) => resolve(code ?? signal));
			this.child.on('error', (error) => resolve(error.message));
		});
		this.ended.then((how) => this.how = how);
	}

	/** The port that it prints. */
	async port() {
		await until(() => this.stdout.includes('\n') || this.how !== undefined, START_MS);
		const [line] = this.stdout.split('\n');

		if (!/^\d+$/.test(line)) {
			throw new Error(`the first line of its output is ${JSON.stringify(line)}, not a port` +
				(this.how === undefined ? '' : `; it ended with ${this.how}`));
		}
		return Number(line);
	}

	/** Its processes: [{pid, name, resident_kib}]. */
	processes() {
		return fs.readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) &&
			read(`/proc/${pid}/environ`).includes(`${MARK}=${this.mark}\0`)).map((pid) => {
			const status = read(`/proc/${pid}/status`);
			const [, name] = /^Name:\s*(.*)/m.exec(status) || [];
			const [, resident] = /^VmRSS:\s*(\d+)/m.exec(status) || [];

			return { pid: Number(pid), name, resident_kib: Number(resident || 0) };
		});
	}

	/** What is left of it must not be left. */
	kill() {
		for (const { pid } of this.processes()) {
			try {
				process.kill(pid, 'SIGKILL');
			} catch (error) {
				if (error.code !== 'ESRCH')
					throw error;
			}
		}
	}
}

module.exports = { Server, until };
