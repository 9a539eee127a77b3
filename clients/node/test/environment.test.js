'use strict';
/*
 * process.env: whoever writes to it, and by whatever way, the next child sees it; and the
 * object that stands in its place is as good as the one before.
 */
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { both, watch, thrown, test, skip, isNode, runtime, directory } = require('./support/harness.js');

const index = path.join(__dirname, '..', 'index.cjs');
const register = path.join(__dirname, '..', 'register.cjs');
const SHOW = ['sh', ['-c', 'echo "${USP_SEEN-none}"']];

/* A program of its own prints the same by both; `load` is run first, and leaves `cp`. */
function compare(script, { flags = [], env = {}, module = false, name = 'program' } = {}) {
	const ways = module ?
		{ runtime: "import cp from 'child_process';", ours: `import cp from ${JSON.stringify(index.replace('.cjs', '.mjs'))};`,
			registered: `import cp from 'child_process';` } :
		{ runtime: "const cp = require('child_process');", ours: `const cp = require(${JSON.stringify(index)});`,
			registered: "const cp = require('child_process');" };
	const results = {};

	for (const [way, load] of Object.entries(ways)) {
		const file = path.join(directory, `${name}-${way}.${module ? 'mjs' : 'cjs'}`);

		fs.writeFileSync(file, script.includes('LOAD') ? script.replace('LOAD', load) : `${load}\n${script}`);
		const { stdout, stderr, status } = runtime.spawnSync(process.execPath,
			[...(way === 'registered' ? ['--require', register] : []), ...flags, file],
			{ encoding: 'utf8', timeout: 50000, env: { ...process.env, ...env } });
		results[way] = { stdout, status, stderr: stderr.replace(/\(node:\d+\)/g, '(node)').replaceAll(file, 'FILE') };
	}
	assert.notStrictEqual(results.runtime.stdout, '', results.runtime.stderr);
	assert.deepStrictEqual(results.ours, results.runtime);
	assert.deepStrictEqual(results.registered, results.runtime);
}

both('what is assigned, deleted, and defined', async ({ spawn }, record) => {
	const steps = [() => process.env.USP_SEEN = 'a', () => process.env['USP_SEEN'] += 'b', () => delete process.env.USP_SEEN,
		() => Object.assign(process.env, { USP_SEEN: 'c' }), () => Reflect.set(process.env, 'USP_SEEN', 'd'),
		() => Reflect.deleteProperty(process.env, 'USP_SEEN'), () => process.env.USP_SEEN = '', () => process.env.USP_SEEN = undefined,
		() => process.env.USP_SEEN = null, () => process.env.USP_SEEN = 5, () => process.env.USP_SEEN = 'é€😀'];

	await watch(spawn(...SHOW), record);
	for (const step of steps) {
		step();
		await watch(spawn(...SHOW), record);
	}
	delete process.env.USP_SEEN;
});

both('between two calls in the same turn', async ({ spawn }, record) => {
	const ends = [];

	for (const value of ['one', 'two', 'three']) {
		process.env.USP_SEEN = value;
		ends.push(watch(spawn(...SHOW), (...seen) => record(value, ...seen.filter((one) => typeof one === 'string' && /stdout|one|two|three/.test(one)))));
		await Promise.all(ends);
	}
	process.env.USP_SEEN = 'four';
	const child = spawn(...SHOW);
	process.env.USP_SEEN = 'five';
	await watch(child, record);
	delete process.env.USP_SEEN;
});

both('another object in its place', async ({ spawn }, record) => {
	const before = process.env;

	process.env = { PATH: before.PATH, USP_SEEN: 'an object' };
	await watch(spawn(...SHOW), record);
	process.env.USP_SEEN = 'changed';
	await watch(spawn(...SHOW), record);
	process.env = { ...before, USP_SEEN: 'a copy' };
	await watch(spawn(...SHOW), record);
	process.env = before;
	await watch(spawn(...SHOW), record);
});

