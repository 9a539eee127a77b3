'use strict';
/*
 * What the tests of pools have in common.
 */
const path = require('path');
const { createPool } = require('../../index.cjs');
const { isThere, until } = require('./harness.js');

const program = (name) => path.join(__dirname, '..', 'programs', 'pool', name);
const node = process.env.USP_NODE || 'node';

/* The runtime of the workers: Deno is none. */
const execPath = globalThis.Deno ? node : process.execPath;

/** A pool of workers that do what `do` says; closed when `body(pool)` is over. */
async function withPool(options, body) {
	const pool = createPool({ script: program('faults.js'), execPath, output: options.name ? undefined : 'ignore', max: 2, ...options });

	try {
		return await body(pool);
	} finally {
		await pool.close({ timeout: 1000 });
	}
}

/** The code that a promise is rejected with. */
async function codeOf(promise) {
	try {
		await promise;
		return 'no error';
	} catch (error) {
		return error.code || error;
	}
}

const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

module.exports = { withPool, createPool, program, execPath, isThere, until, codeOf, after };
