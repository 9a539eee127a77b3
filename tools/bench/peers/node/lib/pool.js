'use strict';
/*
 * As many workers as there are CPUs; one that ends is replaced, and its requests fail.
 * How a worker is asked is the business of its kind.
 */
const { availableParallelism } = require('os');

const TOO_SOON_MS = 1000;

/* Each makes a function that takes one of the workers. */
const strategies = {
	'random': () => (workers) => workers[Math.floor(Math.random() * workers.length)],
	'round-robin': () => {
		let next = 0;

		return (workers) => workers[next++ % workers.length];
	},
	'least-connections': () => (workers) =>
		workers.reduce((least, one) => one.jobs.count < least.jobs.count ? one : least),
};

/**
 * @param {function} start  -> {process, jobs}: a child process or a thread, and its jobs
 * @param {string} [strategy]
 * @returns {function} () -> the worker whose turn it is
 */
function createPool(start, strategy = 'least-connections') {
	if (!Object.hasOwn(strategies, strategy)) {
		throw new Error(`no strategy is called ${strategy}; there are ` +
			Object.keys(strategies).join(', '));
	}
	const pick = strategies[strategy]();
	const workers = Array.from({ length: availableParallelism() }, (_, at) => startAt(at));

	function startAt(at) {
		const worker = start();
		const since = Date.now();

		worker.process.on('exit', (code, signal) => {
			worker.jobs.fail();
			if (Date.now() - since < TOO_SOON_MS)
				throw new Error(`a worker ended with ${code ?? signal} as soon as it was started`);
			workers[at] = startAt(at);
		});
		return worker;
	}

	return () => pick(workers);
}

module.exports = { createPool };
