'use strict';
/*
 * What the package exports, for CommonJS and ES modules.
 */
const { own, counts, functions, isOurs } = require('./spawn.js');
const sync = require('./sync.js');
const { configure } = require('./daemon.js');

/** How many spawns went which way: {relayed, adopted, runtime}. */
function stats() {
	return { ...counts };
}

sync.install(isOurs);

module.exports = {
	...own,
	...functions,
	configure,
	stats,
};
