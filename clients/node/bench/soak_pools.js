'use strict';
/*
 * make soak-pools: requests to pools whose workers crash, are killed, exit in the middle, hang,
 * say nothing, throw, leak memory, flood their stdout, answer twice or late, leave somebody
 * behind who writes when they are gone, or never become ready.  Every answer is checked, each
 * failure must be the one that was provoked, and nothing may be left running.
 *
 *   node soak_pools.js [REQUESTS [SEED]]
 *
 * Four pools take turns: a worker for each message (concurrency 1), several at once, one that is
 * reset after each, and processes that stand by.  Exit code 1: something was not as it has to be.
 */
const fs = require('fs');
const os = require('os');
const path = require('path');
const { createPool } = require('..');
const { isAnswerTo } = require('./soak_answers.js');

const REQUESTS = 100000;
const OUTSTANDING = 12;
const HANG_MS = 300;
const GONE_MS = 60000;
const PROGRAMS = path.join(__dirname, '..', 'test', 'programs', 'pool');
const MESSAGE_BYTES = [0, 100, 5000, 200000];

/* Of a thousand requests; the rest has no fault. */
const RATES = { crash: 3, kill: 2, exit: 3, hang: 1, silent: 1, throw: 5, leak: 3, flood: 3, twice: 10, late: 10, writer: 3, slow: 10 };
const STANDBY_RATES = { crash: 100, kill: 50, flood: 50, writer: 50 };

/* What a request with a fault fails with, and null: it does not. */
const exited = (code, signal) => (error) => error.code === 'ERR_POOL_WORKER_EXITED' && error.exitCode === code && error.signalCode === signal;
const FAILS = {
	crash: exited(1, null),
	kill: exited(null, 'SIGKILL'),
	exit: exited(0, null),
	hang: (error) => error.code === 'ERR_POOL_TIMEOUT',
	silent: (error) => error.code === 'ERR_POOL_TIMEOUT',
	throw: (error, { n }) => error instanceof RangeError && error.code === 'E_SOAK' && error.message === `thrown for ${n}` &&
		/soak_worker\.js/.test(error.stack),
};

class Random {
	constructor(seed) {
		this.state = seed >>> 0;
	}

	/** From 0 to `below`, exclusive. */
	next(below) {
		this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
		return Math.floor(this.state / 2 ** 32 * below);
	}

	fault(rates, scale) {
		let at = this.next(1000 * 1000) / 1000;

		for (const [name, rate] of Object.entries(rates)) {
			at -= rate * scale;
			if (at < 0)
				return name;
		}
		return undefined;
	}
}

class Soak {
	constructor({ requests, seed, scale, say }) {
		this.requests = requests;
		this.scale = scale;
		this.say = say;
		this.random = new Random(seed);
		this.mark = `soak-${process.pid}-${seed}`;
		this.unreadyFile = path.join(os.tmpdir(), this.mark);
		this.asked = 0;
		this.counts = {};
		this.wrong = [];
		fs.writeFileSync(this.unreadyFile, '');
	}

	open() {
		const env = { ...process.env, SOAK_MARK: this.mark, SOAK_UNREADY: String(0.02 * this.scale), SOAK_UNREADY_FILE: this.unreadyFile };
		const common = { script: path.join(PROGRAMS, 'soak_worker.js'), env, max: 2, output: 'event', maxRss: 256 << 20 };

		this.pools = {
			one: createPool({ ...common }),
			several: createPool({ ...common, concurrency: 4, strategy: 'round-robin' }),
			reset: createPool({ ...common, reset: { message: 'reset', answer: 'clean', timeout: 30000 } }),
			standby: createPool({ kind: 'standby', script: path.join(PROGRAMS, 'soak_standby.js'), env, max: 4, spare: 2 }),
		};
	}

	count(what) {
		this.counts[what] = (this.counts[what] || 0) + 1;
	}

	complain(where, message, said) {
		this.wrong.push(`${where}, request ${message.n}${message.fault ? ` (${message.fault})` : ''}: ${said}`);
	}

	/* A process costs as much as a hundred messages, so that it has a hundredth of the requests. */
	next() {
		const n = this.asked++;
		const where = n % 100 === 0 ? 'standby' : ['one', 'several', 'reset'][this.random.next(3)];

		return { where, message: { n, key: `${n}:${this.random.next(1e9)}`, bytes: MESSAGE_BYTES[this.random.next(MESSAGE_BYTES.length)],
			fault: this.random.fault(where === 'standby' ? STANDBY_RATES : RATES, where === 'standby' ? 1 : this.scale) } };
	}

	async ask(where, message) {
		const { fault } = message;
		const options = fault === 'hang' || fault === 'silent' ? { timeout: HANG_MS } : {};

		try {
			const answer = await this.pools[where].run(message, options);

			if (FAILS[fault])
				this.complain(where, message, `it was answered: ${JSON.stringify(answer).slice(0, 100)}`);
			else if (!isAnswerTo(message, answer))
				this.complain(where, message, `a wrong answer: ${JSON.stringify(answer).slice(0, 100)}`);
			else
				this.count(`${fault || 'plain'}: answered`);
		} catch (error) {
			this.failed(where, message, error);
		}
	}

