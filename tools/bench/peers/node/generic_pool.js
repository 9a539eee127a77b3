'use strict';
/*
 * generic-pool with forked workers: each is one request's at a time, and others wait.
 *
 *   generic_pool.js PATH_OF_GENERIC_POOL
 */
const { availableParallelism } = require('os');
const path = require('path');
const { startForked } = require('./lib/forked.js');
const { serve } = require('./lib/serve.js');
require('./lib/ballast.js');

const genericPool = require(process.argv[2]);

const factory = {
	async create() {
		const worker = startForked(path.join(__dirname, 'worker.js'), 'advanced');

		worker.process.on('exit', () => worker.jobs.fail());
		return worker;
	},
	async destroy(worker) {
		if (worker.process.connected)
			worker.process.disconnect();
	},
	async validate(worker) {
		return worker.process.connected;
	},
};
const workers = availableParallelism();
const pool = genericPool.createPool(factory, { min: workers, max: workers, testOnBorrow: true });

serve(async (response, program) => {
	const worker = await pool.acquire();

	if (response.destroyed) {
		pool.release(worker);
		return;
	}
	response.on('close', () => pool.release(worker));
	worker.jobs.start(response, program);
});
