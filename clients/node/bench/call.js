'use strict';
/*
 * What one spawn() costs the main thread: the call, and the write of what it asks for.
 *
 *   node call.js runtime|uringspawn MB CALLS      prints one line of JSON
 *
 * Wall time of the thread, which neither waits nor sleeps in what is measured but where the
 * runtime blocks: so its median is no less than the CPU time.
 */
const { monitorEventLoopDelay, performance } = require('perf_hooks');

const [, , which, megabytes, calls] = process.argv;
const ours = which === 'uringspawn';
const { spawn } = require(ours ? '..' : 'child_process');
const PROGRAM = process.env.BENCH_PROGRAM || '/bin/true';
const IN_FLIGHT = 8;

const ballast = [];
while (process.memoryUsage().rss < Number(megabytes) * 1e6)
	ballast.push(Buffer.alloc(1 << 20, 1)); /* touched */

const flush = ours ? () => require('../lib/daemon.js').get().flush() : () => {};
const times = [];
const delay = monitorEventLoopDelay({ resolution: 1 });
const at = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
let started = 0;
let ended = 0;

function one() {
	const before = performance.now();
	const child = spawn(PROGRAM);
	flush();
	times.push((performance.now() - before) * 1000);
	started++;
	child.on('close', () => {
		ended++;
		if (started < Number(calls))
			setImmediate(one);
		else if (ended === started)
			finish();
	});
}

function finish() {
	delay.disable();
	times.splice(0, Math.floor(times.length / 5)); /* until it is compiled */
	times.sort((a, b) => a - b);
	console.log(JSON.stringify({
		p50_us: at(times, 0.5), p99_us: at(times, 0.99), loop_p50_ms: delay.percentile(50) / 1e6, loop_p99_ms: delay.percentile(99) / 1e6,
		loop_max_ms: delay.max / 1e6, ballast_mb: ballast.length,
	}));
}

delay.enable();
for (let i = 0; i < IN_FLIGHT; i++)
	one();