	failed(where, message, error) {
		const { fault } = message;

		if (FAILS[fault] && FAILS[fault](error, message))
			this.count(`${fault}: ${error.code}`);
		else if (error.code === 'ERR_POOL_NOT_READY')
			this.count('of a worker that was never ready'); /* as many as there were: see finish() */
		else if (where === 'several' && error.code === 'ERR_POOL_WORKER_EXITED')
			this.count('of a worker that another request ended');
		else if (error.code === 'ERR_POOL_BAD_MESSAGE')
			this.count('of a channel that a stranger wrote to');
		else
			this.complain(where, message, error.stack);
	}

	/* A process of its own: its answer is all that it wrote before it ended. */
	stand(message) {
		return new Promise((resolve) => {
			const child = this.pools.standby.spawn();
			let text = '';

			child.stdout.setEncoding('utf8');
			child.stdout.on('data', (part) => text += part);
			child.stderr.resume();
			child.stdin.on('error', () => {});
			child.on('error', (error) => this.complain('standby', message, error.stack));
			child.on('close', (code, signal) => {
				this.check(message, text, code, signal);
				resolve();
			});
			child.stdin.end(JSON.stringify(message));
		});
	}

	check(message, text, code, signal) {
		const { fault } = message;

		if (fault === 'crash' || fault === 'kill') {
			if (text !== '' || (fault === 'crash' ? code !== 1 : signal !== 'SIGKILL'))
				this.complain('standby', message, `it ended with ${signal || code} and said ${text.slice(0, 100)}`);
			this.count(`standby, ${fault}: ended`);
			return;
		}
		/* Who was left behind writes to the same use, as to any process: it is nobody else's. */
		const own = fault === 'writer' ? text.replace(/late\n$/, '') : text;

		if (code !== 0 || !isAnswerTo(message, parsed(own)))
			this.complain('standby', message, `it ended with ${signal || code} and said ${text.slice(0, 100)}`);
		this.count(`standby, ${fault || 'plain'}: answered`);
	}

	async work() {
		while (this.asked < this.requests && this.wrong.length < 10) {
			const { where, message } = this.next();

			await (where === 'standby' ? this.stand(message) : this.ask(where, message));
			if (message.n > 0 && message.n % 10000 === 0)
				this.say(`${message.n} of ${this.requests}`);
		}
	}

	/* Processes that have this one's mark in their environment. */
	left() {
		return fs.readdirSync('/proc').filter((pid) => {
			try {
				return Number(pid) !== process.pid && fs.readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`SOAK_MARK=${this.mark}\0`);
			} catch {
				return false;
			}
		});
	}

	async finish() {
		const stats = {};

		for (const [name, pool] of Object.entries(this.pools)) {
			stats[name] = await pool.stats();
			await pool.close();
		}
		for (const end = Date.now() + GONE_MS; this.left().length > 0 && Date.now() < end;)
			await new Promise((resolve) => setTimeout(resolve, 20));
		if (this.left().length > 0)
			this.wrong.push(`left running: ${this.left().join(' ')}`);
		const unready = fs.readFileSync(this.unreadyFile, 'latin1').split('\n').length - 1;

		if ((this.counts['of a worker that was never ready'] || 0) > unready)
			this.wrong.push(`${this.counts['of a worker that was never ready']} requests failed for ${unready} workers that were never ready`);
		fs.rmSync(this.unreadyFile);
		return stats;
	}
}

function parsed(text) {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

/**
 * @param {object} options  requests; seed; scale: of how often something fails; say(text)
 * @returns {Promise<object>} {wrong: string[], counts, stats, seconds}
 */
async function soak({ requests = REQUESTS, seed = Date.now() % 1e6, scale = 1, say = () => {} } = {}) {
	const one = new Soak({ requests, seed, scale, say });
	const begun = Date.now();

	one.open();
	await Promise.all(Array.from({ length: OUTSTANDING }, () => one.work()));
	const stats = await one.finish();

	return { seed, wrong: one.wrong, counts: one.counts, stats, seconds: (Date.now() - begun) / 1000 };
}

async function main() {
	const [requests = REQUESTS, seed = Date.now() % 1e6] = process.argv.slice(2).map(Number);
	const { wrong, counts, stats, seconds } = await soak({ requests, seed, say: console.error });

	console.log(`${requests} requests in ${seconds.toFixed(0)} s, seed ${seed}`);
	for (const what of Object.keys(counts).sort())
		console.log(`${String(counts[what]).padStart(8)} ${what}`);
	for (const [name, { members, starts, exits, dropped_bytes: dropped, local }] of Object.entries(stats))
		console.log(`${name}: ${JSON.stringify({ members, starts, exits, dropped, late: local.late })}`);
	wrong.forEach((text) => console.log(`WRONG ${text}`));
	process.exitCode = wrong.length > 0 ? 1 : 0;
}

if (require.main === module)
	main();

module.exports = { soak };
