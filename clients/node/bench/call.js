'use strict';
/*
 * What one spawn() costs the main thread: the call, and the write of what it asks for.
 *
 *   node call.js runtime|uringspawn MB CALLS      prints one line of JSON
 *
 * Two clocks around each call: what passed (wall), and what the thread used of a CPU (cpu), which
 * is less where the runtime waits in the call.  The write is forced behind each call; a program
 * has one for all calls of a turn.
 */
const fs = require('fs');
const { monitorEventLoopDelay, performance } = require('perf_hooks');

const [, , which, megabytes, calls] = process.argv;
const ours = which === 'uringspawn';
const { spawn } = require(ours ? '..' : 'child_process');
const PROGRAM = process.env.BENCH_PROGRAM || '/bin/true';
const IN_FLIGHT = 8;

/* Of this thread, in us; null: there is no such clock here. */
function threadClock() {
	if (process.threadCpuUsage)
		return () => {
			const { user, system } = process.threadCpuUsage();

			return user + system;
		};
	try {
		return require(process.env.BENCH_CLOCK).threadCpuUs;
	} catch {
		return null;
	}
}

const cpu = threadClock();
const ballast = [];
while (process.memoryUsage().rss < Number(megabytes) * 1e6)
	ballast.push(Buffer.alloc(1 << 20, 1)); /* touched */

const flush = ours ? () => require('../lib/daemon.js').get().flush() : () => {};
const wallTimes = [];
const cpuTimes = [];
const delay = monitorEventLoopDelay({ resolution: 1 });
let started = 0;
let ended = 0;

function one() {
	const cpuBefore = cpu === null ? 0 : cpu();
	const before = performance.now();
	const child = spawn(PROGRAM);
	flush();
	wallTimes.push((performance.now() - before) * 1000);
	if (cpu !== null)
		cpuTimes.push(cpu() - cpuBefore);
	started++;
	child.on('close', () => {
		ended++;
		if (started < Number(calls))
			setImmediate(one);
		else if (ended === started)
			finish();
	});
}

/* [p50, p99], of those after it was compiled. */
function percentiles(times) {
	const sorted = times.slice(Math.floor(times.length / 5)).sort((a, b) => a - b);
	const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];

	return sorted.length === 0 ? [null, null] : [at(0.5), at(0.99)];
}

function finish() {
	const [wall50, wall99] = percentiles(wallTimes);
	const [cpu50, cpu99] = percentiles(cpuTimes);

	delay.disable();
	console.log(JSON.stringify({
		cpu_p50_us: cpu50, cpu_p99_us: cpu99, wall_p50_us: wall50, wall_p99_us: wall99,
		loop_p50_ms: delay.percentile(50) / 1e6, loop_p99_ms: delay.percentile(99) / 1e6,
		loop_max_ms: delay.max / 1e6, rss_mb: process.memoryUsage().rss / 1e6,
		clock: process.threadCpuUsage ? 'process.threadCpuUsage()' :
			cpu === null ? null : 'CLOCK_THREAD_CPUTIME_ID',
	}));
}

fs.accessSync(PROGRAM, fs.constants.X_OK);
delay.enable();
for (let i = 0; i < IN_FLIGHT; i++)
	one();
