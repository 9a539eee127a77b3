'use strict';
/*
 * Jobs of a list, next to `xargs -P` and GNU parallel.
 */
const { notMeasured } = require('./missing.js');

/* A command that is not there is named, so that nobody looks for its figures. */
module.exports = function map() {
	return notMeasured('`uringspawn map` next to `xargs -P` and GNU parallel', 'there is no `uringspawn map`');
};
