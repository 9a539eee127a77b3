'use strict';
/*
 * Where wrk is not: requests over so many connections that are kept.
 *
 *   node load.js URL CONNECTIONS SECONDS      prints what wrk.lua prints
 */
const http = require('http');

const RETRY_MS = 10;

const [, , url, connections, seconds] = process.argv;
const agent = new http.Agent({ keepAlive: true, maxSockets: Number(connections) });
const start = performance.now();
const errors = { connect: 0, read: 0, write: 0, timeout: 0, status: 0 };
const times = [];
const sockets = new Set();
let requests = 0;

function one() {
	const began = performance.now();
	let over = false;
	/* Once: one that is cut off may tell it twice. */
	const end = (then) => {
		if (!over)
			then();
		over = true;
	};
	const fail = (error) => end(() => failed(error));
	const request = http.get(url, { agent }, (response) => {
		response.resume();
		response.on('end', () => end(() => answered(response, began)));
		response.on('error', fail);
	});

	request.on('socket', (socket) => sockets.add(socket));
	request.on('error', fail);
}

function answered(response, began) {
	requests++;
	times.push(performance.now() - began);
	if (response.statusCode > 399)
		errors.status++;
	one();
}

function failed(error) {
	errors[error.syscall === 'connect' ? 'connect' : error.syscall === 'write' ? 'write' : 'read']++;
	setTimeout(one, RETRY_MS);
}

function finish() {
	times.sort((a, b) => a - b);
	const at = (part) => times.length === 0 ? null :
		times[Math.min(times.length - 1, Math.floor(part * times.length))];
	const bytes = [...sockets].reduce((sum, socket) => sum + socket.bytesRead, 0);

	console.log(JSON.stringify({ requests, bytes, seconds: (performance.now() - start) / 1000,
		p50_ms: at(0.5), p99_ms: at(0.99), p999_ms: at(0.999), errors }));
	process.exit();
}

setTimeout(finish, Number(seconds) * 1000);
for (let i = 0; i < Number(connections); i++)
	one();
