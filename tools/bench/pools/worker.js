'use strict';
/*
 * The worker of every kind: sends back what it is sent.
 */
const { parentPort } = require('worker_threads');

if (parentPort)
	parentPort.on('message', (message) => parentPort.postMessage(message));
else
	process.on('message', (message) => process.send(message));
