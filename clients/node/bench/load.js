'use strict';
/*
 * Where wrk is not: requests over so many connections that are kept.
 *
 *   node load.js URL CONNECTIONS SECONDS      prints {requests, bytes, errors, p50_ms, p99_ms}
 */
const http = require('http');

const [, , url, connections, seconds] = process.argv;
const agent = new http.Agent({ keepAlive: true, maxSockets: Number(connections) });
const until = Date.now() + Number(seconds) * 1000;
const times = [];
let bytes = 0;
let errors = 0;
let running = Number(connections);

function one() {
	if (Date.now() > until) {
		if (--running === 0)
			finish();
		return;
	}
	const start = performance.now();
	http.get(url, { agent }, (response) => {
		response.on('data', (chunk) => bytes += chunk.length);
		response.on('end', () => {
			times.push(performance.now() - start);
			one();
		});
	}).on('error', () => {
		errors++;
		setTimeout(one, 10);
	});
}

function finish() {
	times.sort((a, b) => a - b);
	const at = (part) => times[Math.floor(part * times.length)];

	console.log(JSON.stringify({ requests: times.length, bytes, errors, p50_ms: at(0.5), p99_ms: at(0.99) }));
	process.exit();
}

for (let i = 0; i < Number(connections); i++)
	one();
