'use strict';
/*
 * What a Node server that holds much memory pays for its spawns, as the tracer sees it and
 * as it sees itself: with node:child_process, and with the client of uringspawn.
 *
 *   node node.js [--build DIR] [--ballast MB] [--seconds S] [--connections N]
 *
 * The clone is not in the second one's process at all, which alone proves nothing: so both
 * also say how long spawn() keeps the thread, and how late their event loops are.
 */
const { spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { parseArgs } = require('util');
const { load } = require('../lib/loader.js');

const ROOT = path.join(__dirname, '..', '..', '..');
const INTERRUPTED = 130;
const OPTIONS = {
	build: { type: 'string', default: path.join(ROOT, 'build', 'release') },
	ballast: { type: 'string', default: '1024' },
	seconds: { type: 'string', default: '5' },
	connections: { type: 'string', default: '10' },
};

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'uringspawn-bench-'));
const running = new Set();

/* Nothing is left, whichever way this ends; the tracer ends what it has started. */
process.on('exit', () => {
	running.forEach((child) => child.kill());
	fs.rmSync(directory, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.on(signal, () => process.exit(INTERRUPTED));

/* A program that is ended with this one. */
function start(name, args, options) {
	const child = spawn(name, args, options);

	running.add(child);
	child.on('exit', () => running.delete(child));
	return child;
}

/** The next line that a program says. */
function lineOf(child) {
	return new Promise((resolve, reject) => {
		let text = '';

		function onData(chunk) {
			text += chunk;
			if (!text.includes('\n'))
				return;
			child.stdout.off('data', onData);
			resolve(text.split('\n')[0]);
		}
		child.stdout.on('data', onData);
		child.on('error', reject);
		child.on('close', (code, signal) =>
			reject(new Error(`${path.basename(child.spawnfile)} ended (${signal || code}) and said nothing`)));
	});
}

function endOf(child) {
	return running.has(child) ? new Promise((resolve) => child.on('exit', resolve)) : null;
}

/** One traced run.  Returns what the tracer, the server and the load say. */
async function measure(options, words, variables) {
	const told = path.join(directory, 'told');
	const tracer = start(path.join(options.build, 'uringspawn-trace'), ['-j', '-o', told, '--',
		process.execPath, ...words, path.join(__dirname, 'server.js')], {
		stdio: ['ignore', 'pipe', 'inherit'],
		env: { ...process.env, ...variables, BENCH_BALLAST_MB: options.ballast },
	});
	const port = await lineOf(tracer);
	const requests = await load({ url: `http://127.0.0.1:${port}/`,
		connections: Number(options.connections), seconds: Number(options.seconds) });
	const said = lineOf(tracer);

	// The tracer ends what it started, and then tells.
	tracer.kill('SIGTERM');
	const own = JSON.parse(await said);
	await endOf(tracer);
	const lines = fs.readFileSync(told, 'utf8').trim().split('\n');

	return { own, requests, summary: JSON.parse(lines[lines.length - 1]) };
}

function p50(run, phase) {
	const counted = run.summary.phases[phase];

	return counted ? counted.p50_ns / 1e6 : null;
}

function blocked(run) {
	const sum = run.summary.processes.reduce((ns, one) => ns + one.main_blocked_ns, 0);

	return 100 * sum / run.summary.wall_ns;
}

const ROWS = [
	['requests per second', ({ requests }) => requests.requests / requests.seconds],
	['seen by the tracer, in the server'],
	['  clones, per spawn()', (run) => run.summary.spawns / run.own.spawns],
	['  main thread blocked, % of the time', blocked],
	['  blocked per clone, p50, ms', (run) => p50(run, 'blocked')],
	['    copy of page tables', (run) => p50(run, 'copy')],
	['    their teardown, in the exec', (run) => p50(run, 'teardown')],
	['seen by the server itself'],
	['  in spawn(), p50, ms', (run) => run.own.call_p50_ms],
	['  in spawn(), p99, ms', (run) => run.own.call_p99_ms],
	['  event loop late, p50, ms', (run) => run.own.delay_p50_ms],
	['  event loop late, p99, ms', (run) => run.own.delay_p99_ms],
];

function print(options, before, after) {
	const cell = (value) => (value === null ? '-' : value.toFixed(2)).padStart(16);

	console.log(`node ${process.version}, ${options.ballast} MB of Buffers`.padEnd(40) +
		'child_process'.padStart(16) + 'uringspawn'.padStart(16));
	for (const [name, value] of ROWS)
		console.log(value ? name.padEnd(40) + cell(value(before)) + cell(value(after)) : name);
}

async function main() {
	const options = parseArgs({ options: OPTIONS }).values;
	const socket = `@uringspawn-trace-${process.pid}`;
	const daemon = start(path.join(options.build, 'uringspawnd'), ['--quiet', '--socket', socket],
		{ stdio: ['ignore', 'inherit', 'inherit'] });

	daemon.on('error', fail);
	const register = path.join(ROOT, 'clients', 'node', 'register.mjs');

	const before = await measure(options, [], {});
	const after = await measure(options, ['--import', register], { URINGSPAWN_SOCKET: socket });

	daemon.kill();
	print(options, before, after);
}

function fail(error) {
	console.error(`bench-trace: ${error.message}`);
	process.exit(1);
}

main().catch(fail);
