'use strict';
/*
 * The pools that are compared: that each kind answers, and answers are checked. Nothing is
 * measured.
 */
const test = require('node:test');
const assert = require('node:assert');
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const { KINDS, missing } = require('../pools/kinds.js');

const pools = path.join(__dirname, '..', 'pools');
const build = process.env.USP_BUILD || path.join(__dirname, '..', '..', '..', 'build', 'release');
const npm = path.join(__dirname, '..', '..', '..', 'build', 'bench', 'npm', 'node_modules');
const ifThere = (file) => fs.existsSync(file) ? file : null;
const brought = { genericPool: ifThere(process.env.USP_GENERIC_POOL || path.join(npm, 'generic-pool')), bun: ifThere(path.join(npm, '.bin', 'bun')) };

function run(script, given) {
	const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(pools, script), JSON.stringify(given)],
		{ encoding: 'utf8', env: { ...process.env, URINGSPAWN_DAEMON: path.join(build, 'uringspawnd') }, timeout: 60000 });

	assert.strictEqual(status, 0, stderr);
	return JSON.parse(stdout);
}

for (const kind of Object.keys(KINDS))
	test(`echoes of ${kind}`, { skip: missing(kind, brought) || false }, () => {
		for (const bytes of [0, 200000]) {
			const { rate, parent_us: cpu } = run('echo.js', { ...brought, kind, bytes, workers: 2, outstanding: 4, requests: 20, serialization: 'json' });

			assert.ok(rate > 0 && cpu >= 0);
		}
	});

for (const kind of ['spawn', 'uringspawn', 'standby'])
	test(`requests that are served by ${kind}`, () => {
		const { p50_ms: p50, dry } = run('standby.js', { kind, requests: 5, per_second: 0, connections: 2, spare: 2, settle_ms: 1 });

		assert.ok(p50 > 0);
		assert.strictEqual(dry === null, kind !== 'standby');
	});

test('a wrong command line is named', () => {
	for (const [args, said] of [[[], /--out is missing/], [['--fast'], /--fast/], [['--out', 'x', '--only', 'y'], /there is no "y"/]]) {
		const { status, stderr } = spawnSync(process.execPath, [path.join(pools, 'run.js'), ...args], { encoding: 'utf8' });

		assert.strictEqual(status, 2);
		assert.match(stderr, said);
	}
	const { status, stderr } = spawnSync(path.join(pools, '..', 'run'), ['--section', 'nonesuch'], { encoding: 'utf8' });

	assert.strictEqual(status, 2);
	assert.match(stderr, /there is no "nonesuch"/);
});
