'use strict';
/*
 * Asks for a resource when its factory has failed for nobody.
 */
const { createPool } = require('../../../generic-pool.cjs');

let tries = 0;
const pool = createPool({
	async create() {
		if (tries++ === 0)
			throw new Error('not yet');
		return {};
	},
	destroy() {},
}, { min: 1 });

pool.once('factoryCreateError', () => pool.acquire().then(() => console.log('made')));
