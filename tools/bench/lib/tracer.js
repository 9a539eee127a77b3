'use strict';
/*
 * How long the threads of a server are blocked by starting processes, by uringspawn-trace, where
 * that is built.
 */
const fs = require('fs');
const path = require('path');
const { execFile } = require('child_process');
const { load } = require('./loader.js');
const { belongings } = require('./servers.js');

const SECONDS = 1;
const CONNECTIONS = 30;
const LIMIT_MS = 30000;
const OUTPUT_BYTES_MAX = 1 << 26;

const program = ({ build }) => path.join(build, 'uringspawn-trace');

/** Why nothing is traced, or null. */
function whyNotTraced(at) {
	try {
		fs.accessSync(program(at), fs.constants.X_OK);
		return null;
	} catch {
		return 'not built';
	}
}

/*
 * Traces all the processes of a server.
 * @returns {{ready: Promise, told: Promise}} ready: it looks at them, or it has ended; told:
 *   {figures} or {failed}
 */
function trace(root, pids, at) {
	const argv = ['-p', pids.join(), '-d', String(SECONDS), '-j'];
	let looks;
	const ready = new Promise((resolve) => looks = resolve);
	const told = new Promise((resolve) => {
		const tracer = execFile(program(at), argv,
			{ timeout: LIMIT_MS, maxBuffer: OUTPUT_BYTES_MAX }, (error, stdout, stderr) => {
				looks();
				if (error)
					resolve({ failed: stderr.trim().split('\n')[0] || error.message });
				else
					resolve(parseTrace(stdout, root));
			});

		tracer.stderr.on('data', (text) => /^Tracing /m.test(text) && looks());
	});

	return { ready, told };
}

/**
 * The summary is the last line.  Workers are the processes other than `root`.
 * @returns {{figures: object}|{failed: string}} figures: columns of the report
 */
function parseTrace(stdout, root) {
	const line = stdout.trim().split('\n').pop();

	try {
		return { figures: figuresOf(JSON.parse(line), root) };
	} catch {
		return { failed: `no summary: ${line.slice(0, 100)}` };
	}
}

function figuresOf(summary, root) {
	const { spawns, wall_ns: wall, phases: { blocked }, processes: all } = summary;
	const own = all.filter(({ tgid }) => tgid === root);
	const workers = all.filter(({ tgid }) => tgid !== root);
	const sum = (...numbers) => numbers.reduce((total, one) => total + one, 0);
	const percent = (list, key, of) => 100 * of(...list.map((one) => one[key] || 0), 0) / wall;
	const us = (key) => (blocked === null ? null : blocked[key] / 1000);

	return {
		spawns,
		'first thread blocked, %': percent(own, 'main_blocked_ns', sum),
		"a worker's, at most, %": percent(workers, 'main_blocked_ns', Math.max),
		'other threads, together, %': percent(all, 'other_blocked_ns', sum),
		'by one spawn, p50 µs': us('p50_ns'), 'p99 µs': us('p99_ns'), 'max µs': us('max_ns'),
		'records lost': summary.lost_records,
	};
}

/**
 * A server under load: {figures} or {failed}.  The load begins when the tracer looks, which takes
 * a while: its shares are of the time that it looked.
 */
async function traceBlocked(server, { where }, at) {
	const pids = belongings(server).server.map(({ pid }) => pid);
	const { ready, told } = trace(server.pid, pids, at);

	await ready;
	try {
		await load({ url: server.url + where, connections: CONNECTIONS, seconds: SECONDS });
	} catch (error) {
		await told;
		return { failed: error.message };
	}
	return told;
}

module.exports = { traceBlocked, whyNotTraced, parseTrace };
