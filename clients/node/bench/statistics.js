'use strict';
/*
 * Rounds that take turns, and what is said of them.
 */

/** The middle one; null where there is none. */
function median(values) {
	const sorted = values.filter((one) => one !== null).sort((a, b) => a - b);

	return sorted.length === 0 ? null : sorted[Math.floor(sorted.length / 2)];
}

/** The median of each number of some records alike; errors are added up. */
function medians(records) {
	const result = {};

	for (const [key, value] of Object.entries(records[0])) {
		if (typeof value === 'string')
			result[key] = value;
		else if (key === 'errors' || key === 'compared')
			result[key] = records.reduce((sum, one) => sum + one[key], 0);
		else
			result[key] = median(records.map((one) => one[key]));
	}
	return result;
}

/** How many times as much `key` is in ours as in theirs, round by round: {median, min, max}. */
function ratio(ours, theirs, key) {
	const ratios = ours.map((one, round) => one[key] / theirs[round][key]).sort((a, b) => a - b);

	return { median: median(ratios), min: ratios[0], max: ratios[ratios.length - 1] };
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

module.exports = { median, medians, ratio, ratioText, columns };
