'use strict';
/*
 * Rounds that take turns, and what is said of them.
 */

/** The middle one, or what is between the middle two; null where there is none. */
function median(values) {
	const sorted = values.filter((one) => Number.isFinite(one)).sort((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);

	if (sorted.length === 0)
		return null;
	return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** {median, min, max} of those that are numbers; each is null where there is none. */
function spread(values) {
	const numbers = values.filter((one) => Number.isFinite(one));

	if (numbers.length === 0)
		return { median: null, min: null, max: null };
	return { median: median(numbers), min: Math.min(...numbers), max: Math.max(...numbers) };
}

const SUMS = new Set(['errors', 'compared']);

/** The median of each number of some records alike; errors are added up. */
function medians(records) {
	const result = {};

	for (const [key, value] of Object.entries(records[0])) {
		if (typeof value === 'string')
			result[key] = value;
		else if (SUMS.has(key))
			result[key] = records.reduce((sum, one) => sum + one[key], 0);
		else
			result[key] = median(records.map((one) => one[key]));
	}
	return result;
}

/**
 * How many times as much `key` is in ours as in theirs, round by round: {median, min, max}.  A
 * round that either did not get through, or where theirs is 0, has no ratio.
 */
function ratio(ours, theirs, key) {
	return spread(ours.map((one, round) => {
		const other = theirs[round];

		return one && other && other[key] !== 0 ? one[key] / other[key] : null;
	}));
}

/** '2.31 (2.10 - 2.44)' */
function ratioText({ median: middle, min, max }) {
	return `${middle.toFixed(2)} (${min.toFixed(2)} - ${max.toFixed(2)})`;
}

/** Numbers, right in columns so wide; null is '-'. */
function columns(values, widths, digits) {
	return values.map((value, i) => (value === null || value === undefined ? '-' :
		value.toFixed(digits[i])).padStart(widths[i])).join('');
}

module.exports = { median, spread, medians, ratio, ratioText, columns };
