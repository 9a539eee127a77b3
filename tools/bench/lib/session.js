'use strict';
/*
 * A run: servers are started, take turns round by round, and are stopped; what they did goes
 * into one object, which report.js reads.
 */
const fs = require('fs');
const os = require('os');
const path = require('path');
const { candidates, context, readStatus, whyMissing } = require('./candidates.js');
const { WORKS, work, makeFiles } = require('./works.js');
const { plan, cellName, turns } = require('./plan.js');
const { machine, versions, bare } = require('./machine.js');
const { start, warmUp, childEnvironment, stop } = require('./servers.js');
const { measure } = require('./measure.js');
const { loader } = require('./loader.js');
const { traceBlocked, whyNotTraced } = require('./tracer.js');

const ROOT = path.resolve(__dirname, '..', '..', '..');
/* A server that holds nothing has about so much, its workers included. */
const SERVER_MB = 150;
const WARM_S = 1;
/* Who does not start so often is not tried again. */
const STARTS = 2;

function availableMb() {
	const found = /^MemAvailable:\s+(\d+)/m.exec(fs.readFileSync('/proc/meminfo', 'latin1'));

	return (found === null ? os.freemem() / 1000 : Number(found[1]) * 1.024) / 1000;
}

/* As a reader in the project's folder would write it. */
function commandText([program, ...args], env) {
	const shown = program === process.execPath ? path.basename(program) : program;

	return [...Object.entries(env).map((pair) => pair.join('=')), shown, ...args].join(' ')
		.replaceAll(`${ROOT}/`, '');
}

class Session {
	/** @param {function(string)} say  is told how far it is */
	constructor(options, say) {
		this.at = context({ out: options.peers, build: options.build });
		this.options = options;
		this.say = say;
		this.running = new Map();
		this.failedStarts = new Map();
		this.stopped = false;
	}

	/** Ends it as soon as the round that runs is over. */
	interrupt() {
		this.stopped = true;
	}

	/* Who is here, and who is not for which reason. */
	candidatesOf({ only }) {
		const status = readStatus(this.at);

		return candidates.filter(({ name }) => only.includes(name)).map((one) => {
			const { argv, env } = one.command(this.at);

			return { name: one.name, title: one.title, group: one.group, against: one.against,
				holders: one.holders || 1,
				missing: whyMissing(one, status), command: commandText(argv, env), environment: null };
		});
	}

	async run(command) {
		const { options } = this;

		this.results = {
			started: new Date().toISOString(), command, quick: options.quick, loader,
			machine: machine(), versions: versions(this.at), bare: null,
			candidates: this.candidatesOf(options), cells: [], failures: [], blocked: [],
			not_traced: options.quick ? 'not in a quick run' : whyNotTraced(this.at), interrupted: false,
		};
		this.say('bare loops');
		this.results.bare = bare(this.at);
		this.files = makeFiles();
		try {
			await this.runAll(plan(options));
		} finally {
			await this.stopAll();
			fs.rmSync(this.files.directory, { recursive: true });
		}
		this.results.interrupted = this.stopped;
		this.results.ended = new Date().toISOString();
		return this.results;
	}

	async runAll(cells) {
		const memories = [...new Set(cells.map((one) => one.memory))];
		const traced = [Math.min(...memories), Math.max(...memories)];

		for (const memory of memories) {
			await this.runGroup(memory, cells.filter((one) => one.memory === memory));
			if (this.results.not_traced === null && traced.includes(memory))
				await this.traceAll();
			await this.stopAll();
		}
	}

	/* The candidates that are here. */
	present() {
		return this.results.candidates.filter(({ missing }) => missing === null);
	}

	/* Cells of one memory: servers stay for all of them where there is room for all. */
	async runGroup(memory, cells) {
		const present = this.present();
		const each = memory + SERVER_MB;
		const room = availableMb();
		const all = present.reduce((sum, { holders }) => sum + memory * holders + SERVER_MB, 0);

		this.memory = memory;
		this.room = room * 0.8;
		this.works = [...new Set(cells.map((one) => one.work))];
		this.keep = all < room / 2;
		this.skipped = each > this.room ? `no more than ${Math.round(room)} MB are free` : null;
		for (const cell of cells) {
			const { skipped } = this;
			const results = Object.fromEntries(present.map(({ name }) => [name, []]));
			const result = { ...cell, skipped, results };

			this.results.cells.push(result);
			if (skipped === null)
				await this.runCell(result, present);
		}
	}

