'use strict';
const assert = require('assert');
const { test } = require('node:test');
const { median, spread, medians, ratio } = require('../lib/statistics.js');

test('a median is the middle one, or between the middle two', () => {
	assert.strictEqual(median([3, 1, 2]), 2);
	assert.strictEqual(median([4, 1, 2, 3]), 2.5);
	assert.strictEqual(median([10, 9]), 9.5); /* as numbers, not as text */
});

test('what is no number does not count, and of none there is no median', () => {
	assert.strictEqual(median([null, 5, undefined, NaN]), 5);
	assert.strictEqual(median([]), null);
	assert.deepStrictEqual(spread([null]), { median: null, min: null, max: null });
	assert.deepStrictEqual(spread([2, null, 1]), { median: 1.5, min: 1, max: 2 });
});

test('errors are added up, other numbers are not', () => {
	assert.deepStrictEqual(medians([{ rate: 1, errors: 1, name: 'a' }, { rate: 3, errors: 2, name: 'a' }]),
		{ rate: 2, errors: 3, name: 'a' });
});

test('a ratio is the median of those within a round, not the ratio of medians', () => {
	const ours = [{ rate: 10 }, { rate: 30 }, { rate: 12 }];
	const theirs = [{ rate: 5 }, { rate: 30 }, { rate: 4 }];

	assert.deepStrictEqual(ratio(ours, theirs, 'rate'), { median: 2, min: 1, max: 3 });
});

test('a round that one of both did not get through has no ratio', () => {
	assert.deepStrictEqual(ratio([null, { rate: 4 }, { rate: 8 }], [{ rate: 1 }, { rate: 2 }, null], 'rate'),
		{ median: 2, min: 2, max: 2 });
	assert.strictEqual(ratio([{ rate: 4 }], [{ rate: 0 }], 'rate').median, null);
	assert.strictEqual(ratio([], [], 'rate').median, null);
});
