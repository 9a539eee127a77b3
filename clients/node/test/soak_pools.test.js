'use strict';
/*
 * A short form of `make soak-pools`.
 */
const assert = require('assert');
const { test, skip, isNode } = require('./support/harness.js');
const { soak } = require('../bench/soak_pools.js');

const REQUESTS = Number(process.env.SOAK_REQUESTS || 600);

if (isNode)
	test('faults of workers are their own request\'s, and nothing is left', async () => {
		const { wrong, counts, seed } = await soak({ requests: REQUESTS, scale: 3 });

		assert.deepStrictEqual(wrong, [], `seed ${seed}`);
		assert.ok(Object.values(counts).reduce((a, b) => a + b) >= REQUESTS, JSON.stringify(counts));
	});
else
	skip('a soak of pools', 'its workers are node\'s');
