'use strict';
/*
 * uringspawn/commands: what a command of a worker's does is what node:child_process does, and
 * then what only commands of a pool have.
 */
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { EventEmitter, once } = require('events');
const { test, watch, closed, textOf, isNode, skip, directory, runtime } = require('./support/harness.js');
const { PoolAlone } = require('./support/pool_alone.js');
const { createCommands, Commands, WORKER } = require('../commands.cjs');

const start = (options) => new Commands(new PoolAlone(WORKER), options);

async function seen(spawn, body) {
	const records = [];

	await body(spawn, (...values) => records.push(values.map((value) =>
		value instanceof Error ? { message: value.message, code: value.code, syscall: value.syscall, path: value.path } : value)));
	return records;
}

function same(name, body) {
	test(name, async () => {
		const commands = start();
		const ours = await seen((...args) => commands.spawn(...args), body);

		await commands.close();
		assert.deepStrictEqual(ours, await seen(runtime.spawn, body));
	});
}

/* Of a program that ends by itself. */
const ran = (...args) => async (spawn, record) => {
	const child = spawn(...args);

	if (child.stdin)
		child.stdin.on('error', () => {}).end('input\n');
	await watch(child, record);
	record(child.exitCode, child.signalCode, child.killed, child.spawnfile, child.spawnargs, child.stdio.map(Boolean));
};

function ofNode() {
	same('output, errors and an exit code', ran('sh', ['-c', 'cat; echo err >&2; exit 3']));
	same('a program that is not there', ran('/nonesuch/program', ['x']));
	same('a directory that is not there', ran('true', [], { cwd: '/nonesuch' }));
	same('a directory, an environment and a name', ran('sh', ['-c', 'pwd; echo $NAME; echo $0'],
		{ cwd: '/', env: { NAME: 'value', PATH: process.env.PATH }, argv0: 'other' }));
	same('a shell', ran('echo $((1 + 1))', { shell: true }));
	same('a signal that it sends to itself', ran('sh', ['-c', 'kill -USR1 $$']));
	same('a timeout', ran('sleep', ['1000'], { timeout: 20, killSignal: 'SIGINT' }));
	same('nothing of a stream', ran('sh', ['-c', 'echo out; echo err >&2'], { stdio: ['ignore', 'pipe', 'ignore'] }));
	same('much output, and as much input', async (spawn, record) => {
		const child = spawn('cat', []);
		const input = Buffer.alloc(3000000, 'abc');
		let size = 0, wrong = 0;

		child.stdin.end(input);
		for await (const chunk of child.stdout) {
			wrong += input.compare(chunk, 0, chunk.length, size, size + chunk.length) === 0 ? 0 : 1;
			size += chunk.length;
		}
		record(size, wrong);
	});
	same('kill()', async (spawn, record) => {
		const child = spawn('sleep', ['1000']);

		await once(child, 'spawn');
		record(child.kill('SIGUSR2'), child.killed);
		record(await closed(child));
		record(child.kill(), child.signalCode);
	});
	same('a stdin that nobody reads', async (spawn, record) => {
		const child = spawn('true', []);

		await once(child, 'exit');
		record(child.stdin.destroyed);
	});
	same('output that nobody reads', async (spawn, record) => {
		record(await closed(spawn('echo', ['unread'])));
	});
	same('an abort', async (spawn, record) => {
		const controller = new AbortController();
		const child = spawn('sleep', ['1000'], { signal: controller.signal });
		const errors = [];

		await once(child, 'spawn');
		child.on('error', ({ name, code }) => errors.push(name, code));
		controller.abort();
		record(await closed(child), errors);
	});

	test('a reader that is slow holds the command up, and loses nothing', async () => {
		const commands = start({ drain: 10 });
		const child = commands.spawn('sh', ['-c', 'head -c 2000000 /dev/zero']);
		const exited = once(child, 'exit');
		let size = 0;

		await once(child, 'spawn');
		for await (const chunk of child.stdout) {
			size += chunk.length;
			if (size < 600000)
				await new Promise((resolve) => setTimeout(resolve, 1));
		}
		assert.deepStrictEqual([await exited, size], [[0, null], 2000000]);
		await commands.close();
	});

	test('one that nobody reads to its end learns of it', async () => {
		const commands = start();
		const child = commands.spawn('yes');

		child.stdout.destroy();
		await closed(child);
		assert.notStrictEqual(child.exitCode, 0);
		await commands.close();
	});

	test('what comes after the end of a command is dropped, counted, and nobody else\'s', async () => {
		const commands = start({ drain: 20 });
		const [go, gone] = ['go', 'gone'].map((name) => path.join(directory, `commands.${name}`));

		runtime.execFileSync('mkfifo', [go, gone]);
		/* What it leaves behind writes when it is told to, and says when it has. */
		const child = commands.spawn('sh', ['-c', `(read x <${go}; echo late; echo late >&2; echo >${gone}) & echo now`]);
		assert.strictEqual(await textOf(child.stdout), 'now\n');
		fs.writeFileSync(go, 'go\n');
		fs.readFileSync(gone);
		assert.strictEqual(await textOf(commands.spawn('echo', ['next']).stdout), 'next\n');
		for (let i = 0; commands.droppedBytes < 10 && i < 1000; i++)
			assert.strictEqual(await textOf(commands.spawn('echo', [`${i}`]).stdout), `${i}\n`);
		assert.strictEqual((await commands.stats()).droppedBytes, 10);
		await commands.close();
	});

	test('a worker that dies is an error of its command', async () => {
		const commands = start();
		const child = commands.spawn('cat');
		const errors = [];

		child.on('error', (error) => errors.push(error.code));
		await once(child, 'spawn');
		process.kill(commands.pool.worker.child.pid, 'SIGKILL');
		await new Promise((resolve) => child.on('close', resolve));
		assert.deepStrictEqual(errors, ['ERR_POOL_WORKER_EXITED']);
		assert.strictEqual(child.kill(), false);
		process.kill(child.pid, 'SIGKILL'); /* a pool's daemon would have */
	});

	test('a worker whose caller is gone ends, and so does its command', async () => {
		const commands = start();
		const child = commands.spawn('sleep', ['1000']);

		child.on('error', () => {});
		await once(child, 'spawn');
		assert.strictEqual(await commands.pool.worker.end(), 0, commands.pool.worker.errors);
		assert.throws(() => process.kill(child.pid, 0), /ESRCH/);
	});

	test('through a pool of the daemon\'s, one after the other and several at once', async () => {
		const commands = createCommands({ max: 2, output: 'inherit' });
		const parents = new Set();
		const run = async (n) => {
			const child = commands.spawn('sh', ['-c', 'echo $PPID; cat']);

			child.stdin.end(`${n}`);
			const [parent, text] = (await textOf(child.stdout)).split('\n');
			parents.add(parent);
			assert.strictEqual(text, `${n}`);
		};

		for (let n = 0; n < 5; n++)
			await run(n);
		await Promise.all([1, 2, 3, 4, 5, 6].map(run));
		assert.ok(parents.size <= 2);
		assert.strictEqual((await commands.stats()).droppedBytes, 0);
		await commands.close();
	});

	test('each message to the worker is answered', async () => {
		const commands = start();
		let worker;
		const { acquire } = commands.pool;

		commands.pool.acquire = async function () {
			worker = await acquire.call(this);
			return worker;
		};
		const child = commands.spawn('sh', ['-c', 'cat; kill -STOP $$']);
		child.stdin.end('text');
		for await (const chunk of child.stdout) {
			assert.strictEqual(String(chunk), 'text');
			child.kill('SIGKILL');
		}
		await (child.exitCode === null && child.signalCode === null && once(child, 'exit'));
		await commands.drain();
		assert.strictEqual(worker.unanswered, 0);
		await commands.close();
	});
}

