'use strict';
/*
 * One body, run with the runtime's own child_process and with this package: what it records
 * has to be the same.  So a test says nothing of how a thing ought to be; the runtime does.
 *
 * Node runs these by node:test.  Bun and Deno, whose node:test is not all there, by the few
 * lines at the end, which print TAP as well.  What is right is said by Node there, too: it
 * is run with the same file and USP_RECORD=1, and prints what its child_process does.
 */
const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const runtime = require('child_process');
const uringspawn = require('../../index.cjs');

const isNode = !process.versions.bun && !globalThis.Deno;
const isRecording = process.env.USP_RECORD === '1';
const LIMIT_MS = 60000;

/* The same one for who says what is right. */
const directory = process.env.USP_TEST_DIRECTORY || fs.mkdtempSync(path.join(os.tmpdir(), 'uringspawn-test-'));
if (process.env.USP_TEST_DIRECTORY === undefined)
	process.on('exit', () => fs.rmSync(directory, { recursive: true, force: true }));

/* As a plain value that two runs have in common. */
function plain(value, depth = 0) {
	if (depth > 3)
		return 'deeper';
	if (value instanceof Error) {
		const all = { name: value.name, message: value.message };

		for (const key of Object.keys(value))
			all[key] = key === 'pid' ? 'a pid' : plain(value[key], depth + 1);
		return all;
	}
	if (Buffer.isBuffer(value) || value instanceof Uint8Array)
		return `bytes ${Buffer.from(value).toString('latin1')}`;
	if (Array.isArray(value))
		return value.map((one) => plain(one, depth + 1));
	if (value && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
		const copy = {};

		for (const key of Object.keys(value))
			copy[key] = key === 'pid' && value[key] > 0 ? 'a pid' : plain(value[key], depth + 1);
		return copy;
	}
	return typeof value === 'function' ? 'a function' : value;
}

async function observe(body, child_process) {
	const seen = [];

	await body(child_process, (...values) => seen.push(plain(values.length === 1 ? values[0] : values)));
	return seen;
}

/**
 * @param {function} body  async (child_process, record): record(...values) what is seen
 * @param {object} [options]  way: 'relayed' | 'adopted' | 'runtime' | null: how all of its spawns have to go here, by
 *   default not by the runtime; without the addon adopted ones, and those that pass descriptors, do
 *   saysItself: ['bun', 'deno'] have other words than Node, whether it comes here or not: theirs are right;
 *   differs: {bun, deno}: why it is not tried there
 */
function both(name, body, { way = 'carried', saysItself = [], differs } = {}) {
	if (isRecording) {
		recordings.push({ name, body });
		return;
	}
	if (differs && differs[runtimeName]) {
		skip(name, differs[runtimeName]);
		return;
	}
	test(name, async () => {
		const here = isNode || saysItself.includes(runtimeName);
		const expected = here ? await observe(body, runtime) : recorded()[name];
		const before = uringspawn.stats();
		const actual = await observe(body, uringspawn);
		const after = uringspawn.stats();

		assert.ok(expected.length > 0, 'the body records nothing');
		assert.deepStrictEqual(here ? actual : JSON.parse(encoded(actual)), expected);
		if (way === 'carried')
			assert.strictEqual(after.runtime - before.runtime, 0, 'the runtime spawned something');
		else if (way === 'descriptors' && uringspawn.passesDescriptors())
			assert.strictEqual(after.runtime - before.runtime, 0, 'the runtime spawned something');
		else if (way === 'runtime')
			assert.ok(after.runtime > before.runtime, 'the runtime spawned nothing');
	});
}

/* ---- what Node does, for the others ----------------------------------------------------- */

const runtimeName = isNode ? 'node' : process.versions.bun ? 'bun' : 'deno';
const recordings = [];
let known = null;

/* JSON has none of these. */
function encoded(value) {
	return JSON.stringify(value, (key, one) => one === undefined ? 'undefined' :
		typeof one === 'number' && !Number.isFinite(one) || typeof one === 'bigint' ? String(one) : one);
}

