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
const { medians, median, ratio, ratioText, columns } = require('../../../tools/bench/lib/statistics.js');
const { load, total, loader } = require('../../../tools/bench/lib/loader.js');
const { compareBody, compareDuring } = require('../../../tools/bench/lib/bodies.js');
const { stat, processes } = require('../../../tools/bench/lib/procfs.js');

const register = path.join(__dirname, '..', 'register.mjs');
const FILE_BYTES = 166972;
const CONNECTIONS = 30;
const BARE_JOBS = 2000;

async function startServer(which, file) {
	const flags = which === 'uringspawn' ? ['--import', register] : [];
	const server = spawn(process.execPath, [...flags, path.join(__dirname, 'server.js')],
		{ env: { ...process.env, BENCH_FILE: file }, stdio: ['ignore', 'pipe', 'inherit'] });
	const [port] = await once(server.stdout, 'data');

	return { which, server, url: `http://127.0.0.1:${Number(port)}` };
}

function daemonOf(server) {
	const [daemon] = processes(server.pid).sidecar;

	if (daemon === undefined)
		throw new Error(`process ${server.pid} has no daemon`);
	return daemon.pid;
}

async function measure(one, work, seconds) {
	const daemon = one.which === 'uringspawn' ? daemonOf(one.server) : null;
	const look = () => [stat(one.server.pid), daemon && stat(daemon)];
	const before = look();
	let over = false;
	const comparing = compareDuring(one.url + work.where, work, () => over);
	const result = await load({ url: one.url + work.where, connections: CONNECTIONS, seconds });
	const after = look();
	over = true;
	const { compared, wrong } = await comparing;
	const per = (process_, kind) => after[process_] === null ? 0 :
		(after[process_][kind] - before[process_][kind]) * 1e6 / (result.requests + compared);

	if (wrong !== null)
		throw new Error(wrong);
	return {
		...result,
		errors: total(result.errors),
		compared,
		rate: (result.requests + compared) / result.seconds,
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
			await compareBody(one.url + work.where, work);
			/* Until it is compiled. */
			await load({ url: one.url + work.where, connections: CONNECTIONS, seconds: 2 });
		}
	}
}

/** @returns {object[]} for each kind of request: {name, runtime, uringspawn, ratio, launches_per_s} */
async function httpTable(options) {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'uringspawn-bench-'));
	const file = path.join(directory, 'file');
	const body = Buffer.alloc(FILE_BYTES, 'abcdefghijklmnopqrstuvwxyz\n');
	const works = [
		{ name: 'echo hi', where: '/echo', argv: ['echo', 'hi'], status: 200, body: Buffer.from('hi\n') },
		{ name: 'cat of 163 KiB', where: '/cat', argv: ['cat', file], status: 200, body },
	];
	const servers = [];
	const results = [];
	const end = () => {
		servers.forEach(({ server }) => server.kill());
		fs.rmSync(directory, { recursive: true, force: true });
	};

	process.once('exit', end); /* whichever way it ends */
	fs.writeFileSync(file, body);
	try {
		for (const which of ['runtime', 'uringspawn'])
			servers.push(await startServer(which, file));
		await warmUp(servers, works);
		for (const work of works)
			results.push(await measureWork(work, servers, options));
	} finally {
		process.off('exit', end);
		end();
	}
	return results;
}

const WIDTHS = [11, 9, 9, 9, 11, 9, 10];
const DIGITS = [0, 1, 1, 0, 0, 0, 0];

function printHttp(results) {
	console.log(`\nHTTP, a process per request, ${CONNECTIONS} connections by ${loader}`);
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