/* Lost, but nobody was told yet. */
class LostWorker extends EventEmitter {
	constructor() {
		super();
		Object.assign(this, { pid: 1, connected: true, exitCode: null, signalCode: null });
	}

	send() {
		assert.ok(this.connected, 'it was sent to');
	}

	lose() {
		Object.assign(this, { connected: false, signalCode: 'SIGKILL' });
	}

	release() {}
}

test('a worker that dies as it takes what was written', async () => {
	const worker = new LostWorker();
	const child = new Commands({ acquire: async () => worker }).spawn('cat');
	const error = once(child, 'error');
	const close = new Promise((resolve) => child.on('close', resolve));

	await new Promise(setImmediate);
	child.stdin.write('one');
	child.stdin.write('two');
	worker.lose();
	worker.emit('message', { id: child.id, written: true });
	worker.emit('exit', null, 'SIGKILL');
	assert.strictEqual((await error)[0].code, 'ERR_POOL_WORKER_EXITED');
	await close;
});

test('a worker that is dead when it comes', async () => {
	const worker = new LostWorker();

	worker.lose();
	const child = new Commands({ acquire: async () => worker }).spawn('cat');
	const close = new Promise((resolve) => child.on('close', resolve));
	assert.strictEqual((await once(child, 'error'))[0].code, 'ERR_POOL_WORKER_EXITED');
	await close;
});

test('what cannot be done is named', () => {
	const commands = new Commands({});

	assert.throws(() => commands.spawn(''), /file/);
	assert.throws(() => commands.spawn('x', [], { stdio: 'inherit' }), /options\.stdio/);
	assert.throws(() => commands.spawn('x', [], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] }), /options\.stdio/);
	assert.throws(() => new Commands({}, { drain: -1 }), /options\.drain/);
});

if (isNode)
	ofNode();
else
	skip('commands of a worker', 'they are compared with node\'s');
