'use strict';
/*
 * What the package exports, for CommonJS and ES modules.
 */
const { own, counts, functions } = require('./spawn.js');
const { configure } = require('./daemon.js');

/** How many spawns went which way: {relayed, adopted, runtime}. */
function stats() {
	return { ...counts };
}

module.exports = {
	...own,
	...functions,
	configure,
	stats,
};
