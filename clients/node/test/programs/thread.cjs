'use strict';
/*
 * A thread that has children of its own, beside those of the main thread.
 */
const { Worker, isMainThread, parentPort } = require('worker_threads');
const { execFile, stats } = require('../../index.cjs');

const said = new Promise((resolve, reject) => {
	execFile('echo', [isMainThread ? 'main' : 'thread'], (error, stdout) => error ? reject(error) : resolve(stdout.trim()));
});

async function main() {
	const worker = new Worker(__filename);
	const answer = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));

	console.log(JSON.stringify([await said, stats().relayed, ...await answer]));
	await worker.terminate();
}

if (isMainThread)
	main();
else
	said.then((text) => parentPort.postMessage([text, stats().relayed]));
