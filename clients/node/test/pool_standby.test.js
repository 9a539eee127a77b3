'use strict';
/*
 * Standby pools: processes that were started before they are asked for.
 */
const assert = require('assert');
const { once } = require('events');
const { test } = require('./support/harness.js');
const { createPool, execPath, isThere, until, codeOf, after } = require('./support/pools.js');

async function withStandby(options, body) {
	const pool = createPool({ kind: 'standby', command: 'cat', max: 4, ...options });

	try {
		return await body(pool);
	} finally {
		await pool.close({ timeout: 1000 });
	}
}

async function textOf(stream) {
	let text = '';

	for await (const chunk of stream)
		text += chunk;
	return text;
}

/* What a child says, and how it ends. */
async function ended(child) {
	const [stdout, stderr, [code, signal]] = await Promise.all([
		child.stdout ? textOf(child.stdout) : '', child.stderr ? textOf(child.stderr) : '', once(child, 'close'),
	]);

	return { stdout, stderr, code, signal };
}

test('a fresh process for each, as a ChildProcess', () => withStandby({}, async (pool) => {
	const pids = new Set();

	for (let i = 0; i < 6; i++) {
		const child = pool.spawn();
		const seen = [];

		child.on('spawn', () => seen.push('spawn'));
		child.on('exit', () => seen.push('exit'));
		child.stdin.end(`line ${i}\n`);
		assert.deepStrictEqual(await ended(child), { stdout: `line ${i}\n`, stderr: '', code: 0, signal: null });
		assert.deepStrictEqual(seen, ['spawn', 'exit']);
		assert.strictEqual(child.exitCode, 0);
		assert.deepStrictEqual([child.spawnfile, child.spawnargs], ['cat', ['cat']]);
		assert.ok(child.pid > 0);
		pids.add(child.pid);
	}
	assert.strictEqual(pids.size, 6);
}));

test('more at once than stand by', () => withStandby({ max: 3 }, async (pool) => {
	const children = Array.from({ length: 12 }, () => pool.spawn());
	const all = Promise.all(children.map(ended));

	children.forEach((child, i) => child.stdin.end(`${i}`));
	assert.deepStrictEqual((await all).map((one) => one.stdout), children.map((_, i) => `${i}`));
}));

test('a program that has begun, and says that it is ready', () => withStandby({
	command: undefined, script: undefined, ...scriptOf(`
		const started = process.hrtime.bigint();
		process.stderr.write('!');
		process.stdin.once('data', (data) => {
			process.stdout.write('got ' + data);
			process.exitCode = 7;
			process.stdin.destroy();
		});`), ready: 'stderr',
}, async (pool) => {
	for (const text of ['one', 'two']) {
		const child = pool.spawn();

		child.stdin.end(text);
		assert.deepStrictEqual(await ended(child), { stdout: `got ${text}`, stderr: '', code: 7, signal: null });
	}
}));

function scriptOf(text) {
	return { command: execPath, args: ['-e', text] };
}

test('what it wrote before is its use\'s', () => withStandby({ command: 'sh', args: ['-c', 'echo before; cat'] }, async (pool) => {
	const child = pool.spawn();

	child.stdin.end('after\n');
	assert.strictEqual((await ended(child)).stdout, 'before\nafter\n');
}));

test('killed, by its time, by a signal', () => withStandby({ command: 'sleep', args: ['60'] }, async (pool) => {
	const killed = pool.spawn();
	await once(killed, 'spawn');
	assert.strictEqual(killed.kill('SIGUSR1'), true);
	assert.deepStrictEqual((await ended(killed)).signal, 'SIGUSR1');
	const late = pool.spawn({ timeout: 100, killSignal: 'SIGINT' });
	assert.strictEqual((await ended(late)).signal, 'SIGINT');
	const abort = new AbortController();
	const aborted = pool.spawn({ signal: abort.signal });
	const error = once(aborted, 'error');
	await once(aborted, 'spawn');
	abort.abort('enough');
	const [{ name, code, cause }] = await error;
	assert.deepStrictEqual([name, code, cause], ['AbortError', 'ABORT_ERR', 'enough']);
	assert.strictEqual((await ended(aborted)).signal, 'SIGTERM');
	assert.throws(() => pool.spawn({ killSignal: 'SIGNONE' }), { code: 'ERR_INVALID_ARG_VALUE' });
	assert.throws(() => pool.spawn({ cwd: '/' }), { code: 'ERR_INVALID_ARG_VALUE' });
}));

