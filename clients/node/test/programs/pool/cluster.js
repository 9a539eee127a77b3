'use strict';
/*
 * A worker that has workers of its own, by cluster.
 */
const cluster = require('cluster');
const { once } = require('events');

if (cluster.isPrimary) {
	const worker = cluster.fork();

	process.on('message', async (message) => {
		worker.send(message);
		const [answer] = await once(worker, 'message');

		process.send(answer);
	});
	process.on('disconnect', () => worker.kill());
} else {
	process.on('message', (message) => process.send({ message, execArgv: process.execArgv }));
}