	async runCell(cell, present) {
		for (let round = 0; round < cell.rounds; round++) {
			for (const one of turns(present, round, cell.rounds)) {
				if (this.stopped)
					return;
				this.say(`${cellName(cell)}: round ${round + 1} of ${cell.rounds}, ${one.name}`);
				const result = await this.oneRound(cell, one);

				/* What was cut off has not failed. */
				if (!this.stopped || !result.failed)
					cell.results[one.name].push(result);
			}
		}
	}

	/* Why one candidate alone has too much memory, or null. */
	tooMuch({ holders }) {
		const needed = this.memory * holders + SERVER_MB;

		return needed <= this.room ? null : `not run: ${holders} of its processes hold the memory, ` +
			`and for ${needed} MB there is no room`;
	}

	async oneRound(cell, one) {
		const reason = this.tooMuch(one);

		if (reason !== null)
			return { failed: reason };
		const server = await this.server(one);

		if (server === null)
			return { failed: this.failedStarts.get(one.name).what };
		const result = await measure(server, work(cell.work), cell);

		if (result.failed && !this.stopped)
			this.failures(one.name, cellName(cell), result.failed);
		if (server.died !== null || !this.keep)
			await this.stopOne(one.name);
		return result;
	}

	failures(candidate, where, what) {
		this.results.failures.push({ candidate, where, what });
		this.say(`${candidate}, ${where}: ${what}`);
	}

	/* The server of a candidate, which may have to be started; null: it does not. */
	async server(one) {
		const failed = this.failedStarts.get(one.name);

		if (this.running.has(one.name) && this.running.get(one.name).died === null)
			return this.running.get(one.name);
		if (failed !== undefined && failed.times >= STARTS)
			return null;
		await this.stopOne(one.name);
		try {
			return await this.startOne(one);
		} catch (error) {
			const times = failed === undefined ? 1 : failed.times + 1;

			this.failedStarts.set(one.name, { times, what: error.message });
			this.failures(one.name, `start with ${this.memory} MB`, error.message);
			await this.stopOne(one.name);
			return null;
		}
	}

	async startOne(one) {
		const server = await start(candidates.find(({ name }) => name === one.name), this.at,
			{ ...this.files.environment, BENCH_BALLAST_MB: String(this.memory) });

		this.running.set(one.name, server);
		const works = WORKS.filter(({ name }) => this.works.includes(name));
		const loads = works.filter(({ name }) =>
			name === 'echo' || name === 'cat' && !this.options.quick);

		await warmUp(server, works, loads, WARM_S);
		if (one.environment === null)
			one.environment = await childEnvironment(server);
		return server;
	}

	async stopOne(name) {
		const server = this.running.get(name);

		if (server === undefined)
			return;
		this.running.delete(name);
		const killed = await stop(server);

		if (killed.length > 0 && server.died === null)
			this.failures(name, 'its end', `SIGTERM left ${killed.join(', ')}`);
	}

	async stopAll() {
		for (const name of [...this.running.keys()])
			await this.stopOne(name);
	}

	/* How long main threads are blocked, in rounds of their own: being traced costs time. */
	async traceAll() {
		for (const one of this.present()) {
			if (this.stopped || this.skipped)
				return;
			this.say(`traced with ${this.memory} MB: ${one.name}`);
			const reason = this.tooMuch(one);
			const server = reason === null ? await this.server(one) : null;

			if (server !== null || reason !== null)
				this.results.blocked.push({ candidate: one.name, memory: this.memory,
					...reason === null ? await traceBlocked(server, work('echo'), this.at) : { failed: reason } });
			if (!this.keep)
				await this.stopOne(one.name);
		}
	}
}

module.exports = { Session };