test('its pid is known when it has started', () => withStandby({}, async (pool) => {
	const child = pool.spawn();

	assert.strictEqual(child.pid, undefined);
	await once(child, 'spawn');
	assert.ok(child.pid > 0 && isThere(child.pid));
	child.stdin.end();
	await ended(child);
}));

test('one that waits for a place is ended without waiting for it', () => withStandby({ max: 1 }, async (pool) => {
	const first = pool.spawn();
	await once(first, 'spawn');
	const abort = new AbortController();
	const [killed, aborted] = [pool.spawn(), pool.spawn({ signal: abort.signal })];
	const ends = Promise.all([killed, aborted].map((child) => new Promise((resolve) =>
		child.on('close', (code, signal) => resolve(signal)))));
	const error = once(aborted, 'error');
	const start = Date.now();

	assert.strictEqual(killed.pid, undefined);
	assert.strictEqual(killed.kill(0), true);
	assert.strictEqual(killed.kill('SIGINT'), true);
	abort.abort();
	assert.ok(Date.now() - start < 10000);
	assert.strictEqual((await error)[0].code, 'ABORT_ERR');
	assert.deepStrictEqual(await ends, ['SIGINT', 'SIGTERM']);
	assert.strictEqual(killed.kill(), false);
	first.stdin.end('on');
	assert.strictEqual((await ended(first)).stdout, 'on');
}));

test('drain() waits for those that run', () => withStandby({}, async (pool) => {
	const child = pool.spawn();
	let drained = false;
	const all = pool.drain().then(() => {
		drained = true;
	});

	await once(child, 'spawn');
	await after(50);
	assert.strictEqual(drained, false);
	child.stdin.end();
	await ended(child);
	await all;
	assert.strictEqual(pool.pending, 0);
}));

test('what cannot be started', () => withStandby({ command: '/nowhere/program' }, async (pool) => {
	for (let i = 0; i < 3; i++) {
		const child = pool.spawn();
		const [error] = await once(child, 'error');

		assert.deepStrictEqual([error.code, error.syscall, error.stage], ['ENOENT', 'spawn /nowhere/program', 'exec']);
		assert.strictEqual(child.pid, undefined);
	}
}));

test('streams that are not carried', () => withStandby({ command: 'sh', args: ['-c', 'echo out; echo err >&2'], stdio: ['ignore', 'pipe', 'ignore'] },
	async (pool) => {
		const child = pool.spawn();

		assert.deepStrictEqual([child.stdin, child.stderr], [null, null]);
		assert.strictEqual((await ended(child)).stdout, 'out\n');
	}));

test('it is no pool of workers', () => withStandby({}, async (pool) => {
	assert.strictEqual(await codeOf(pool.run(1)), 'ERR_POOL_KIND');
	assert.strictEqual(await codeOf(pool.acquire()), 'ERR_POOL_KIND');
}));

test('closed: those that stand by are gone, those that run may end', async () => {
	const pool = createPool({ kind: 'standby', command: 'cat', min: 2, max: 4 });
	const child = pool.spawn();
	await once(child, 'spawn');
	const closed = pool.close();

	assert.throws(() => pool.spawn(), { code: 'ERR_POOL_CLOSED' });
	child.stdin.end('still here');
	assert.strictEqual((await ended(child)).stdout, 'still here');
	await closed;
	await until(() => !isThere(child.pid), 'it is gone');
});

test('closed: those that run take as long as they need', async () => {
	const pool = createPool({ kind: 'standby', command: 'sh', args: ['-c', 'read line; sleep 0.5; echo "$line"'], max: 2 });
	const child = pool.spawn();
	await once(child, 'spawn');
	const closed = pool.close();

	child.stdin.end('to its end\n');
	assert.deepStrictEqual(await ended(child), { stdout: 'to its end\n', stderr: '', code: 0, signal: null });
	await closed;
});
