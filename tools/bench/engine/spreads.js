'use strict';
/*
 * What `uringspawn bench --json` says, as spreads.
 */

/** {median, min, max} of a number that has its range beside it: ratio_to_bare. */
function spreadOf(object, key) {
	return { median: object[key], min: object[`${key}_min`], max: object[`${key}_max`] };
}

/** How many times as long, of how many times as many. */
function inverse({ median, min, max }) {
	return { median: 1 / median, min: 1 / max, max: 1 / min };
}

module.exports = { spreadOf, inverse };
