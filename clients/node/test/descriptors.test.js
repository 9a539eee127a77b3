'use strict';
/*
 * Descriptors of the program in stdio, without a channel: what the addon lets the daemon
 * carry, as the runtime does it itself.
 */
const { test, describe, before, after } = require('node:test');
const assert = require('node:assert');
const fs = require('fs');
const path = require('path');
const { once } = require('events');
const runtime = require('child_process');
const { addon, skip, serve, descriptors, textOf } = require('./support/served.js');
const own = require('../index.cjs');

const LIMIT_MS = 60000;
const CLOSED = 0x7ffff;
let daemon;

before(async () => {
	if (skip)
		return;
	daemon = await serve();
	own.configure({ socket: daemon.socket });
	await once(own.spawn('true', [], { stdio: 'ignore' }), 'exit'); /* so that there is a connection */
});

after(async () => {
	if (daemon)
		await daemon.stop();
});

/* The same with node:child_process and with the package, by the daemon. */
function same(name, body) {
	test(name, { skip, timeout: LIMIT_MS }, async () => {
		const theirs = await body(runtime);
		const { relayed } = own.stats();
		const ours = await body(own);

		assert.deepStrictEqual(ours, theirs);
		assert.ok(own.stats().relayed > relayed, 'it went to the daemon');
	});
}

const outcome = ({ status, signal, stdout, error }) => ({
	status, signal, stdout: stdout && String(stdout), error: error && [error.code, error.message],
});

/* Which of the first descriptors there are; test(1) opens none. */
const SHOW = 'for n in 0 1 2 3 4 5; do [ -e /proc/$$/fd/$n ] && echo $n; done; true';

/* A pipe whose reading end does not block, with something to read only after a while. */
function lateInput(call) {
	const [ours, theirs] = addon.socketpair();
	const writer = runtime.spawn('sh', ['-c', 'sleep 0.2; echo late'], { stdio: ['ignore', theirs, 'inherit'] });

	addon.closeFd(theirs);
	return { result: call(ours), writer, done: () => addon.closeFd(ours) };
}

describe('spawn', () => {
	same('a file for output, and nothing left open', async ({ spawn }) => {
		const open = descriptors().length;
		const file = path.join(daemon.directory, 'out');
		const fd = fs.openSync(file, 'w');
		const child = spawn('echo', ['into the file'], { stdio: ['ignore', fd, 'inherit'] });
		const shape = [child.stdout, child.stdio.length];

		fs.closeSync(fd);
		const end = await once(child, 'close');
		return [end, shape, fs.readFileSync(file, 'utf8'), descriptors().length - open];
	});

	same('an ignored descriptor above 2 is not there', async ({ spawn }) => {
		const child = spawn('sh', ['-c', SHOW], { stdio: ['ignore', 'pipe', 'inherit', 'ignore', 'pipe', 'ignore'] });

		return textOf(child.stdout);
	});

	same('an input that does not block here does there', async ({ spawn }) => {
		const { result, done } = lateInput((fd) => spawn('head', ['-n', '1'], { stdio: [fd, 'pipe', 'pipe'] }));
		const texts = await Promise.all([textOf(result.stdout), textOf(result.stderr)]);

		done();
		return texts;
	});

	test('one that is closed is the same exception, and hurts nobody else', { skip, timeout: LIMIT_MS }, async () => {
		const bystander = own.spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore'] });
		const errors = [runtime, own].map(({ spawn }) => {
			try {
				spawn('true', [], { stdio: ['ignore', CLOSED, 'ignore'] });
				return null;
			} catch (error) {
				return [error.code, error.message];
			}
		});

		assert.notStrictEqual(errors[0], null);
		assert.deepStrictEqual(errors[1], errors[0]);
		bystander.stdin.end();
		assert.deepStrictEqual(await once(bystander, 'exit'), [0, null]);
	});
});

describe('spawnSync', () => {
	same('a file for output', ({ spawnSync }) => {
		const file = path.join(daemon.directory, 'sync');
		const fd = fs.openSync(file, 'w');
		const result = spawnSync('echo', ['into the file'], { stdio: ['ignore', fd, 'inherit'] });

		fs.closeSync(fd);
		return [outcome(result), fs.readFileSync(file, 'utf8')];
	});

	same('an ignored descriptor above 2 is not there', ({ spawnSync }) =>
		outcome(spawnSync('sh', ['-c', SHOW], { stdio: ['ignore', 'pipe', 'inherit', 'ignore', 'ignore'] })));

	same('an input that does not block here does there', ({ spawnSync }) => {
		const { result, done } = lateInput((fd) => spawnSync('head', ['-n', '1'], { stdio: [fd, 'pipe', 'inherit'] }));

		done();
		return outcome(result);
	});

	test('one that is closed is the same error, and hurts nobody else', { skip, timeout: LIMIT_MS }, async () => {
		const bystander = own.spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore'] });
		const results = [runtime, own].map(({ spawnSync }) =>
			outcome(spawnSync('true', [], { stdio: ['ignore', 'pipe', CLOSED] })));

		assert.strictEqual(results[0].error[0], 'EBADF');
		assert.deepStrictEqual(results[1], results[0]);
		bystander.stdin.end();
		assert.deepStrictEqual(await once(bystander, 'exit'), [0, null]);
	});

	test('a daemon that dies meanwhile is an error, and the program goes on', { skip, timeout: LIMIT_MS }, async () => {
		const mortal = await serve();
		const script = `
			const { configure, spawnSync } = require(${JSON.stringify(path.join(__dirname, '..', 'index.cjs'))});
			configure({ socket: ${JSON.stringify(mortal.socket)} });
			const { error } = spawnSync('sh', ['-c', 'kill -9 $PPID; sleep 1']);
			console.log(error.code);
			setTimeout(() => console.log('on'), 50);`;
		const { stdout, stderr } = runtime.spawnSync(process.execPath, ['-e', script],
			{ encoding: 'utf8', timeout: 30000 });

		await mortal.stop();
		assert.deepStrictEqual([stdout, stderr], ['ECONNRESET\non\n', '']);
	});
});
