'use strict';
/*
 * Load for a server: wrk, or where that is not, load.js.
 */
const path = require('path');
const { execFile, spawnSync } = require('child_process');

/* An answer that takes longer is an error; one that is faster is in the percentiles. */
const ANSWER_S = 30;
/* Behind the time it was told, it prints and is gone. */
const END_S = 15;

const hasWrk = spawnSync('wrk', ['--version']).error === undefined;
const loader = hasWrk ? 'wrk' : 'load.js (wrk is not here)';

function command({ url, connections, seconds }) {
	return hasWrk ?
		['wrk', '-t1', `-c${connections}`, `-d${seconds}`, '--timeout', `${ANSWER_S}s`,
			'-s', path.join(__dirname, 'wrk.lua'), url] :
		[process.execPath, path.join(__dirname, 'load.js'), url, connections, seconds];
}

/** What the last line says: see wrk.lua. */
function parse(stdout) {
	const line = stdout.trimEnd().split('\n').pop();

	try {
		return JSON.parse(line);
	} catch {
		throw new Error(`${loader} said: ${line}`);
	}
}

/**
 * So many seconds (a whole number) of requests.
 * @returns {Promise<{requests, bytes, seconds, p50_ms, p99_ms, p999_ms, errors}>} errors: how many
 * {connect, read, write, timeout, status}, the last of status 400 and more; bytes: with headers
 */
function load(what) {
	const [program, ...args] = command(what);

	return new Promise((resolve, reject) => {
		execFile(program, args, { timeout: (what.seconds + END_S) * 1000, killSignal: 'SIGKILL' },
			(error, stdout, stderr) => {
				if (error)
					reject(new Error(error.killed ? `${loader} did not end` : stderr.trim() || error.message));
				else
					resolve(parse(stdout));
			});
	});
}

/** How many errors there were of any kind. */
function total(errors) {
	return Object.values(errors).reduce((sum, one) => sum + one, 0);
}

module.exports = { load, total, loader, parse, command };
