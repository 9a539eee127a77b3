'use strict';
/*
 * make bench-node: the client next to the runtime's own child_process, in one run, round by
 * round; medians.
 *
 *   node run.js [--rounds N] [--seconds S] [--json FILE]
 */
const fs = require('fs');
const os = require('os');
const path = require('path');
const { spawn, spawnSync } = require('child_process');

const options = { rounds: 3, seconds: 4, json: null };
for (let i = 2; i < process.argv.length; i += 2)
	options[process.argv[i].slice(2)] = process.argv[i] === '--json' ? process.argv[i + 1] : Number(process.argv[i + 1]);

const register = path.join(__dirname, '..', 'register.mjs');
const CONNECTIONS = 30;
const FILE_BYTES = 166972;
const TICKS_PER_S = 100;

function median(values) {
	const sorted = [...values].sort((a, b) => a - b);

	return sorted[Math.floor(sorted.length / 2)];
}

/* ---- the call --------------------------------------------------------------------------- */

const CALLS = { 50: [2000, 500], 1000: [2000, 100] };

function measureCall(which, megabytes) {
	const calls = CALLS[megabytes][which === 'uringspawn' ? 0 : 1];
	const { stdout, stderr, status } = spawnSync(process.execPath,
		['--max-old-space-size=4096', path.join(__dirname, 'call.js'), which, megabytes, calls], { encoding: 'utf8' });

	if (status !== 0)
		throw new Error(stderr);
	return JSON.parse(stdout);
}

function callTable() {
	const rows = [];

	for (const megabytes of [50, 1000]) {
		const seen = { runtime: [], uringspawn: [] };

		for (let round = 0; round < options.rounds; round++)
			for (const which of Object.keys(seen))
				seen[which].push(measureCall(which, megabytes));
		for (const [which, results] of Object.entries(seen)) {
			const row = { which, megabytes };

			for (const key of ['p50_us', 'p99_us', 'loop_p50_ms', 'loop_p99_ms', 'loop_max_ms'])
				row[key] = median(results.map((one) => one[key]));
			rows.push(row);
		}
	}
	return rows;
}

function printCalls(rows) {
	console.log('main thread, per spawn() with its write       p50 us    p99 us   event loop delay p50/p99/max ms');
	for (const row of rows)
		console.log(`  ${row.which.padEnd(12)} ${String(row.megabytes).padStart(5)} MB in the program   ${row.p50_us.toFixed(1).padStart(10)}` +
			`${row.p99_us.toFixed(1).padStart(10)}   ${[row.loop_p50_ms, row.loop_p99_ms, row.loop_max_ms].map((ms) => ms.toFixed(1)).join(' / ')}`);
}

/* ---- HTTP --------------------------------------------------------------------------------- */

const hasWrk = spawnSync('wrk', ['--version']).error === undefined;

function load(url, seconds) {
	if (!hasWrk)
		return JSON.parse(spawnSync(process.execPath, [path.join(__dirname, 'load.js'), url, CONNECTIONS, seconds], { encoding: 'utf8' }).stdout);
	const { stdout } = spawnSync('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${seconds}`, '--latency', url], { encoding: 'utf8' });
	const units = { us: 0.001, ms: 1, s: 1000 };
	const percentile = (name) => {
		const [, value, unit] = new RegExp(`${name}%\\s+([\\d.]+)(us|ms|s)`).exec(stdout);

		return Number(value) * units[unit];
	};
	const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout);
	return {
		requests: Number(/(\d+) requests in/.exec(stdout)[1]),
		errors: (errors ? errors.slice(1).reduce((sum, one) => sum + Number(one), 0) : 0) + Number((/Non-2xx.*: (\d+)/.exec(stdout) || [0, 0])[1]),
		p50_ms: percentile(50),
		p99_ms: percentile(99),
	};
}

/* Seconds of CPU of a process, and of its children that were waited for. */
function cpuOf(pid) {
	const fields = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /, '').split(' ').map(Number);

	return { own: (fields[11] + fields[12]) / TICKS_PER_S, children: (fields[13] + fields[14]) / TICKS_PER_S };
}

