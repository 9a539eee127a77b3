'use strict';
/*
 * One round of HTTP requests that are each answered by a fresh `node script.js`, which is
 * started for it, or was started ahead: prints {"p50_ms", "p99_ms", "rate", "dry"}, where dry is
 * how many found that the pool had none ready, and waited for more than a millisecond.
 *
 *   node standby.js '{"kind": "spawn"|"uringspawn"|"standby", "requests", "per_second", "connections", "spare"}'
 *
 * per_second: so many requests are asked for, whatever becomes of them; 0: each of `connections`
 * asks again when it was answered.
 */
const http = require('http');
const path = require('path');
const { spawn } = require('child_process');

const SCRIPT = path.join(__dirname, 'script.js');
const CLIENT = path.join(__dirname, '..', '..', '..', 'clients', 'node');

const READY_S = 0.001;

/* By the histogram of how long uses have waited. */
function waited({ wait_seconds: { buckets } }) {
	return buckets.filter(([bound]) => bound === null || bound > READY_S).reduce((sum, [, count]) => sum + count, 0);
}

/* {start(): a ChildProcess, dry(), close()} */
const KINDS = {
	spawn: () => ({ start: () => spawn(process.execPath, [SCRIPT]), dry: async () => null, close() {} }),
	uringspawn: () => {
		const client = require(CLIENT);

		return { start: () => client.spawn(process.execPath, [SCRIPT]), dry: async () => null, close() {} };
	},
	standby: ({ spare }) => {
		const pool = require(CLIENT).createPool({ kind: 'standby', script: SCRIPT, args: ['ready'], spare, max: 4 * spare, ready: 'stderr' });

		return { start: () => pool.spawn(), dry: async () => waited(await pool.stats()), close: () => pool.close() };
	},
};

function serve(source) {
	const server = http.createServer(async (request, response) => {
		const child = source.start();

		child.on('error', (error) => {
			response.statusCode = 500;
			response.end(error.message);
		});
		request.pipe(child.stdin);
		child.stdout.pipe(response);
	});

	return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function ask(port, agent, n) {
	const begun = process.hrtime.bigint();

	return new Promise((resolve, reject) => {
		const request = http.request({ port, agent, method: 'POST' }, (response) => {
			let text = '';

			response.setEncoding('utf8');
			response.on('data', (part) => text += part);
			response.on('end', () => text === `answer to ${n}\n` ? resolve(Number(process.hrtime.bigint() - begun) / 1e6) :
				reject(new Error(`a wrong answer to request ${n}: ${response.statusCode} ${text}`)));
		});

		request.on('error', reject);
		request.end(String(n));
	});
}

const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/* Resolves to the times of all. */
async function load({ requests, per_second, connections }, port, agent) {
	let next = 0;
	const times = [];

	if (per_second > 0) {
		for (; next < requests; next++) {
			times.push(ask(port, agent, next));
			await after(1000 / per_second);
		}
		return Promise.all(times);
	}
	await Promise.all(Array.from({ length: connections }, async () => {
		while (next < requests)
			times.push(await ask(port, agent, next++));
	}));
	return times;
}

const at = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];

async function main(given) {
	const source = KINDS[given.kind](given);
	const server = await serve(source);
	const { port } = server.address();
	const agent = new http.Agent({ keepAlive: true });

	await after(given.settle_ms || 1000); /* until a pool is filled */
	await ask(port, agent, 'warm');
	const before = await source.dry();
	const begun = process.hrtime.bigint();
	const times = (await load(given, port, agent)).sort((a, b) => a - b);
	const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
	const dry = await source.dry();
	server.close();
	agent.destroy();
	await source.close();
	console.log(JSON.stringify({ p50_ms: at(times, 0.5), p99_ms: at(times, 0.99), rate: times.length / seconds,
		dry: dry === null ? null : dry - before }));
}

main(JSON.parse(process.argv[2])).catch((error) => {
	console.error(error.message);
	process.exit(1);
});
