'use strict';
/*
 * Bun and Deno: what they have instead of the addon, and of a handle.
 */
const assert = require('assert');
const fs = require('fs');
const net = require('net');
const path = require('path');
const { once } = require('events');
const { constants: { errno } } = require('os');
const ffi = require('../lib/ffi.js');
const { test, skip, isNode, runtime, uringspawn, directory } = require('./support/harness.js');

const isDeno = globalThis.Deno !== undefined;
const LIMIT_MS = 50000;

async function until(probe, what) {
	for (const end = Date.now() + LIMIT_MS; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 2)))
		if (probe())
			return;
	throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
}

/* A program's line, which is JSON; flags are for Deno, or for Bun, where they are an array. */
function said(file, flags) {
	const all = isDeno ? ['run', ...flags, file] : [...flags, file];
	const { stdout, stderr, status } = uringspawn.spawnSync(process.execPath, all,
		{ encoding: 'utf8', timeout: LIMIT_MS, env: { ...process.env, DENO_NO_UPDATE_CHECK: '1' } });

	assert.strictEqual(status, 0, stderr);
	return { line: JSON.parse(stdout), stderr };
}

const program = (name) => path.join(__dirname, 'programs', name);
const register = path.join(__dirname, '..', 'register');

/* ---- sockets --------------------------------------------------------------------------- */

let links = 0;

/* A link to a server of this process: {link, peer, events, close()}. */
async function linked(spaceBytes = 1 << 16) {
	const at = path.join(directory, `link-${++links}.sock`);
	const server = net.createServer().listen(at);
	await once(server, 'listening');
	const accepted = once(server, 'connection');
	const events = [];
	const space = Buffer.alloc(spaceBytes);
	const made = { events, bytes: [], space, onBytes: () => {} };

	made.link = ffi.open(ffi.connect(at), (nread) => {
		events.push(nread);
		if (nread > 0)
			made.bytes.push(Buffer.from(space.subarray(0, nread)));
		if (nread > 0)
			made.onBytes();
	}, () => events.push('writable'));
	ffi.setSpace(made.link, space);
	[made.peer] = await accepted;
	made.peer.on('error', () => {});
	made.close = async () => {
		ffi.close(made.link);
		made.peer.destroy();
		server.close();
		await once(server, 'close');
	};
	return made;
}

/* As transport_addon.js waits. */
function receive(made) {
	const nread = ffi.receive(made.link, []);

	if (nread > 0)
		made.bytes.push(Buffer.from(made.space.subarray(0, nread)));
	return nread;
}

function descriptors() {
	return fs.readdirSync('/proc/self/fd').length;
}

function sockets() {
	test('connect: errors have the shape of the runtime\'s', () => {
		const missing = path.join(directory, 'none');

		assert.throws(() => ffi.connect(missing), {
			code: 'ENOENT', errno: -errno.ENOENT, syscall: 'connect', address: missing, message: `connect ENOENT ${missing}`,
		});
		assert.throws(() => ffi.connect('@uringspawn-nobody-listens'), { code: 'ECONNREFUSED' });
		for (const name of ['x'.repeat(108), '', '/tmp/a\0b'])
			assert.throws(() => ffi.connect(name), { code: 'EINVAL' });
	});

	test('what is no descriptor', () => {
		assert.throws(() => ffi.dup(12345), { code: 'EBADF', errno: -errno.EBADF, syscall: 'dup' });
		assert.throws(() => ffi.closeFd(12345), { code: 'EBADF', syscall: 'close' });
		assert.throws(() => ffi.setBlocking(12345), { code: 'EBADF', syscall: 'fcntl' });
	});

	test('a copy of a descriptor is close-on-exec', () => {
		const copy = ffi.dup(0);
		const [, flags] = /^flags:\s*(\d+)/m.exec(fs.readFileSync(`/proc/self/fdinfo/${copy}`, 'utf8'));

		assert.ok(parseInt(flags, 8) & 0o2000000);
		ffi.closeFd(copy);
	});

	test('what the event loop has read comes before what is read after it', async () => {
		const made = await linked(1000);
		const sent = Buffer.alloc(400000);

		for (let i = 0; i < sent.length; i += 4)
			sent.writeUInt32LE(i, i);
		made.onBytes = () => {
			if (made.bytes.length % 3 === 0)
				receive(made);
		};
		made.peer.write(sent);
		await until(() => Buffer.concat(made.bytes).length === sent.length, 'all of it');
		assert.ok(Buffer.concat(made.bytes).equals(sent));
		await made.close();
	});

	test('waiting, and reading without the event loop', async () => {
		const made = await linked();

		assert.strictEqual(ffi.receive(made.link, []), -errno.EAGAIN);
		assert.strictEqual(ffi.wait(made.link, 1, 10), 0);
		assert.strictEqual(ffi.wait(made.link, 2, 10), 2);
		assert.strictEqual(ffi.write(made.link, Buffer.from('-ping-'), 1, 4, undefined), 4);
		const [ping] = await once(made.peer, 'data');
		assert.strictEqual(String(ping), 'ping');
		await made.close();
	});

	test('a socket that is full: somebody says when it is not', async () => {
		const made = await linked();
		const block = Buffer.alloc(100000);
		let size = 0;
		let ret;

		made.peer.pause();
		while ((ret = ffi.write(made.link, block, 0, block.length, undefined)) > 0)
			size += ret;
		assert.strictEqual(ret, -errno.EAGAIN);
		ffi.wantWritable(made.link, true);
		let came = 0;
		made.peer.on('data', (bytes) => came += bytes.length);
		made.peer.resume();
		await until(() => came === size && made.events.includes('writable'), 'room');
		ffi.wantWritable(made.link, false);
		await made.close();
	});

	test('the end is told once, and nothing after close()', async () => {
		const made = await linked();

		made.peer.end('last');
		await until(() => made.events.includes(0), 'its end');
		assert.deepStrictEqual(made.events, [4, 0]);
		ffi.close(made.link);
		ffi.close(made.link);
		assert.strictEqual(ffi.write(made.link, Buffer.from('x'), 0, 1, undefined), -errno.EBADF);
		assert.strictEqual(ffi.receive(made.link, []), -errno.EBADF);
		assert.strictEqual(ffi.wait(made.link, 1, 0), 1);
		await made.close();
		assert.deepStrictEqual(made.events, [4, 0]);
	});

	test('the peer is gone: EPIPE, and no signal', async () => {
		const made = await linked();

		made.peer.destroy();
		await until(() => ffi.write(made.link, Buffer.from('x'), 0, 1, undefined) === -errno.EPIPE, 'EPIPE');
		await made.close();
	});

	test('no descriptor is left of links and failed connections', async () => {
		await (await linked()).close();
		await until(() => true, 'a turn');
		const before = descriptors();

		for (let i = 0; i < 20; i++) {
			await (await linked()).close();
			assert.throws(() => ffi.connect(path.join(directory, 'none')));
		}
		await until(() => descriptors() <= before, 'as many as before');
	});
}

