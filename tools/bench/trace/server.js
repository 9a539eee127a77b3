'use strict';
/*
 * A process per request (`echo hi`), with BENCH_BALLAST_MB of Buffers in memory, that
 * watches itself: how long spawn() keeps its thread, and how late its event loop is.
 * Prints its port, and at SIGTERM what it saw, as JSON.
 */
const { spawn } = require('child_process');
const http = require('http');
const { monitorEventLoopDelay, performance } = require('perf_hooks');

const ballast = [];
const calls = [];
const delay = monitorEventLoopDelay({ resolution: 1 });

for (let i = 0; i < Number(process.env.BENCH_BALLAST_MB || 0); i++)
	ballast.push(Buffer.alloc(1 << 20, 1));

function percentile(sorted, share) {
	return sorted.length ? sorted[Math.floor(share * sorted.length)] : 0;
}

function report() {
	calls.sort((a, b) => a - b);
	console.log(JSON.stringify({
		ballast_mb: ballast.length,
		spawns: calls.length,
		call_p50_ms: percentile(calls, 0.5),
		call_p99_ms: percentile(calls, 0.99),
		delay_p50_ms: delay.percentile(50) / 1e6,
		delay_p99_ms: delay.percentile(99) / 1e6,
	}));
	process.exit();
}

http.createServer((request, response) => {
	const start = performance.now();
	const child = spawn('echo', ['hi']);

	calls.push(performance.now() - start);
	child.on('error', (error) => response.destroy(error));
	child.stdout.pipe(response);
}).listen(0, '127.0.0.1', function listening() {
	delay.enable();
	process.on('SIGTERM', report);
	console.log(this.address().port);
});
