'use strict';
/*
 * node:worker_threads: the main thread has the HTTP, as many others as there are CPUs start
 * the programs and send what they write.
 */
const { Worker, isMainThread, parentPort } = require('worker_threads');
const { Jobs, runJobs } = require('./lib/jobs.js');
const { createPool } = require('./lib/pool.js');
const { serve } = require('./lib/serve.js');

function startThread() {
	const thread = new Worker(__filename);
	const jobs = new Jobs((message) => thread.postMessage(message));

	thread.on('message', (message) => jobs.receive(message));
	thread.on('error', (error) => console.error(error)); /* 'exit' follows */
	return { process: thread, jobs };
}

/* A chunk is moved, not copied, where nothing else lies in the same memory. */
function post(message) {
	const { chunk } = message;
	const whole = chunk && chunk.byteLength === chunk.buffer.byteLength;

	parentPort.postMessage(message, whole ? [chunk.buffer] : []);
}

if (isMainThread) {
	require('./lib/ballast.js');
	const take = createPool(startThread);

	serve((response, program) => take().jobs.start(response, program));
} else {
	runJobs(parentPort, post);
}
