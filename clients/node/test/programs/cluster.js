'use strict';
/*
 * A cluster of two under the package's functions: prints what its workers said, and how
 * many spawns went which way.
 */
require('../../register.cjs');
const cluster = require('cluster');
const { stats } = require('../../index.cjs');

if (cluster.isPrimary) {
	const said = [];

	for (let i = 0; i < 2; i++)
		cluster.fork().on('message', (message) => said.push(message));
	let left = 2;
	cluster.on('exit', () => {
		if (--left === 0)
			console.log(JSON.stringify({ said, stats: stats() }));
	});
} else {
	process.send(cluster.isWorker, () => process.disconnect());
}
