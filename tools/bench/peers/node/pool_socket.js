'use strict';
/*
 * A pool of forked workers that start the programs; their output comes over abstract sockets.
 *
 *   pool_socket.js [random|round-robin|least-connections]
 */
const { fork } = require('child_process');
const path = require('path');
const { createPool } = require('./lib/pool.js');
const { serve } = require('./lib/serve.js');
const { SocketJobs, listen } = require('./lib/socket_jobs.js');
require('./lib/ballast.js');

function startWorker() {
	const worker = fork(path.join(__dirname, 'socket_worker.js'));
	const jobs = new SocketJobs((message) => worker.connected && worker.send(message));

	worker.on('message', (message) => jobs.receive(message));
	return { process: worker, jobs };
}

listen(() => {
	const take = createPool(startWorker, process.argv[2]);

	serve((response, program) => take().jobs.start(response, program));
});