async function startServer(which, file) {
	const flags = which === 'uringspawn' ? ['--import', register] : [];
	const server = spawn(process.execPath, [...flags, path.join(__dirname, 'server.js')],
		{ env: { ...process.env, BENCH_FILE: file }, stdio: ['ignore', 'pipe', 'inherit'] });
	const port = await new Promise((resolve) => server.stdout.once('data', (data) => resolve(Number(data))));

	return { which, server, url: `http://127.0.0.1:${port}` };
}

function daemonOf(server) {
	for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
		try {
			if (fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`/${server.pid}-`))
				return pid;
		} catch { /* it is gone */ }
	}
	return null;
}

async function expectBody({ url }, where, body) {
	const response = await fetch(url + where);
	const text = Buffer.from(await response.arrayBuffer());

	if (!text.equals(body))
		throw new Error(`${url}${where}: another body: ${text.length} bytes`);
}

function measureLoad({ which, server, url }, where) {
	const daemon = which === 'uringspawn' ? daemonOf(server) : null;
	const before = [cpuOf(server.pid), daemon && cpuOf(daemon)];
	const result = load(url + where, options.seconds);
	const after = [cpuOf(server.pid), daemon && cpuOf(daemon)];
	const thousand = result.requests / 1000;

	return {
		...result,
		rate: result.requests / options.seconds,
		server_cpu_s: (after[0].own - before[0].own) / thousand,
		daemon_cpu_s: daemon ? (after[1].own - before[1].own) / thousand : 0,
		children_cpu_s: (daemon ? after[1].children - before[1].children : after[0].children - before[0].children) / thousand,
	};
}

async function httpTable() {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'uringspawn-bench-'));
	const file = path.join(directory, 'file');
	const body = Buffer.alloc(FILE_BYTES, 'abcdefghijklmnopqrstuvwxyz\n');
	const rows = [];

	fs.writeFileSync(file, body);
	const servers = [await startServer('runtime', file), await startServer('uringspawn', file)];
	for (const one of servers) {
		await expectBody(one, '/echo', Buffer.from('hi\n'));
		await expectBody(one, '/cat', body);
		load(`${one.url}/echo`, 2); /* until it is compiled */
	}
	for (const where of ['/echo', '/cat']) {
		const seen = new Map(servers.map((one) => [one, []]));

		for (let round = 0; round < options.rounds; round++)
			for (const one of servers)
				seen.get(one).push(measureLoad(one, where));
		for (const [{ which }, results] of seen) {
			const row = { which, where };

			for (const key of Object.keys(results[0]))
				row[key] = key === 'errors' ? results.reduce((sum, one) => sum + one.errors, 0) : median(results.map((one) => one[key]));
			rows.push(row);
		}
	}
	servers.forEach(({ server }) => server.kill());
	fs.rmSync(directory, { recursive: true });
	return rows;
}

function printHttp(rows) {
	const rate = (which, where) => rows.find((row) => row.which === which && row.where === where).rate;

	console.log(`\nHTTP, a process per request, ${CONNECTIONS} connections (${hasWrk ? 'wrk' : 'load.js; wrk is not here'})`);
	console.log('                        requests/s   p50 ms   p99 ms  errors   CPU s per 1000 requests: server, daemon, children');
	for (const row of rows)
		console.log(`  ${row.which.padEnd(12)} ${(row.where === '/echo' ? 'echo hi' : '163 KiB').padEnd(8)} ${row.rate.toFixed(0).padStart(9)}` +
			`${row.p50_ms.toFixed(1).padStart(10)}${row.p99_ms.toFixed(1).padStart(9)}${String(row.errors).padStart(8)}` +
			`                           ${[row.server_cpu_s, row.daemon_cpu_s, row.children_cpu_s].map((s) => s.toFixed(3)).join('   ')}`);
	for (const [where, name] of [['/echo', 'echo hi'], ['/cat', '163 KiB']])
		console.log(`  ${name}: ${(rate('uringspawn', where) / rate('runtime', where)).toFixed(2)} times the runtime's`);
}

async function main() {
	console.log(`node ${process.version}, ${os.cpus().length} CPUs, Linux ${os.release()}, ${Object.keys(process.env).length} variables, ` +
		`${options.rounds} rounds\n`);
	const calls = callTable();
	printCalls(calls);
	const http = await httpTable();
	printHttp(http);
	if (options.json)
		fs.writeFileSync(options.json, JSON.stringify({ node: process.version, calls, http }, null, '\t'));
}

main();
