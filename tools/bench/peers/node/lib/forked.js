'use strict';
/*
 * Workers that are forked and speak by messages: the output too.
 */
const { fork } = require('child_process');
const { Jobs } = require('./jobs.js');

/* JSON has no bytes. */
const encode = (chunk) => chunk.toString('base64');
const decode = (text) => Buffer.from(text, 'base64');

/** What is done with chunks by each serialization. */
const codecs = {
	json: { encode, decode },
	advanced: {},
};

/** @returns {{process, jobs}} a worker of file, or of this very program */
function startForked(file, serialization) {
	const worker = fork(file, [serialization], { serialization });
	/* One that is about to end takes no more: its requests fail when it has ended. */
	const jobs = new Jobs((message) => worker.connected && worker.send(message),
		codecs[serialization].decode);

	worker.on('message', (message) => jobs.receive(message));
	worker.on('error', (error) => console.error(error.message)); /* 'exit' follows */
	return { process: worker, jobs };
}

module.exports = { codecs, startForked };