both('what the values of options.env may be', async ({ spawn }, record) => {
	const { PATH } = process.env;

	await watch(spawn(...SHOW, { env: { PATH, USP_SEEN: 5 } }), record);
	await watch(spawn(...SHOW, { env: { PATH, USP_SEEN: null } }), record);
	await watch(spawn(...SHOW, { env: { PATH, USP_SEEN: ['a', 'b'] } }), record);
	await watch(spawn(...SHOW, { env: { PATH, USP_SEEN: { toString: () => 'made' } } }), record);
	await watch(spawn(...SHOW, { env: { PATH, USP_SEEN: 'é€😀' } }), record);
	await watch(spawn(...SHOW, { env: { PATH, [Symbol('USP_SEEN')]: 'a symbol', USP_SEEN: 'no symbol' } }), record);
	await watch(spawn(...SHOW, { env: new Proxy({ PATH, USP_SEEN: 'a proxy' }, {}) }), record);
	await watch(spawn(...SHOW, { env: Object.assign(Object.create(null), { PATH, USP_SEEN: 'without a prototype' }) }), record);
	await watch(spawn('env', { env: { PATH, 'A B': 'c', 'x=y': 'z', '': 'empty' } }), record);
	thrown(record, () => spawn(...SHOW, { env: { get USP_SEEN() { throw new Error('a getter'); } } }));
	thrown(record, () => spawn(...SHOW, { env: { USP_SEEN: Symbol('x') } }));
}, { way: null, saysItself: ['bun', 'deno'] });

both('an object for the environment that changes between calls', async ({ spawn }, record) => {
	const env = { PATH: process.env.PATH, USP_SEEN: '1' };
	const options = { env };

	await watch(spawn(...SHOW, options), record);
	env.USP_SEEN = '2';
	await watch(spawn(...SHOW, options), record);
	delete env.USP_SEEN;
	await watch(spawn(...SHOW, options), record);
	record(Object.keys(options), Object.keys(env));
});

both('many environments', async ({ execFile }, record) => {
	const texts = await Promise.all(Array.from({ length: 150 }, (_, i) => new Promise((resolve) =>
		execFile(...SHOW, { env: { PATH: process.env.PATH, USP_SEEN: String(i % 50) } }, (error, stdout) => resolve(stdout.trim())))));

	record(texts.join());
});

both('a large one', async ({ spawn }, record) => {
	const env = { PATH: process.env.PATH };

	for (let i = 0; i < 50; i++)
		env[`USP_LARGE_${i}`] = String(i).repeat(5000);
	await watch(spawn('sh', ['-c', 'env | grep -c USP_LARGE; echo ${#USP_LARGE_49}'], { env }), record);
});

