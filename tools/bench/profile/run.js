'use strict';
/*
 * Worker threads next to processes: pools of long-lived workers, as many as there are CPUs, that
 * are threads, children of the runtime, or processes that uringspawn starts.
 *
 *   node run.js --out DIR [--build DIR] [--quick]
 *
 * Writes DIR/profile.json, {"tables": [{title, note, command, columns, rows}]}.  BUILD is where
 * uringspawn was built (build/release).  A pool that fails is told so in its row, and the exit
 * code is 1 then; 2 for a wrong command line.
 */
const fs = require('fs');
const os = require('os');
const path = require('path');
const { parseArgs } = require('util');
const { figure, spreadText } = require('../lib/markdown.js');
const { median, spread } = require('../lib/statistics.js');
const { measure } = require('./measure.js');
const { WORKS } = require('./works.js');

const KINDS = {
	worker_threads: 'worker threads',
	child_process: 'node:child_process',
	uringspawn: 'uringspawn',
};
const USAGE = 'usage: node tools/bench/profile/run.js --out DIR [--build DIR] [--quick]';
const FULL = { rounds: 3, part: 1, tasks: 4 };
const QUICK = { rounds: 1, part: 0.1, tasks: 2 };
const BYTES_PER_MB = 1e6;

const COLUMNS = ['', 'wall ms', 'wall, of worker threads\'', 'parent CPU s', 'workers\' CPU s',
	'a worker, average MB', 'a worker, peak MB', 'workers together, peak MB (RSS)', 'the same (PSS)', 'with the parent, peak MB (PSS)',
	'pool ready after ms', 'of it in calls ms'];

function options() {
	try {
		const { values } = parseArgs({ options: {
			out: { type: 'string' },
			build: { type: 'string', default: 'build/release' },
			quick: { type: 'boolean', default: false },
		} });

		if (values.out === undefined)
			throw new Error('--out is missing');
		return { ...values, build: path.resolve(values.build), ...(values.quick ? QUICK : FULL) };
	} catch (error) {
		console.error(`profile: ${error.message}\n${USAGE}`);
		process.exit(2);
	}
}

/* {rounds: [figures or null], failure} of each kind; each round begins with another. */
async function rounds(work, chosen) {
	const kinds = Object.keys(KINDS);
	const found = Object.fromEntries(kinds.map((kind) => [kind, { rounds: [], failure: null }]));
	const addon = path.join(chosen.build, 'uringspawn.node');
	const env = { ...process.env, URINGSPAWN_DAEMON: path.join(chosen.build, 'uringspawnd'),
		...(fs.existsSync(addon) ? { URINGSPAWN_ADDON: addon } : {}) };
	const workers = os.availableParallelism();

	for (let round = 0; round < chosen.rounds; round++)
		for (let i = 0; i < kinds.length; i++) {
			const kind = kinds[(round + i) % kinds.length];

			console.error(`profile: ${work}, ${KINDS[kind]}, round ${round + 1} of ${chosen.rounds}`);
			found[kind].rounds[round] = await measure({ kind, work, workers, tasks: workers * chosen.tasks,
				size: Math.ceil(WORKS[work].size * chosen.part), env }).catch((error) => {
				found[kind].failure = error.message;
				process.exitCode = 1;
				return null;
			});
		}
	return found;
}

/** One row; what failed is told in it. */
function row(name, { rounds: all, failure }, threads) {
	const good = all.filter((one) => one !== null);
	const label = failure === null ? name :
		`${name}: ${all.length - good.length} of ${all.length} rounds failed: ${failure}`;
	const middle = (key, unit = 1) => {
		const value = median(good.map((one) => one[key]));

		return figure(value === null ? null : value / unit);
	};
	const memory = ['average', 'peak', 'combined', 'combinedShare', 'everything'];
	const ratio = spread(all.map((one, i) => one && threads[i] ? one.wall_ms / threads[i].wall_ms : null));

	return [label, spreadText(spread(good.map((one) => one.wall_ms))), spreadText(ratio),
		middle('parent_cpu_s'), middle('workers_cpu_s'), ...memory.map((key) => middle(key, BYTES_PER_MB)),
		middle('start_ms'), middle('fork_ms')];
}

const COPIES = 'Threads are given the buffer; processes get a copy by serialization: \'advanced\'.';
const ABOUT = 'Memory by /proc every 50 ms. A thread has none of its own: what the process has more than ' +
	'before there were workers, in equal parts. CPU of threads: the main one is the parent, all others ' +
	'are workers. Between a process and its parent there is the runtime\'s own channel, whoever started it.';

function note(work, chosen, workers) {
	return [
		chosen.quick ? 'Quick: a tenth of the work, fewer tasks, one round.' : '',
		`${workers * chosen.tasks} tasks, ${workers} workers, Node ${process.version}; ` +
			(chosen.rounds === 1 ? 'one round.' : `medians of ${chosen.rounds} rounds.`),
		WORKS[work].buffer ? COPIES : '', ABOUT,
	].filter((part) => part !== '').join(' ');
}

async function table(work, chosen) {
	const found = await rounds(work, chosen);
	const workers = os.availableParallelism();
	const size = Math.ceil(WORKS[work].size * chosen.part);

	return { title: `${work}: ${WORKS[work].title(size)}`, note: note(work, chosen, workers), columns: COLUMNS,
		command: `node tools/bench/profile/pool.js KIND ${work} ${workers} ${workers * chosen.tasks} ${size}`,
		rows: Object.entries(KINDS).map(([kind, name]) =>
			row(name, found[kind], found.worker_threads.rounds)) };
}

async function main() {
	const chosen = options();
	const tables = [];

	for (const work of Object.keys(WORKS))
		tables.push(await table(work, chosen));
	fs.mkdirSync(chosen.out, { recursive: true });
	fs.writeFileSync(path.join(chosen.out, 'profile.json'), `${JSON.stringify({ tables }, null, '\t')}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.on(signal, () => process.exit(130));
main().catch((error) => {
	console.error(`profile: ${error.message}`);
	process.exit(1);
});
