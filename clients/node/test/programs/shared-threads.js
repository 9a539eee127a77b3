'use strict';
/*
 * The same for the main thread and two others.
 */
const { Worker, isMainThread, parentPort } = require('worker_threads');
const { execFile } = require('child_process');

function parentOfChild(callback) {
	execFile('sh', ['-c', 'echo $PPID'], (error, stdout) => callback(stdout.trim()));
}

if (isMainThread) {
	const seen = [];
	const add = (pid) => {
		if (seen.push(pid) === 3)
			console.log(`${new Set(seen).size === 1 && seen[0] !== String(process.pid) ? 'one daemon' : seen} for 3 threads`);
	};

	for (let i = 0; i < 2; i++)
		new Worker(__filename).on('message', add);
	parentOfChild(add);
} else {
	parentOfChild((pid) => parentPort.postMessage(pid));
}
