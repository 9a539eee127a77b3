'use strict';
/*
 * make soak-node: does anything grow?  100,000 spawns in one process; its heap and the
 * memory of its daemon at 10, 50 and 100 %.
 *
 *   node --expose-gc soak.js [SPAWNS]
 */
const fs = require('fs');
const { spawn, execFileSync } = require('..');

const spawns = Number(process.argv[2] || 100000);
const PROGRAM = process.env.BENCH_PROGRAM || '/bin/true';
const daemon = execFileSync('sh', ['-c', 'echo $PPID'], { encoding: 'utf8' }).trim();
const marks = [0.1, 0.5, 1].map((part) => Math.floor(part * spawns));
const started = Date.now();
let asked = 0;
let ended = 0;

function report() {
	global.gc();
	const { heapUsed, rss } = process.memoryUsage();
	const resident = /VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${daemon}/status`, 'latin1'))[1];
	const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

	console.log(`${String(ended).padStart(7)} ended: heap ${(heapUsed / 1e6).toFixed(2)} MB, program ${(rss / 1e6).toFixed(0)} MB, ` +
		`daemon ${resident} KiB; descriptors ${descriptors('self')}, ${descriptors(daemon)}`);
}

function one() {
	if (asked === spawns)
		return;
	asked++;
	const child = spawn(PROGRAM);
	if (asked % 2)
		child.stdout.resume();
	child.on('close', () => {
		ended++;
		if (marks.includes(ended))
			report();
		if (ended === spawns)
			console.log(`${(spawns / (Date.now() - started) * 1000).toFixed(0)} per second`);
		one();
	});
}

for (let i = 0; i < 30; i++)
	one();
