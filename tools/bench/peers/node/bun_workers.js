'use strict';
/*
 * HTTP by Node, programs by Bun: a pool as in pool_socket.js whose workers are another runtime.
 * The socket has a path: Node and Bun do not agree on how long an abstract address is.
 *
 *   bun_workers.js PATH_OF_BUN
 */
const fs = require('fs');
const os = require('os');
const path = require('path');
const { createPool } = require('./lib/pool.js');
const { serve } = require('./lib/serve.js');
const { listen, startWorker } = require('./lib/socket_jobs.js');
require('./lib/ballast.js');

const worker = path.join(__dirname, '..', 'bun', 'worker.js');
const options = { execPath: process.argv[2], execArgv: [] };

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-'));

process.on('exit', () => fs.rmSync(directory, { recursive: true, force: true }));
process.on('SIGTERM', () => process.exit());
listen(path.join(directory, 'socket'), () => {
	const take = createPool(() => startWorker(worker, options));

	serve((response, program) => take().jobs.start(response, program));
});
