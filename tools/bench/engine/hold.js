'use strict';
/*
 * Jobs that run and do nothing, of the daemon at $URINGSPAWN_SOCKET:
 *
 *   node hold.js N PROGRAM      prints "running" when all of them do, and ends with its stdin
 *
 * A daemon lets the jobs of a Node program live on when that ends, as node:child_process does, so
 * they are ended here, and waited for.
 */
const { spawn } = require('../../../clients/node');

const [, , n, program] = process.argv;
const children = [];
let started = 0;
let ended = 0;
let ending = false;

function end() {
	ending = true;
	children.forEach((child) => child.kill('SIGKILL'));
	if (ended === children.length)
		process.exit();
}

function fail(error) {
	console.error(`hold.js: ${error.message}`);
	process.exitCode = 1;
	end();
}

/* 'error' and no exit: it never was. */
function onEnd(error) {
	ended++;
	if (!ending)
		fail(error);
	else if (ended === children.length)
		process.exit();
}

for (let i = 0; i < Number(n); i++) {
	const child = spawn(program, [], { stdio: ['ignore', 'pipe', 'pipe'] });

	children.push(child);
	child.on('error', onEnd);
	child.on('exit', (code, signal) => onEnd(new Error(`a job ended with ${signal || code}`)));
	child.on('spawn', () => {
		if (++started === Number(n))
			console.log('running');
	});
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.on(signal, end);
process.stdin.on('end', end).resume();
