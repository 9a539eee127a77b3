'use strict';
/*
 * A pool of forked workers that start the programs; their output comes over abstract sockets.
 *
 *   pool_socket.js [random|round-robin|least-connections]
 */
const { randomUUID } = require('crypto');
const path = require('path');
const { createPool } = require('./lib/pool.js');
const { serve } = require('./lib/serve.js');
const { listen, startWorker } = require('./lib/socket_jobs.js');
require('./lib/ballast.js');

listen(`\0bench-${process.pid}-${randomUUID()}`, () => {
	const take = createPool(() => startWorker(path.join(__dirname, 'socket_worker.js')),
		process.argv[2]);

	serve((response, program) => take().jobs.start(response, program));
});
