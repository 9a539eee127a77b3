'use strict';
/*
 * make soak-node: does anything grow?  100,000 spawns in one process, half of them read, half
 * not; its heap, its memory, that of its daemon, and descriptors, at 10, 50 and 100 %.  Exit code 1:
 * something grew.
 *
 *   node --expose-gc soak.js [SPAWNS]
 */
const fs = require('fs');
const { spawn, execFileSync } = require('..');

const spawns = Number(process.argv[2] || 100000);
const PROGRAM = process.env.BENCH_PROGRAM || '/bin/true';
const IN_FLIGHT = 30;
/* What may be more at the end than at 10 %: less than 10 bytes for each of 90,000 programs. */
const MAY_GROW = { heap: 0.9e6, program: 16e6, daemon: 0.9e6, descriptors: 2, daemonDescriptors: 2 };

const daemon = execFileSync('sh', ['-c', 'echo $PPID'], { encoding: 'utf8' }).trim();
const marks = [0.1, 0.5, 1].map((part) => Math.floor(part * spawns));
const seen = [];
const started = Date.now();
let asked = 0;
let ended = 0;

const countDescriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

function look() {
	global.gc();
	const { heapUsed, rss } = process.memoryUsage();
	const status = fs.readFileSync(`/proc/${daemon}/status`, 'latin1');

	return {
		heap: heapUsed,
		program: rss,
		daemon: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) * 1024,
		descriptors: countDescriptors('self'),
		daemonDescriptors: countDescriptors(daemon),
	};
}

function report() {
	const now = look();

	seen.push(now);
	console.log(`${String(ended).padStart(7)} ended: heap ${(now.heap / 1e6).toFixed(2)} MB, ` +
		`program ${(now.program / 1e6).toFixed(0)} MB, daemon ${(now.daemon / 1e6).toFixed(2)} MB; ` +
		`descriptors ${now.descriptors}, of the daemon ${now.daemonDescriptors}`);
}

/* When all have ended, and what followed from that is over. */
function finish() {
	const [first] = seen;
	const last = seen[seen.length - 1];
	const grown = Object.keys(MAY_GROW).filter((what) => last[what] - first[what] > MAY_GROW[what]);

	console.log(`${(spawns / (Date.now() - started) * 1000).toFixed(0)} per second`);
	for (const what of grown)
		console.log(`grew: ${what}, from ${first[what]} to ${last[what]}`);
	process.exitCode = grown.length > 0 ? 1 : 0;
}

function onClose() {
	ended++;
	if (marks.includes(ended))
		setImmediate(report);
	if (ended === spawns)
		setImmediate(finish);
	one();
}

function one() {
	if (asked === spawns)
		return;
	asked++;
	const child = spawn(PROGRAM);
	if (asked % 2)
		child.stdout.resume();
	child.on('close', onClose);
}

for (let i = 0; i < IN_FLIGHT; i++)
	one();
