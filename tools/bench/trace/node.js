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

const ROOT = path.join(__dirname, '..', '..', '..');
const OPTIONS = {
	build: { type: 'string', default: path.join(ROOT, 'build', 'release') },
	ballast: { type: 'string', default: '1024' },
	seconds: { type: 'string', default: '5' },
	connections: { type: 'string', default: '10' },
};

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
		child.on('exit', (code) => reject(new Error(`it ended (${code}) and said nothing`)));
	});
}

function endOf(child) {
	return child.exitCode === null ? new Promise((resolve) => child.on('exit', resolve)) : null;
}

function load(options, port) {
	const program = path.join(ROOT, 'clients', 'node', 'bench', 'load.js');

	return new Promise((resolve, reject) => {
		const child = spawn(process.execPath, [program, `http://127.0.0.1:${port}/`,
			options.connections, options.seconds], { stdio: ['ignore', 'pipe', 'inherit'] });

		lineOf(child).then((line) => resolve(JSON.parse(line)), reject);
	});
}

/** One traced run.  Returns what the tracer, the server and the load say. */
async function measure(options, words, variables) {
	const told = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'trace-')), 'told');
	const tracer = spawn(path.join(options.build, 'uringspawn-trace'), ['-j', '-o', told, '--',
		process.execPath, ...words, path.join(__dirname, 'server.js')], {
		stdio: ['ignore', 'pipe', 'inherit'],
		env: { ...process.env, ...variables, BENCH_BALLAST_MB: options.ballast },
	});
	const port = await lineOf(tracer);
	const requests = await load(options, port);
	const said = lineOf(tracer);

	// The tracer ends what it started, and then tells.
	tracer.kill('SIGTERM');
	const own = JSON.parse(await said);
	await endOf(tracer);
	const lines = fs.readFileSync(told, 'utf8').trim().split('\n');
	fs.rmSync(path.dirname(told), { recursive: true });
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
	['requests per second', (run, o) => run.requests.requests / Number(o.seconds)],
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
		console.log(value ? name.padEnd(40) + cell(value(before, options)) +
			cell(value(after, options)) : name);
}

async function main() {
	const options = parseArgs({ options: OPTIONS }).values;
	const socket = `@uringspawn-trace-${process.pid}`;
	const daemon = spawn(path.join(options.build, 'uringspawnd'), ['--quiet', '--socket', socket],
		{ stdio: ['ignore', 'inherit', 'inherit'] });
	const register = path.join(ROOT, 'clients', 'node', 'register.mjs');

	try {
		const before = await measure(options, [], {});
		const after = await measure(options, ['--import', register],
			{ URINGSPAWN_SOCKET: socket });

		print(options, before, after);
	} finally {
		daemon.kill();
	}
}

main().catch((error) => {
	console.error(`bench-trace: ${error.message}`);
	process.exitCode = 1;
});
