'use strict';
/*
 * The daemon next to Go's os/exec, `echo hi` with 30 in flight: in turn, round by round.
 */
const path = require('path');
const { figure, spreadText } = require('../lib/markdown.js');
const { median, spread } = require('../lib/statistics.js');
const { goes } = require('../lib/machine.js');
const { notMeasured } = require('./missing.js');
const { targetCells } = require('./targets.js');

const TITLE = '`echo hi` through the daemon, next to a loop of Go\'s os/exec';
const JOBS = 4000;
const ROUNDS = 5;
const DEPTH = '30';
const NS_PER_S = 1e9;

/* The newest one that is here, as for the server in Go: {program, version}; null: there is none. */
async function newest(session) {
	const found = [];

	for (const program of goes())
		await session.run(program, ['env', 'GOVERSION'])
			.then((text) => found.push({ program, version: text.trim() }), () => {});
	found.sort((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }));
	return found.pop() || null;
}

/* Resolves to {program, version}, or rejects with why there is none. */
async function build(session) {
	const program = path.join(session.scratch, 'loop');
	const compiler = await newest(session);

	if (compiler === null)
		throw new Error('there is no Go here (tools/setup --bench)');
	try {
		await session.run(compiler.program, ['build', '-o', program, path.join(__dirname, 'loop.go')],
			{ env: { ...process.env, GOTOOLCHAIN: 'local', GOPROXY: 'off' } });
	} catch (error) {
		throw new Error(`${compiler.program} build: ${error.message}`);
	}
	return { program, version: compiler.version };
}

async function goRound(session, program, jobs, argv) {
	const told = JSON.parse(await session.run(program, [jobs, DEPTH, ...argv]));

	return { rate: told.jobs * NS_PER_S / told.wall_ns, p50: told.p50_us, p99: told.p99_us,
		errors: told.errors, bytes: told.bytes };
}

async function ourRound(session, socket, jobs, argv) {
	const { result, command } = await session.bench(
		['--jobs', jobs, '--rounds', '1', '--socket', socket, '--depth', DEPTH, '--', ...argv]);

	return { rate: result.jobs_per_s, p50: result.latency_us.p50, p99: result.latency_us.p99,
		errors: result.errors, bytes: result.output_bytes, bare: result.bare.jobs_per_s, command };
}

/* Every other round begins with the other one. */
async function rounds(session, program, { socket }) {
	const jobs = String(session.count(JOBS));
	const argv = ['echo', 'hi'];
	const pairs = [];

	for (let i = 0; i < session.rounds(ROUNDS); i++) {
		const first = i % 2 === 0 ? await ourRound(session, socket, jobs, argv) : null;
		const theirs = await goRound(session, program, jobs, argv);
		const ours = first || await ourRound(session, socket, jobs, argv);

		if (ours.bytes !== theirs.bytes)
			throw new Error(`${theirs.bytes} bytes of output from Go, ${ours.bytes} from the daemon`);
		pairs.push({ ours, theirs });
	}
	return pairs;
}

function cells(name, of) {
	return [name, spreadText(spread(of.map(({ rate }) => rate))), figure(median(of.map(({ p50 }) => p50))),
		figure(median(of.map(({ p99 }) => p99))), String(of.reduce((sum, { errors }) => sum + errors, 0))];
}

/* What a launcher that costs nothing would be. */
const mostOf = (pairs) => spread(pairs.map(({ ours, theirs }) => ours.bare / theirs.rate));

async function go(session) {
	let built;

	try {
		built = await build(session);
	} catch (error) {
		return notMeasured(TITLE, error.message);
	}
	const { program, version } = built;
	const pairs = await session.withDaemon((daemon) => rounds(session, program, daemon));
	const ratio = spread(pairs.map(({ ours, theirs }) => ours.rate / theirs.rate));
	const bare = pairs.map(({ ours }) => ours.bare);
	const toBare = spread(pairs.map(({ ours }) => ours.rate / ours.bare));

	const rows = [
		[...cells('daemon', pairs.map(({ ours }) => ours)), '', '', ''],
		[...cells('Go', pairs.map(({ theirs }) => theirs)), spreadText(ratio), ...targetCells('daemonGo', ratio)],
		['bare loop', spreadText(spread(bare)), '', '', '', spreadText(toBare), '', ''],
	];

	return { found: { daemonGo: ratio }, tables: [{ title: TITLE, rows,
		command: `${pairs[0].ours.command}; loop ${session.count(JOBS)} ${DEPTH} echo hi`,
		note: session.note('30 in flight, two pipes, the same environment; in turn, and with a bare loop of ' +
			`one thread for each CPU, which is ${spreadText(mostOf(pairs))} times Go's. ${version}.`),
		columns: ['', 'jobs/s', 'p50 µs', 'p99 µs', 'errors', 'ours to it', 'to reach', 'reached'] }] };
}

module.exports = Object.assign(go, { newest });
