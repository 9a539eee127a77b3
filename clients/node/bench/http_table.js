'use strict';
/*
 * A server that starts a process per request: the same file by the runtime and under register,
 * and next to both what this machine can launch when nobody asks over HTTP.
 */
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const { once } = require('events');
const { spawn, spawnSync } = require('child_process');
const { medians, median, ratio, ratioText, columns } = require('./statistics.js');
const { load, loader } = require('./loader.js');

const register = path.join(__dirname, '..', 'register.mjs');
const FILE_BYTES = 166972;
const TICKS_PER_S = 100;
const COMPARE_MS = 100;
const BARE_JOBS = 2000;

/* Seconds of CPU of a process, and of its children that were waited for. */
function cpuOf(pid) {
	const fields = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /, '')
		.split(' ').map(Number);

	return {
		own: (fields[11] + fields[12]) / TICKS_PER_S,
		children: (fields[13] + fields[14]) / TICKS_PER_S,
	};
}

async function startServer(which, file) {
	const flags = which === 'uringspawn' ? ['--import', register] : [];
	const server = spawn(process.execPath, [...flags, path.join(__dirname, 'server.js')],
		{ env: { ...process.env, BENCH_FILE: file }, stdio: ['ignore', 'pipe', 'inherit'] });
	const [port] = await once(server.stdout, 'data');

	return { which, server, url: `http://127.0.0.1:${Number(port)}` };
}

/* A private daemon's socket is named after the program that it serves. */
function daemonOf(server) {
	for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
		try {
			if (fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`/${server.pid}-`))
				return pid;
		} catch { /* it is gone */ }
	}
	throw new Error(`process ${server.pid} has no daemon`);
}

/* On a connection of its own: one that is kept may be closed as it is used again. */
async function compareBody({ url }, { where, body }) {
	const [response] = await once(http.get(url + where, { agent: false }), 'response');
	const chunks = [];

	for await (const chunk of response)
		chunks.push(chunk);
	const bytes = Buffer.concat(chunks);

	if (!bytes.equals(body))
		throw new Error(`${url}${where}: another body, of ${bytes.length} bytes`);
}

/* Beside the load, byte for byte, every now and then; resolves to how many were compared. */
async function compareDuring(server, work, over) {
	let compared = 0;

	while (!over()) {
		await compareBody(server, work);
		compared++;
		await new Promise((resolve) => setTimeout(resolve, COMPARE_MS));
	}
	return compared;
}

async function measure(one, work, seconds) {
	const daemon = one.which === 'uringspawn' ? daemonOf(one.server) : null;
	const look = () => [cpuOf(one.server.pid), daemon && cpuOf(daemon)];
	const before = look();
	let over = false;
	const comparing = compareDuring(one, work, () => over);
	const result = await load(one.url + work.where, seconds);
	const after = look();
	over = true;
	const compared = await comparing;
	const per = (process_, kind) => after[process_] === null ? 0 :
		(after[process_][kind] - before[process_][kind]) * 1e6 / (result.requests + compared);

	return {
		...result,
		compared,
		rate: (result.requests + compared) / seconds,
		server_cpu_us: per(0, 'own'),
		daemon_cpu_us: per(1, 'own'),
		children_cpu_us: per(0, 'children') + per(1, 'children'),
	};
}

/* Programs per second, by the library, with nothing else to do; null: it was not built. */
function launchRate({ argv }) {
	const { stdout, status } = spawnSync(process.env.BENCH_LAUNCHER || 'uringspawn',
		['bench', '--rounds', '1', '--jobs', BARE_JOBS, '--depth', '30', '--json', '--', ...argv],
		{ encoding: 'utf8' });

	return status === 0 ? JSON.parse(stdout).jobs_per_s : null;
}

async function measureWork(work, servers, { rounds, seconds }) {
	const seen = { runtime: [], uringspawn: [] };
	const launches = [];

	for (let round = 0; round < rounds; round++) {
		for (const one of round % 2 === 0 ? servers : [...servers].reverse())
			seen[one.which].push(await measure(one, work, seconds));
		launches.push(launchRate(work));
	}
	return {
		name: work.name,
		runtime: medians(seen.runtime),
		uringspawn: medians(seen.uringspawn),
		ratio: ratio(seen.uringspawn, seen.runtime, 'rate'),
		launches_per_s: median(launches),
	};
}

async function warmUp(servers, works) {
	for (const one of servers) {
		for (const work of works) {
			await compareBody(one, work);
			await load(one.url + work.where, 2); /* until it is compiled */
		}
	}
}

/** @returns {object[]} for each kind of request: {name, runtime, uringspawn, ratio, launches_per_s} */
async function httpTable(options) {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'uringspawn-bench-'));
	const file = path.join(directory, 'file');
	const body = Buffer.alloc(FILE_BYTES, 'abcdefghijklmnopqrstuvwxyz\n');
	const works = [
		{ name: 'echo hi', where: '/echo', argv: ['echo', 'hi'], body: Buffer.from('hi\n') },
		{ name: 'cat of 163 KiB', where: '/cat', argv: ['cat', file], body },
	];
	const servers = [];
	const results = [];

	fs.writeFileSync(file, body);
	try {
		for (const which of ['runtime', 'uringspawn'])
			servers.push(await startServer(which, file));
		await warmUp(servers, works);
		for (const work of works)
			results.push(await measureWork(work, servers, options));
	} finally {
		servers.forEach(({ server }) => server.kill());
		fs.rmSync(directory, { recursive: true });
	}
	return results;
}

const WIDTHS = [11, 9, 9, 9, 11, 9, 10];
const DIGITS = [0, 1, 1, 0, 0, 0, 0];

function printHttp(results) {
	console.log(`\nHTTP, a process per request, 30 connections by ${loader}`);
	console.log('                requests/s   p50 ms   p99 ms   errors   CPU, us per request: ' +
		'server, daemon, children');
	for (const { name, runtime, uringspawn, ratio: times, launches_per_s: launches } of results) {
		console.log(`${name}, ${runtime.compared + uringspawn.compared} bodies compared, byte for byte`);
		for (const [which, row] of Object.entries({ runtime, uringspawn }))
			console.log(`  ${which.padEnd(12)}` + columns([row.rate, row.p50_ms, row.p99_ms, row.errors,
				row.server_cpu_us, row.daemon_cpu_us, row.children_cpu_us], WIDTHS, DIGITS));
		console.log(`  ${ratioText(times)} times the runtime's`);
		if (launches !== null)
			console.log(`  without HTTP this machine launches ${launches.toFixed(0)}/s, ` +
				`${(launches / runtime.rate).toFixed(2)} times the runtime's requests`);
	}
}

module.exports = { httpTable, printHttp };