function ofNode() {
	test('a reference to process.env from before, in CommonJS', () => {
		compare(`const { env } = process;
			LOAD
			const before = process.env;
			const show = () => cp.execFileSync('sh', ['-c', 'echo "$USP_SEEN"'], { encoding: 'utf8' });
			console.log(show());
			env.USP_SEEN = '1';
			console.log(show());
			before.USP_SEEN = '2';
			console.log(show());
			delete env.USP_SEEN;
			console.log(show(), env.USP_SEEN, process.env.USP_SEEN, before.USP_SEEN);`, { name: 'before' });
	});

	test('a reference to process.env from before, in ES modules', () => {
		compare(`import process, { env } from 'node:process';
			LOAD
			const show = () => cp.execFileSync('sh', ['-c', 'echo "$USP_SEEN"'], { encoding: 'utf8' });
			console.log(show());
			env.USP_SEEN = '1';
			console.log(show());
			process.env.USP_SEEN = '2';
			console.log(show(), env.USP_SEEN);`, { module: true, name: 'before-module' });
	});

	test('process.loadEnvFile()', () => {
		const file = path.join(directory, 'dot-env');

		fs.writeFileSync(file, 'USP_SEEN=from a file\n');
		compare(`const show = () => cp.execFileSync('sh', ['-c', 'echo "$USP_SEEN"'], { encoding: 'utf8' });
			console.log(show());
			if (process.loadEnvFile)
				process.loadEnvFile(${JSON.stringify(file)});
			console.log(show());`, { name: 'load-env' });
	});

	test('process.env is as good as before', () => {
		compare(`const util = require('util'), assert = require('assert'), v8 = require('v8');
			cp.execFileSync('true');
			const attempt = (call) => { try { return call(); } catch (error) { return error.name + ': ' + error.message; } };
			const { env } = process;
			env.USP_A = 1;
			for (const call of [() => env.USP_A, () => typeof env, () => 'USP_A' in env, () => 'USP_B' in env, () => env.USP_B,
				() => Object.keys(env).includes('USP_A'), () => Object.getOwnPropertyDescriptor(env, 'USP_A'),
				() => Object.prototype.hasOwnProperty.call(env, 'USP_A'), () => env.hasOwnProperty('USP_A'), () => delete env.USP_A, () => env.USP_A,
				() => { 'use strict'; env.USP_S = Symbol('x'); }, () => { 'use strict'; env[Symbol.for('x')] = 'y'; return env[Symbol.for('x')]; },
				() => Object.defineProperty(env, 'USP_D', { value: 'd' }), () => Object.defineProperty(env, 'USP_D', { get() {} }),
				() => Object.defineProperty(env, 'USP_D', { value: 'd', configurable: true, writable: true, enumerable: true }) === env, () => env.USP_D,
				() => Object.freeze(env), () => Object.isFrozen(env), () => Object.isExtensible(env), () => Object.getPrototypeOf(env) === Object.prototype,
				() => String(env), () => Object.prototype.toString.call(env), () => JSON.parse(JSON.stringify(env)).USP_D,
				() => ({ ...env }).USP_D, () => Object.entries(env).length === Object.keys(env).length, () => structuredClone(env).USP_D,
				() => v8.serialize(env).length > 0, () => util.inspect({ ...env }) === util.inspect(env), () => assert.deepEqual({ ...env }, env),
				() => { let found = 0; for (const name in env) found += name === 'USP_D'; return found; }, () => Reflect.ownKeys(env).includes('USP_D'),
				() => require('vm').runInNewContext('env.USP_D', { env }), () => env === process.env, () => env.constructor === Object,
				() => env.toString === Object.prototype.toString, () => Object.getOwnPropertyNames(env).includes('USP_D'),
				() => { env[''] = 'x'; return env['']; }, () => Object.setPrototypeOf(env, Object.prototype) === env,
				() => env.__proto__ === Object.prototype])
				console.log(String(call), attempt(call));`, { name: 'as-good' });
	});

	test('worker threads with an environment of theirs', () => {
		compare(`const { Worker, isMainThread, parentPort, SHARE_ENV, workerData } = require('worker_threads');
			const show = () => cp.execFileSync('sh', ['-c', 'echo "$USP_SEEN"'], { encoding: 'utf8' }).trim();
			async function main() {
				process.env.USP_SEEN = 'main';
				console.log(show());
				for (const env of [undefined, process.env, { ...process.env, USP_SEEN: 'given' }, { PATH: process.env.PATH }, SHARE_ENV]) {
					const worker = new Worker(__filename, { env, workerData: env === SHARE_ENV });
					await new Promise((resolve, reject) => worker.on('message', (text) => console.log(text)).on('error', reject).on('exit', resolve));
					console.log(show());
				}
			}
			if (isMainThread) {
				main();
			} else {
				const first = show();
				process.env.USP_SEEN = 'worker';
				parentPort.postMessage([first, show()]);
			}`, { name: 'threads' });
	});

	test('NODE_V8_COVERAGE goes on to a child that has another environment', () => {
		compare(`const show = (options) => console.log(cp.execFileSync('sh', ['-c', 'echo "$NODE_V8_COVERAGE"'], { encoding: 'utf8', ...options }));
			show();
			show({ env: { PATH: process.env.PATH } });
			show({ env: { PATH: process.env.PATH, NODE_V8_COVERAGE: '' } });
			cp.spawn('sh', ['-c', 'echo "$NODE_V8_COVERAGE"'], { env: {}, stdio: ['ignore', 'pipe', 'ignore'] }).stdout.pipe(process.stdout);`,
		{ name: 'coverage', env: { NODE_V8_COVERAGE: path.join(directory, 'coverage') } });
	});

	test('the PATH of the program is changed', () => {
		compare(`const fs = require('fs');
			const directory = ${JSON.stringify(path.join(directory, 'bin'))};
			fs.mkdirSync(directory, { recursive: true });
			fs.writeFileSync(directory + '/usp-own', '#!/bin/sh\\necho mine', { mode: 0o755 });
			const attempt = () => { try { return cp.execFileSync('usp-own', { encoding: 'utf8' }); } catch (error) { return error.code; } };
			console.log(attempt());
			process.env.PATH += ':' + directory;
			console.log(attempt());
			process.env.PATH = '';
			console.log(attempt());
			delete process.env.PATH;
			console.log(attempt());`, { name: 'path' });
	});
}

if (isNode)
	ofNode();
else
	skip('process.env, by programs', 'they are written for node');
