'use strict';
/*
 * Pools side by side: echoes through workers, and HTTP requests that a fresh process answers.
 *
 *   node run.js --out DIR [--build DIR] [--quick] [--only echo,large,standby]
 *
 * Writes DIR/pools.json, {"tables": [{title, note, command, columns, rows}]}, and prints them.  BUILD is where
 * uringspawn was built (build/release); DIR/npm has bun and generic-pool.  What fails is told in
 * its row, and the exit code is 1 then; 2 for a wrong command line.
 */
const fs = require('fs');
const path = require('path');
const { spawn } = require('child_process');
const { parseArgs } = require('util');
const { figure, spreadText, foreignTable } = require('../lib/markdown.js');
const { spread } = require('../lib/statistics.js');
const { KINDS, missing } = require('./kinds.js');

const USAGE = 'usage: node tools/bench/pools/run.js --out DIR [--build DIR] [--quick] [--only echo,large,standby]';
const LIMIT_MS = 300000;
const WORKERS = 2;
const OURS = 'uringspawn';

/* Of a full run; a quick one is a round of a tenth. */
const ECHOES = [
	{ name: 'echo', title: 'a small message', outstanding: 16, requests: 100000, bytes: 0, serialization: 'json', rounds: 5 },
	{ name: 'large', title: '1 MB of text each way', outstanding: 4, requests: 400, bytes: 1000000, serialization: 'json', rounds: 5 },
	{ name: 'large', title: '1 MB of bytes each way, advanced', outstanding: 4, requests: 400, bytes: 1000000, serialization: 'advanced', rounds: 5 },
];
const STANDBY_LOADS = [
	{ title: 'an HTTP request served by a fresh `node script.js`, 12 asked for each second', requests: 120, per_second: 12, connections: 0 },
	{ title: 'the same, 4 connections that ask again when they are answered', requests: 120, per_second: 0, connections: 4 },
];
const STANDBY_KINDS = { spawn: 'child_process.spawn()', uringspawn: 'uringspawn spawn()', standby: 'a standby pool' };

const running = new Set();

process.on('exit', () => running.forEach((child) => child.kill('SIGTERM')));

function options() {
	try {
		const { values } = parseArgs({ options: { out: { type: 'string' }, build: { type: 'string', default: 'build/release' },
			quick: { type: 'boolean', default: false }, only: { type: 'string', default: 'echo,large,standby' } } });
		const only = values.only.split(',');
		const unknown = only.find((one) => !['echo', 'large', 'standby'].includes(one));

		if (values.out === undefined)
			throw new Error('--out is missing');
		if (unknown !== undefined)
			throw new Error(`--only: there is no "${unknown}"`);
		return { ...values, only, build: path.resolve(values.build), out: path.resolve(values.out) };
	} catch (error) {
		console.error(`pools: ${error.message}\n${USAGE}`);
		process.exit(2);
	}
}

function environment({ build }) {
	const addon = path.join(build, 'uringspawn.node');

	return { ...process.env, URINGSPAWN_DAEMON: path.join(build, 'uringspawnd'),
		...(fs.existsSync(addon) ? { URINGSPAWN_ADDON: addon } : {}) };
}

/* Whom npm has brought for the other parts. */
function brought(out, ...names) {
	const file = path.join(out, 'npm', 'node_modules', ...names);

	return fs.existsSync(file) ? fs.realpathSync(file) : null;
}

/* One round, in a process of its own; resolves to what that prints. */
async function measure(chosen, script, given) {
	const child = spawn(process.execPath, [path.join(__dirname, script), JSON.stringify(given)],
		{ stdio: ['ignore', 'pipe', 'pipe'], env: environment(chosen), timeout: LIMIT_MS });
	let output = '', said = '';

	running.add(child);
	child.stdout.on('data', (text) => output += text);
	child.stderr.on('data', (text) => said += text);
	const code = await new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (exit, signal) => resolve(signal || exit));
	});
	running.delete(child);
	if (code !== 0)
		throw new Error(said.trim().split('\n')[0] || `${script} ended with ${code}`);
	return JSON.parse(output);
}

