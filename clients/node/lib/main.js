'use strict';
/*
 * What the package exports, for CommonJS and ES modules.
 */
const { own, counts, functions, isOurs } = require('./spawn.js');
const sync = require('./sync.js');
const daemon = require('./daemon.js');
const { createPool } = require('./pool/pool.js');

/** How many spawns went which way: {relayed, adopted, runtime}. */
function stats() {
	return { ...counts };
}

sync.install(isOurs);

/** Whether descriptors can be passed: the addon is there, and a daemon. */
function passesDescriptors() {
	const connection = daemon.get();

	return connection !== null && connection.transport.passesDescriptors;
}

module.exports = {
	...own,
	...functions,
	configure: daemon.configure,
	stats,
	passesDescriptors,
	createPool,
};
