'use strict';
/*
 * A worker of a pool: a thread, or a process, which has the same to do.
 */
const { isMainThread, parentPort } = require('worker_threads');
const { perform } = require('./works.js');

/* A thread gives the buffer away; a process has it copied, there and back. */
function answer(message, buffer) {
	if (isMainThread)
		process.send({ ...message, buffer });
	else
		parentPort.postMessage({ ...message, buffer }, buffer ? [buffer.buffer] : []);
}

/* A structured clone of a Buffer is a Uint8Array, and that is all that is needed. */
function onMessage(task) {
	if (task.usage) {
		answer({ usage: process.cpuUsage() });
		return;
	}
	try {
		answer({ result: perform(task) }, task.buffer);
	} catch (error) {
		answer({ error: error.message });
	}
}

if (isMainThread) {
	process.on('message', onMessage);
	process.on('disconnect', () => process.exit(0));
} else {
	parentPort.on('message', onMessage);
}
answer({ ready: true });
