'use strict';
/*
 * The check of the servers, on one for which nothing has to be fetched.
 */
const assert = require('assert');
const { spawnSync } = require('child_process');
const path = require('path');
const { test } = require('node:test');

const CHECK = path.join(__dirname, '..', 'peers', 'check.js');
const check = (...args) => spawnSync(process.execPath, [CHECK, ...args], { encoding: 'utf8' });

test('a server with the client does what all servers have to', () => {
	const { status, stdout, stderr } = check('node+client');

	assert.strictEqual(status, 0, stdout + stderr);
	assert.match(stdout, /^ok - /m);
});

test('who cannot run is a skip that says why', () => {
	const { status, stdout } = check('--build', '/none', '--out', '/none', 'node+client', 'deno');

	assert.strictEqual(status, 0);
	assert.match(stdout, /^ok - node\+client # SKIP uringspawnd: there is no \/none\/uringspawnd/m);
	assert.match(stdout, /^ok - deno # SKIP deno: peers\/build was not run for it$/m);
});

test('a name that nobody has is refused', () => {
	const { status, stderr } = check('nodejs');

	assert.strictEqual(status, 2);
	assert.match(stderr, /no candidate is called nodejs; there are node deno/);
});