async function printRecordings() {
	const all = {};

	for (const { name, body } of recordings)
		all[name] = await observe(body, runtime);
	fs.writeSync(1, encoded(all));
	process.exit();
}

/* By the name of the test. */
function recorded() {
	if (known === null) {
		const { stdout, stderr, error } = runtime.spawnSync(process.env.USP_NODE || 'node', [process.argv[1]],
			{ encoding: 'utf8', env: { ...process.env, USP_RECORD: '1', USP_TEST_DIRECTORY: directory }, maxBuffer: Infinity, timeout: LIMIT_MS,
				stdio: ['inherit', 'pipe', 'pipe'] });

		try {
			known = JSON.parse(stdout.slice(stdout.indexOf('{"')));
		} catch {
			throw new Error(`node did not say what is right: ${error ? error.message : stderr}`);
		}
	}
	return known;
}

if (isRecording)
	setImmediate(printRecordings);

/** Record the events of a child, in their order, and what its streams bring; resolves at 'close'. */
function watch(child, record, { streams = true } = {}) {
	const output = {};

	for (const event of ['spawn', 'error', 'exit', 'close', 'disconnect', 'message'])
		child.on(event, (...args) => record(event, ...args));
	for (const name of streams ? ['stdout', 'stderr'] : []) {
		if (!child[name])
			continue;
		output[name] = [];
		child[name].on('data', (chunk) => output[name].push(chunk));
	}
	return new Promise((resolve) => child.on('close', () => {
		for (const [name, chunks] of Object.entries(output))
			record(name, chunks.map(String).join(''));
		resolve();
	}));
}

/** Resolves at 'close', with what that says, whatever error there was before. */
function closed(child) {
	child.on('error', () => {});
	return new Promise((resolve) => child.on('close', (...args) => resolve(args)));
}

/** The arguments of a spawn() that has the shell run `script`. */
const SH = (script, ...rest) => ['sh', ['-c', script], ...rest];

/** All that a stream brings, in the encoding that it has. */
async function textOf(stream) {
	let text = '';

	for await (const chunk of stream)
		text += chunk;
	return text;
}

/** What `call` throws, recorded; or that it does not. */
function thrown(record, call) {
	try {
		call();
		record('no error');
	} catch (error) {
		record({ name: error.name, code: error.code, message: error.message });
	}
}

/* ---- where node:test is not ------------------------------------------------------------ */

const queue = [];

let running = null;

async function runOne({ name, body }) {
	running = name;
	try {
		await Promise.race([body(), new Promise((_, reject) =>
			setTimeout(() => reject(new Error('it hangs')), LIMIT_MS).unref())]);
		console.log(`ok - ${name}`);
		return true;
	} catch (error) {
		console.log(`not ok - ${name}`);
		console.log(String(error && error.message).replace(/^/gm, '# '));
		return false;
	} finally {
		running = null;
	}
}

async function runQueue() {
	let failed = 0;

	process.on('exit', () => {
		if (running === null)
			return;
		console.log(`not ok - ${running}\n# the event loop ended before it did`);
		process.exitCode = 1;
	});
	for (const one of queue)
		failed += await runOne(one) ? 0 : 1;
	process.exit(failed > 0 ? 1 : 0);
}

function test(name, body) {
	if (isRecording)
		return;
	if (isNode) {
		require('node:test').test(name, { timeout: LIMIT_MS }, body);
		return;
	}
	if (queue.push({ name, body }) === 1)
		setImmediate(runQueue);
}

/** A test that cannot be run here, counted. */
function skip(name, why) {
	if (isRecording)
		return;
	if (isNode)
		require('node:test').test(name, { skip: why }, () => {});
	else
		test(`${name} # SKIP ${why}`, async () => {});
}

/** Whether a process is there, and no zombie. */
function isThere(pid) {
	try {
		return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'latin1'));
	} catch {
		return false;
	}
}

/** Wait until something holds. */
async function until(condition, what) {
	const start = Date.now();

	while (!condition()) {
		assert.ok(Date.now() - start < 30000, `not within 30 s: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}

module.exports = { both, watch, closed, SH, textOf, thrown, test, skip, isNode, directory, runtime, uringspawn, isThere,
	until };