/* ---- programs ---------------------------------------------------------------------------- */

const TEXT = 'named\npromised\ncalled\n';
const COUNTS = { relayed: 3, adopted: 0, runtime: 0 };
const ALL = isDeno ? ['--allow-all'] : [];

function programs() {
	for (const [flag, kind] of [['--preload', 'mjs'], ['--require', 'cjs'], ['--import', 'mjs']])
		test(`${flag} register.${kind}`, () => {
			assert.deepStrictEqual(said(program('preloaded.mjs'), [...ALL, flag, `${register}.${kind}`]).line, [TEXT, COUNTS]);
		});

	test('register, imported by the program', () => {
		assert.deepStrictEqual(said(program('registered.mjs'), ALL).line, [TEXT, COUNTS]);
	});

	test('a thread has a connection of its own', () => {
		assert.deepStrictEqual(said(program('thread.cjs'), ALL).line, ['main', 1, 'thread', 1]);
	});

	test('output and pids, much of both at once', async () => {
		const pids = [];
		const sizes = await Promise.all(Array.from({ length: 30 }, async (_, i) => {
			const child = uringspawn.spawn('sh', ['-c', 'head -c 300000 /dev/zero | tr "\\0" "$0"', String(i % 10)]);
			let size = 0;

			child.stdout.on('data', (bytes) => {
				assert.ok(bytes.every((byte) => byte === 0x30 + i % 10), 'the bytes of another');
				if (size === 0)
					pids.push(uringspawn.spawn('true').pid);
				size += bytes.length;
			});
			await once(child, 'close');
			return size;
		}));

		assert.deepStrictEqual(sizes, sizes.map(() => 300000));
		assert.ok(pids.length === 30 && pids.every((pid) => pid > 0), String(pids));
	});

	test('fork() is the runtime\'s own', async () => {
		const before = uringspawn.stats();
		const child = uringspawn.fork(program('answers.cjs'));
		const answer = once(child, 'message');

		child.send('question');
		assert.deepStrictEqual((await answer)[0], 'question, and an answer');
		child.disconnect();
		assert.deepStrictEqual(await once(child, 'close'), [0, null]);
		assert.strictEqual(uringspawn.stats().runtime, before.runtime + 1);
	});

	test('inherited properties and fields are not in the way of a child\'s own', async () => {
		const child = uringspawn.spawn('cat');

		assert.ok(child instanceof runtime.ChildProcess);
		assert.strictEqual(child.connected, false);
		assert.strictEqual(child.stdio[1], child.stdout);
		assert.ok(!Object.keys(child).some((key) => key.startsWith('_closes')));
		child.stdin.end();
		await once(child, 'close');
	});
}

/* ---- Deno alone --------------------------------------------------------------------------- */

function deno() {
	test('without --allow-ffi it keeps its own functions, and says so', () => {
		const { line, stderr } = said(program('registered.mjs'),
			['--no-prompt', '--allow-run', '--allow-read', '--allow-env', '--allow-sys']);

		assert.deepStrictEqual(line, [TEXT, { relayed: 0, adopted: 0, runtime: 3 }]);
		assert.strictEqual(stderr.match(/UringspawnWarning/g).length, 1);
		assert.match(stderr, /--allow-ffi/);
	});

	test('where not every program may be run, Deno sees to it', () => {
		const { line } = said(program('registered.mjs'), ['--no-prompt', '--allow-run=echo,/bin/sh', '--allow-read', '--allow-env',
			'--allow-sys', '--allow-ffi']);

		assert.deepStrictEqual(line, [TEXT, { relayed: 0, adopted: 0, runtime: 3 }]);
	});

	test('a Deno is started by Deno, which translates its arguments', async () => {
		const before = uringspawn.stats();
		const child = uringspawn.spawn(process.execPath, ['-e', 'console.log(6 * 7)']);
		let text = '';

		child.stdout.on('data', (chunk) => text += chunk);
		await once(child, 'close');
		assert.strictEqual(text, '42\n');
		assert.strictEqual(uringspawn.stats().runtime, before.runtime + 1);
	});
}

if (isNode) {
	skip('foreign', 'Node has the addon, and a handle');
} else {
	if (ffi === null)
		skip('calls of the C library', 'they are not to be had');
	else
		sockets();
	programs();
	if (isDeno)
		deno();
}