/* {name: {rounds: [figures or null], failure}}, each round beginning with another. */
async function rounds(chosen, count, names, one) {
	const found = Object.fromEntries(names.map((name) => [name, { rounds: [], failure: null }]));

	for (let round = 0; round < count; round++)
		for (let i = 0; i < names.length; i++) {
			const name = names[(round + i) % names.length];

			console.error(`pools: ${name}, round ${round + 1} of ${count}`);
			found[name].rounds[round] = await one(name).catch((error) => {
				found[name].failure = error.message;
				process.exitCode = 1;
				console.error(`pools: ${name}: ${error.message}`);
				return null;
			});
		}
	return found;
}

/* The median and range of a figure; and of ours as multiples of it, round by round. */
function cells(found, name, key, ours) {
	const ratio = found[ours].rounds.map((one, i) => one && found[name].rounds[i] ? one[key] / found[name].rounds[i][key] : null);

	return [spreadText(spread(found[name].rounds.map((one) => one && one[key]))), name === ours ? '' : spreadText(spread(ratio))];
}

const label = (name, { failure, rounds: all }) => failure === null ? name :
	`${name}: ${all.filter((one) => one === null).length} of ${all.length} rounds failed: ${failure}`;

async function echoTable(chosen, { name, title, rounds: count, ...load }) {
	const at = { genericPool: brought(chosen.out, 'generic-pool'), bun: brought(chosen.out, '.bin', 'bun') };
	/* What bun makes of advanced messages is not what node does. */
	const possible = Object.keys(KINDS).filter((kind) => load.serialization === 'json' || !kind.includes('Bun'));
	const here = possible.filter((kind) => missing(kind, at) === null);
	const requests = Math.ceil(load.requests / (chosen.quick ? 10 : 1));
	const given = { ...load, ...at, workers: WORKERS, requests };
	const found = await rounds(chosen, chosen.quick ? 1 : count, here, (kind) => measure(chosen, 'echo.js', { ...given, kind }));
	const rows = possible.map((kind) => missing(kind, at) !== null ? [kind, missing(kind, at), '', ''] :
		[label(kind, found[kind]), ...cells(found, kind, 'rate', OURS), figure(spread(found[kind].rounds.map((one) => one && one.parent_us)).median)]);

	return { title: `Worker pools: ${title}`, rows, command: `node tools/bench/pools/echo.js '{"kind": …, "workers": ${WORKERS}, …}'`,
		note: `${WORKERS} workers, ${load.outstanding} requests outstanding, ${requests} in a round; every answer is checked.`,
		columns: ['', 'answers/s', `${OURS} to it`, 'CPU µs of the parent for each'] };
}

async function standbyTable(chosen, { title, ...load }) {
	const requests = Math.ceil(load.requests / (chosen.quick ? 4 : 1));
	const names = Object.keys(STANDBY_KINDS);
	const found = await rounds(chosen, chosen.quick ? 1 : 3, names, (kind) => measure(chosen, 'standby.js', { ...load, requests, kind, spare: 4 }));
	const rows = names.map((kind) => {
		const dry = spread(found[kind].rounds.map((one) => one && one.dry));

		return [label(STANDBY_KINDS[kind], found[kind]), ...cells(found, kind, 'p50_ms', 'standby'),
			...['p99_ms', 'rate'].map((key) => spreadText(spread(found[kind].rounds.map((one) => one && one[key])))),
			kind === 'standby' ? spreadText(dry) : ''];
	});

	return { title: `Standby pools: ${title}`, rows, command: "node tools/bench/pools/standby.js '{\"kind\": …}'",
		note: `${requests} requests in a round; every answer is checked. 4 processes are kept ahead, and the machine starts those, too; dry: requests that found none ready, and waited for one.`,
		columns: ['', 'p50 ms', 'standby to it', 'p99 ms', 'requests/s', 'dry'] };
}

async function main() {
	const chosen = options();
	const tables = [];

	for (const load of ECHOES.filter(({ name }) => chosen.only.includes(name)))
		tables.push(await echoTable(chosen, load));
	for (const load of chosen.only.includes('standby') ? STANDBY_LOADS : [])
		tables.push(await standbyTable(chosen, load));
	fs.mkdirSync(chosen.out, { recursive: true });
	fs.writeFileSync(path.join(chosen.out, 'pools.json'), `${JSON.stringify({ tables }, null, '\t')}\n`);
	console.log(tables.map(foreignTable).join('\n\n'));
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.on(signal, () => process.exit(130));
main().catch((error) => {
	console.error(`pools: ${error.message}`);
	process.exit(1);
});
