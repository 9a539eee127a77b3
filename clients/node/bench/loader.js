'use strict';
/*
 * Load for a server: wrk, or where that is not, load.js.
 */
const path = require('path');
const { promisify } = require('util');
const { execFile, spawnSync } = require('child_process');

const execute = promisify(execFile);
const CONNECTIONS = 30;
const hasWrk = spawnSync('wrk', ['--version']).error === undefined;
const MS = { us: 0.001, ms: 1, s: 1000 };

function number(text, pattern) {
	const found = pattern.exec(text);

	return found === null ? 0 : found.slice(1).reduce((sum, one) => sum + Number(one), 0);
}

function percentile(text, percent) {
	const [, value, unit] = new RegExp(`${percent}%\\s+([\\d.]+)(us|ms|s)`).exec(text);

	return Number(value) * MS[unit];
}

async function byWrk(url, seconds) {
	const { stdout } = await execute('wrk',
		['-t1', `-c${CONNECTIONS}`, `-d${seconds}`, '--latency', url]);

	return {
		requests: number(stdout, /(\d+) requests in/),
		errors: number(stdout, /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/) +
			number(stdout, /Non-2xx.*: (\d+)/),
		p50_ms: percentile(stdout, 50),
		p99_ms: percentile(stdout, 99),
	};
}

async function byNode(url, seconds) {
	const { stdout } = await execute(process.execPath,
		[path.join(__dirname, 'load.js'), url, CONNECTIONS, seconds]);

	return JSON.parse(stdout);
}

/** So many seconds of requests: {requests, errors, p50_ms, p99_ms}. */
const load = hasWrk ? byWrk : byNode;

module.exports = { load, loader: hasWrk ? 'wrk' : 'load.js (wrk is not here)' };
