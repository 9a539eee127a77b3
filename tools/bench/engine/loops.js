'use strict';
/*
 * The engine and the daemon next to the loops that anybody could write: of a bare clone(), of
 * posix_spawn() and of fork(), with one thread for each CPU.
 */
const { figure, spreadText } = require('../lib/markdown.js');
const { spreadOf } = require('./spreads.js');
const { targetCells } = require('./targets.js');

const PEERS = { bare: 'bare loop', posix_spawn: 'posix_spawn()', fork: 'fork()' };
const COLUMNS = ['', 'in flight', 'jobs/s', 'p50 µs', 'p99 µs', 'errors',
	'CPU of the thread that asks, µs per job', 'ours to it', 'to reach', 'reached'];

function sideCells(name, inFlight, side) {
	return [name, String(inFlight), spreadText(spreadOf(side, 'jobs_per_s')), figure(side.latency_us.p50),
		figure(side.latency_us.p99), String(side.errors)];
}

/* @param target  whose first peer is the bare loop, or null */
function rows(result, target) {
	const ours = [...sideCells(result.side, result.depth, result),
		figure(result.reactor_cpu_us_per_job), '', '', ''];

	return [ours, ...Object.entries(PEERS).map(([key, name]) => {
		const ratio = spreadOf(result, `ratio_to_${key}`);

		return [...sideCells(name, result[key].threads, result[key]), '', spreadText(ratio),
			...targetCells(key === 'bare' ? target : null, ratio)];
	})];
}

async function compare(session, { title, note = '', jobs, args, target = null }) {
	const { result, command } = await session.bench(
		['--jobs', String(session.count(jobs)), '--rounds', String(session.rounds(5)), ...args]);

	return { ratio: spreadOf(result, 'ratio_to_bare'), table: {
		title, command, note: session.note(`${note} Back end: ${result.back_end || 'the daemon\'s'}.`.trim()),
		columns: COLUMNS, rows: rows(result, target),
	} };
}

function embedded(session) {
	const program = session.program('tests/programs/true');

	return [
		{ title: 'The smallest program on /dev/null, embedded engine', jobs: 20000, target: 'engineNull',
			args: ['--stdio', 'null', '--depth', '8', '--', program] },
		{ title: 'The smallest program with two pipes, embedded engine', jobs: 20000, target: 'enginePipes',
			args: ['--stdio', 'pipe', '--depth', '8', '--', program] },
		{ title: 'The same with credit', jobs: 20000,
			note: 'Each read asks for no more than a window of 256 KiB.',
			args: ['--stdio', 'pipe', '--window', '262144', '--depth', '8', '--', program] },
		{ title: 'One at a time', jobs: 4000, note: 'What a job takes where nothing else is asked for.',
			args: ['--stdio', 'null', '--depth', '1', '--', program] },
	];
}

function throughDaemon({ socket }) {
	const about = ['--socket', socket, '--depth', '30'];

	return [
		{ title: '`echo hi` through the daemon, asked by RUN', jobs: 10000, target: 'daemonBare',
			args: [...about, '--request', 'run', '--', 'echo', 'hi'] },
		{ title: '`echo hi` through the daemon, asked by SPAWN', jobs: 10000,
			note: 'Its frames do not wait for each other.',
			args: [...about, '--request', 'spawn', '--', 'echo', 'hi'] },
	];
}

module.exports = async function loops(session) {
	const tables = [];
	const found = {};
	const each = async (list) => {
		for (const one of list) {
			const { table, ratio } = await compare(session, one);

			tables.push(table);
			if (one.target)
				found[one.target] = ratio;
		}
	};

	await each(embedded(session));
	await session.withDaemon((daemon) => each(throughDaemon(daemon)));
	return { tables, found };
};
