'use strict';
/*
 * node --import and --require uringspawn/register, with programs that know nothing of it.
 */
const assert = require('assert');
const path = require('path');
const { spawnSync } = require('child_process');
const { test, skip, isNode } = require('./support/harness.js');

const here = path.join(__dirname, '..');
const counted = path.join(__dirname, 'support', 'register-and-count.mjs');
const [major, minor] = process.versions.node.split('.').map(Number);
const hasImport = major > 18 || (major === 18 && minor >= 19);

function run(flags, script, { module = false } = {}) {
	const { stdout, stderr, status } = spawnSync(process.execPath,
		[...flags, ...(module ? ['--input-type=module'] : []), '-e', script], { encoding: 'utf8', timeout: 50000 });
	const counts = /^COUNTS (.*)$/m.exec(stderr);

	assert.strictEqual(status, 0, stderr);
	return { stdout, stderr, counts: counts && JSON.parse(counts[1]) };
}

const PRINTS = 'spawn("echo", ["hi"]).stdout.on("data", (data) => process.stdout.write(data));';

function all() {
	test('CommonJS', () => {
		const { stdout, counts } = run(['--import', counted], `const { spawn } = require('child_process'); ${PRINTS}`);

		assert.strictEqual(stdout, 'hi\n');
		assert.deepStrictEqual(counts, { relayed: 1, adopted: 0, runtime: 0 });
	});

	test('ES modules: named, default, and whole', () => {
		for (const statement of ['import { spawn } from "node:child_process";',
			'import cp from "child_process"; const { spawn } = cp;', 'import * as cp from "node:child_process"; const { spawn } = cp;',
			'const { spawn } = await import("child_process");']) {
			const { stdout, counts } = run(['--import', counted], statement + PRINTS, { module: true });

			assert.strictEqual(stdout, 'hi\n');
			assert.strictEqual(counts.relayed, 1, statement);
		}
	});

	test('--require', () => {
		const { stdout } = run(['--require', path.join(here, 'register.cjs')], `
			const cp = require('child_process');
			const uringspawn = require(${JSON.stringify(here + '/index.cjs')});
			cp.execFile('echo', ['hi'], (error, stdout) => console.log(stdout + uringspawn.stats().relayed));`);

		assert.strictEqual(stdout, 'hi\n1\n');
	});

	test('a reference that was taken before', () => {
		const { stdout } = run([], `
			const { spawn, exec, spawnSync } = require('child_process');
			require(${JSON.stringify(here + '/register.cjs')});
			const { stats } = require(${JSON.stringify(here + '/index.cjs')});
			spawn('true').on('close', () => exec('true', () => {
				spawnSync('true');
				console.log(stats().relayed);
			}));`);

		assert.strictEqual(stdout, '3\n');
	});

	test('without register nothing of the runtime is changed for others', () => {
		const { stdout } = run([], `
			const { stats, spawn } = require(${JSON.stringify(here + '/index.cjs')});
			const cp = require('child_process');
			console.log(cp.spawn !== spawn);
			cp.spawn('true').on('close', () => {
				cp.spawnSync('true');
				console.log(JSON.stringify(stats()));
			});`);

		assert.strictEqual(stdout, 'true\n{"relayed":0,"adopted":0,"runtime":0}\n');
	});

	test('util.promisify', () => {
		const { stdout } = run(['--import', counted], `
			const { promisify } = require('util');
			promisify(require('child_process').exec)('echo hi').then(({ stdout }) => process.stdout.write(stdout));`);

		assert.strictEqual(stdout, 'hi\n');
	});

	test('cluster: workers share the daemon of their primary', () => {
		const program = path.join(__dirname, 'programs', 'shared-cluster.js');
		const result = spawnSync(process.execPath, ['--import', counted, program], { encoding: 'utf8', timeout: 50000 });
		assert.strictEqual(result.stdout, 'one daemon for 3 processes\n', result.stderr);
		assert.strictEqual(result.status, 0);
	});

	test('worker threads share it, too', () => {
		const program = path.join(__dirname, 'programs', 'shared-threads.js');
		const result = spawnSync(process.execPath, ['--import', counted, program], { encoding: 'utf8', timeout: 50000 });

		assert.strictEqual(result.stdout, 'one daemon for 3 threads\n', result.stderr);
		assert.strictEqual(result.status, 0);
	});
}

if (isNode && hasImport)
	all();
else
	skip('register', 'this runtime has no --import');
