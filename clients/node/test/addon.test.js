'use strict';
/*
 * The addon by itself, and the transport on top of it, against sockets of the test's own.
 */
const { test, describe } = require('node:test');
const assert = require('node:assert');
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const { AsyncLocalStorage } = require('async_hooks');
const { once } = require('events');
const { spawnSync } = require('child_process');
const { Worker } = require('worker_threads');
const { addon, skip, until, serve, descriptors } = require('./support/served.js');
const { AddonTransport, areOpen } = require('../lib/transport_addon.js');

const { errno } = os.constants;
const nothing = () => {};

/* Two links of one pair; [a, b], each with `events`: what its callbacks were told. */
function linkedPair() {
	const [ours, theirs] = addon.socketpair();

	return [ours, theirs].map((fd) => {
		const events = [];
		const space = Buffer.alloc(1 << 16);
		const link = addon.open(fd, (nread, fds) => {
			events.push({ nread, fds, text: nread > 0 ? space.toString('latin1', 0, nread) : '' });
		}, () => events.push('writable'));
		addon.setSpace(link, space);
		return { link, events, space };
	});
}

/* How many descriptors there are, once the links that were closed before are gone. */
async function countDescriptors() {
	for (let i = 0; i < 3; i++)
		await new Promise((resolve) => setImmediate(resolve));
	return descriptors().length;
}

function closeBoth(pair) {
	pair.forEach(({ link }) => addon.close(link));
}

const flagsOf = (fd) => parseInt(/^flags:\s*(\d+)/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))[1], 8);
const isCloexec = (fd) => (flagsOf(fd) & 0o2000000) !== 0;
const isNonblocking = (fd) => (flagsOf(fd) & fs.constants.O_NONBLOCK) !== 0;
const sent = (link, text, fds) => addon.write(link, Buffer.from(text), 0, text.length, fds);

describe('the environment', { skip }, () => {
	test('its version is another one after each change, and after nothing else', () => {
		const { environmentVersion } = addon;
		const changes = [() => process.env.USP_VERSION = 'a', () => process.env.USP_VERSION = 'b', () => process.env.USP_VERSION = '',
			() => delete process.env.USP_VERSION, () => process.env.USP_VERSION_LONG = 'x'.repeat(100000), () => delete process.env.USP_VERSION_LONG];

		for (const change of changes) {
			const before = environmentVersion();

			assert.strictEqual(environmentVersion(), before);
			void process.env.PATH;
			assert.strictEqual(environmentVersion(), before);
			change();
			assert.notStrictEqual(environmentVersion(), before, String(change));
			assert.strictEqual(environmentVersion(), environmentVersion());
		}
		process.env.USP_VERSION = 'same';
		const version = environmentVersion();
		process.env.USP_VERSION = 'same';
		assert.strictEqual(environmentVersion(), version);
		delete process.env.USP_VERSION;
	});

	test('each thread has its own, until it ends', async () => {
		const file = JSON.stringify(require('./support/served.js').addonFile);
		const worker = new Worker(`const addon = require(${file});
			addon.environmentVersion();
			require('worker_threads').parentPort.postMessage(addon.environmentVersion());`, { eval: true });
		const [version] = await once(worker, 'message');

		assert.strictEqual(version, 1);
		await once(worker, 'exit');
	});
});

describe('descriptors', { skip }, () => {
	test('socketpair: both close-on-exec, ours alone does not block', () => {
		const [ours, theirs] = addon.socketpair();

		assert.ok(isCloexec(ours) && isCloexec(theirs));
		assert.ok(isNonblocking(ours) && !isNonblocking(theirs));
		addon.closeFd(ours);
		addon.closeFd(theirs);
	});

	test('dup: a copy that is close-on-exec; of a closed one EBADF', () => {
		const [ours, theirs] = addon.socketpair();
		const copy = addon.dup(ours);

		assert.ok(copy !== ours && isCloexec(copy));
		[ours, theirs, copy].forEach((fd) => addon.closeFd(fd));
		assert.throws(() => addon.dup(ours), { code: 'EBADF', errno: -errno.EBADF, syscall: 'dup' });
		assert.throws(() => addon.closeFd(ours), { code: 'EBADF', syscall: 'close' });
	});

	test('setBlocking: for every copy of a descriptor', () => {
		const [ours, theirs] = addon.socketpair();
		const copy = addon.dup(ours);

		addon.setBlocking(copy);
		addon.setBlocking(theirs);
		assert.ok(!isNonblocking(ours) && !isNonblocking(theirs));
		[ours, theirs, copy].forEach((fd) => addon.closeFd(fd));
		assert.throws(() => addon.setBlocking(ours), { code: 'EBADF', syscall: 'fcntl' });
	});

	test('areOpen tells open descriptors from closed ones', () => {
		const [ours, theirs] = addon.socketpair();

		assert.strictEqual(areOpen([ours, theirs]), true);
		addon.closeFd(theirs);
		assert.strictEqual(areOpen([ours, theirs]), false);
		assert.strictEqual(areOpen([-1]), false);
		addon.closeFd(ours);
	});

	test('connect: errors have the shape of the runtime\'s', () => {
		const missing = path.join(os.tmpdir(), `uringspawn-none-${process.pid}`);

		assert.throws(() => addon.connect(missing), {
			code: 'ENOENT', errno: -errno.ENOENT, syscall: 'connect', address: missing, message: `connect ENOENT ${missing}`,
		});
		assert.throws(() => addon.connect('@uringspawn-nobody-listens'), { code: 'ECONNREFUSED' });
		assert.throws(() => addon.connect('x'.repeat(108)), { code: 'EINVAL' });
		assert.throws(() => addon.connect(''), { code: 'EINVAL' });
		assert.throws(() => addon.connect('/tmp/a\0b'), { code: 'EINVAL' });
		assert.throws(() => addon.connect(7), TypeError);
		assert.throws(() => addon.connect(), TypeError);
	});

	test('connect: to a file, whose peer is this process', async () => {
		const at = path.join(os.tmpdir(), `uringspawn-test-${process.pid}.sock`);
		const server = net.createServer(nothing).listen(at);
		await once(server, 'listening');
		const fd = addon.connect(at);

		assert.ok(isCloexec(fd) && isNonblocking(fd));
		assert.deepStrictEqual(addon.peer(fd), { pid: process.pid, uid: process.getuid(), gid: process.getgid() });
		addon.closeFd(fd);
		server.close();
	});

	/* Some runtimes pad an abstract name with NULs, so that it is a daemon that listens here. */
	test('connect: to an abstract name, as it is', async () => {
		const name = `@uringspawn-test-${process.pid}`;
		const daemon = await serve(name);
		const fd = addon.connect(name);

		assert.strictEqual(addon.peer(fd).pid, daemon.process.pid);
		addon.closeFd(fd);
		await daemon.stop();
	});

	test('peer of what is no socket: ENOTSOCK', () => {
		const fd = fs.openSync('/dev/null');

		assert.throws(() => addon.peer(fd), { code: 'ENOTSOCK', syscall: 'getsockopt' });
		fs.closeSync(fd);
	});

	test('umask and process group are those of this process', () => {
		const before = process.umask(0o027);

		assert.strictEqual(addon.umask(), 0o027);
		assert.strictEqual(process.umask(before), 0o027);
		assert.strictEqual(addon.getpgid(0), addon.getpgid(process.pid));
		const [, , group] = fs.readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) /, '').split(' ');
		assert.strictEqual(addon.getpgid(0), Number(group));
		assert.throws(() => addon.getpgid(0x7ffffff0), { code: 'ESRCH', syscall: 'getpgid' });
	});
});

describe('links', { skip }, () => {
	test('bytes and descriptors come in order, then the end', async () => {
		const [a, b] = linkedPair();
		const passed = fs.openSync('/dev/null');

		assert.strictEqual(sent(a.link, 'one'), 3);
		assert.strictEqual(sent(a.link, 'two', [passed, passed]), 3);
		await until(() => b.events.length === 2 || b.events.length === 1 && b.events[0].nread === 6, 'both');
		assert.strictEqual(b.events.map((one) => one.text).join(''), 'onetwo');
		const { fds } = b.events[b.events.length - 1];
		assert.strictEqual(fds.length, 2);
		for (const fd of fds) {
			assert.ok(isCloexec(fd));
			assert.strictEqual(fs.readlinkSync(`/proc/self/fd/${fd}`), '/dev/null');
			fs.closeSync(fd);
		}
		fs.closeSync(passed);
		addon.close(a.link);
		const count = b.events.length;
		await until(() => b.events.length > count, 'the end');
		assert.deepStrictEqual(b.events.slice(count), [{ nread: 0, fds: undefined, text: '' }]);
		addon.close(b.link);
	});

	test('64 descriptors go in one message, 65 are refused, and so is what is none', async () => {
		const [a, b] = linkedPair();
		const fd = fs.openSync('/dev/null');

		assert.throws(() => sent(a.link, 'x', Array(65).fill(fd)), /more than 64/);
		assert.throws(() => sent(a.link, 'x', ['0']), /a descriptor is not an integer/);
		assert.throws(() => sent(a.link, 'x', [-1]), /a descriptor is negative/);
		assert.throws(() => sent(a.link, 'x', 1), /not an array/);
		assert.strictEqual(sent(a.link, '', [fd]), -errno.EINVAL);
		assert.strictEqual(sent(a.link, 'x', [0x7ffffff0]), -errno.EBADF);
		assert.strictEqual(sent(a.link, 'x', Array(64).fill(fd)), 1);
		await until(() => b.events.length === 1, 'the message');
		assert.strictEqual(b.events[0].fds.length, 64);
		b.events[0].fds.forEach((one) => fs.closeSync(one));
		fs.closeSync(fd);
		closeBoth([a, b]);
	});

	test('arguments that are wrong are named', () => {
		const [a, b] = linkedPair();
		const bytes = Buffer.alloc(4);

		assert.throws(() => addon.write({}, bytes, 0, 4), /not what open\(\) made/);
		assert.throws(() => addon.write(null, bytes, 0, 4), /not what open\(\) made/);
		assert.throws(() => addon.write(a.link, 'text', 0, 4), /not a Uint8Array/);
		assert.throws(() => addon.write(a.link, new Uint16Array(4), 0, 4), /not a Uint8Array/);
		assert.throws(() => addon.write(a.link, bytes, 0, 5), /leave the buffer/);
		assert.throws(() => addon.write(a.link, bytes, 5, 0), /leave the buffer/);
		assert.throws(() => addon.write(a.link, bytes, -1, 1), /leave the buffer/);
		assert.throws(() => addon.write(a.link, bytes, 0.5, 1), /the offset is not an integer/);
		assert.throws(() => addon.write(a.link, bytes, 0, NaN), /the length is not an integer/);
		assert.throws(() => addon.write(a.link), /an argument is missing/);
		assert.throws(() => addon.setSpace(a.link, {}), /not a Uint8Array/);
		assert.throws(() => addon.wait(a.link, 1, -1), /the time is negative/);
		assert.throws(() => addon.wantWritable(a.link, 1), Error);
		assert.throws(() => addon.open(0, nothing), /an argument is missing/);
		assert.throws(() => addon.open(0, nothing, 3), /a callback is not a function/);
		assert.throws(() => addon.open('0', nothing, nothing), /the descriptor is not an integer/);
		closeBoth([a, b]);
	});

	test('a descriptor that cannot be watched is closed, and named in the error', () => {
		const fd = fs.openSync(__filename);

		assert.throws(() => addon.open(fd, nothing, nothing), { code: 'EPERM', syscall: 'poll' });
		assert.throws(() => fs.fstatSync(fd), { code: 'EBADF' });
	});

	test('a full socket takes no more, and tells of room when it was asked to', async () => {
		const [a, b] = linkedPair();
		const block = Buffer.alloc(1 << 16, 'z');
		let taken = 0;
		let size;

		while ((size = addon.write(a.link, block, 0, block.length)) > 0)
			taken += size;
		assert.strictEqual(size, -errno.EAGAIN);
		assert.strictEqual(addon.wait(a.link, 2, 0), 0);
		addon.wantWritable(a.link, true);
		await until(() => a.events.length > 0, 'room');
		assert.strictEqual(a.events[0], 'writable');
		addon.wantWritable(a.link, false);
		const count = a.events.length;
		await until(() => b.events.reduce((sum, one) => sum + one.nread, 0) === taken, 'all of it');
		assert.strictEqual(a.events.length, count);
		closeBoth([a, b]);
	});

	test('receive and wait work without the event loop', () => {
		const [a, b] = linkedPair();
		const fd = fs.openSync('/dev/null');
		const fds = [];

		assert.strictEqual(addon.receive(b.link, fds), -errno.EAGAIN);
		assert.strictEqual(addon.wait(b.link, 1, 0), 0);
		sent(a.link, 'now', [fd]);
		assert.strictEqual(addon.wait(b.link, 1, 60000), 1);
		assert.strictEqual(addon.wait(b.link, 3, 60000), 3);
		assert.strictEqual(addon.receive(b.link, fds), 3);
		assert.strictEqual(b.space.toString('latin1', 0, 3), 'now');
		assert.strictEqual(fds.length, 1);
		fs.closeSync(fds[0]);
		fs.closeSync(fd);
		closeBoth([a, b]);
	});

	test('after close all is over: EBADF for bytes, nothing for the rest', async () => {
		const before = await countDescriptors();
		const [a, b] = linkedPair();

		closeBoth([a, b]);
		assert.strictEqual(sent(a.link, 'x'), -errno.EBADF);
		assert.strictEqual(addon.receive(a.link, []), -errno.EBADF);
		addon.ref(a.link);
		addon.unref(a.link);
		addon.wantWritable(a.link, true);
		addon.setSpace(a.link, Buffer.alloc(1));
		addon.close(a.link);
		await until(() => descriptors().length === before, 'the descriptors to be closed');
		assert.deepStrictEqual(a.events, []);
	});

	test('a space that another thread took is an error, not a crash', async () => {
		const [a, b] = linkedPair();
		const bytes = new Uint8Array(new ArrayBuffer(16));

		addon.setSpace(b.link, bytes);
		structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
		sent(a.link, 'x');
		await until(() => b.events.length > 0, 'an error');
		assert.strictEqual(b.events[0].nread, -errno.ENOBUFS);
		closeBoth([a, b]);
	});

	test('a peer that leaves with bytes unread is ECONNRESET, behind what it had said', async () => {
		const [a, b] = linkedPair();

		sent(b.link, 'never read');
		sent(a.link, 'last words');
		addon.close(a.link);
		await until(() => b.events.some((one) => one.nread <= 0), 'the end');
		assert.deepStrictEqual(b.events.map((one) => one.nread), [10, -errno.ECONNRESET]);
		addon.close(b.link);
	});

	test('the callback says where to read next, and may close the link', async () => {
		const [ours, theirs] = addon.socketpair();
		const first = Buffer.alloc(2);
		const second = Buffer.alloc(16);
		const seen = [];
		const link = addon.open(ours, (nread) => {
			seen.push(nread);
			if (seen.length === 2)
				addon.close(link);
			return seen.length === 1 ? second : undefined;
		}, nothing);

		addon.setSpace(link, first);
		fs.writeSync(theirs, 'abcdef');
		await until(() => seen.length === 2, 'both parts');
		assert.deepStrictEqual(seen, [2, 4]);
		assert.strictEqual(first.toString() + second.toString('latin1', 0, 4), 'abcdef');
		fs.closeSync(theirs);
	});

	test('ticks and promises run between two callbacks, in the context of open()', async () => {
		const [ours, theirs] = addon.socketpair();
		const storage = new AsyncLocalStorage();
		const order = [];
		const space = Buffer.alloc(1);
		const link = storage.run('mine', () => addon.open(ours, (nread) => {
			const letter = space.toString('latin1', 0, nread);

			order.push(letter, storage.getStore());
			process.nextTick(() => order.push(`tick ${letter}`));
			Promise.resolve().then(() => order.push(`promise ${letter}`));
		}, nothing));

		addon.setSpace(link, space);
		fs.writeSync(theirs, 'ab');
		await until(() => order.length === 8, 'all of it');
		assert.deepStrictEqual(order, ['a', 'mine', 'tick a', 'promise a', 'b', 'mine', 'tick b', 'promise b']);
		addon.close(link);
		fs.closeSync(theirs);
	});

	test('one that never stops does not keep the event loop from the others', async () => {
		const [ours, theirs] = addon.socketpair();
		const space = Buffer.alloc(1);
		let reads = 0;
		let other = -1;
		const link = addon.open(ours, () => {
			reads++;
			if (reads === 1)
				setImmediate(() => {
					other = reads;
				});
		}, nothing);

		addon.setSpace(link, space);
		fs.writeSync(theirs, 'x'.repeat(4096));
		await until(() => reads === 4096, 'all bytes');
		assert.ok(other > 0 && other <= 64, `${other} reads came before an immediate`);
		addon.close(link);
		fs.closeSync(theirs);
	});

	const script = (body) => spawnSync(process.execPath, ['-e', `
		const addon = require(${JSON.stringify(path.join(__dirname, '..', 'lib', 'addon.js'))});
		const fs = require('fs');
		const [ours, theirs] = addon.socketpair();
		${body}`], { encoding: 'utf8', timeout: 60000 });

	test('an exception of a callback is an uncaught one, and the next callback comes', () => {
		const { stdout, stderr, status } = script(`
			process.on('uncaughtException', (error) => console.log('caught', error.message));
			const space = Buffer.alloc(1);
			const link = addon.open(ours, () => {
				const letter = String(space);
				if (letter === 'b') { console.log('b'); addon.close(link); fs.closeSync(theirs); return; }
				throw new Error(letter);
			}, () => {});
			addon.setSpace(link, space);
			fs.writeSync(theirs, 'ab');`);

		assert.deepStrictEqual([stdout, stderr, status], ['caught a\nb\n', '', 0]);
	});

	test('a link keeps the program alive until it is unreferenced', () => {
		const { stdout, status } = script(`
			const link = addon.open(ours, () => {}, () => {});
			setTimeout(() => { console.log('alive'); addon.unref(link); }, 50);`);

		assert.deepStrictEqual([stdout, status], ['alive\n', 0]);
	});

	test('a program leaves with links open, and collects those that nobody holds', () => {
		const { stderr, stdout, status } = script(`
			require('v8').setFlagsFromString('--expose-gc');
			const gc = require('vm').runInNewContext('gc');
			for (let i = 0; i < 100; i++) {
				const [a, b] = addon.socketpair();
				addon.close(addon.open(a, () => {}, () => {}));
				addon.unref(addon.open(b, () => {}, () => {}));
			}
			gc();
			setImmediate(() => { gc(); console.log('done'); });`);

		assert.deepStrictEqual([stdout, stderr, status], ['done\n', '', 0]);
	});

	test('each worker thread has its own, and its end closes what it opened', async () => {
		const before = await countDescriptors();
		const body = `
			const { parentPort, workerData } = require('worker_threads');
			const addon = require(workerData);
			const fs = require('fs');
			const [ours, theirs] = addon.socketpair();
			const space = Buffer.alloc(16);
			const kept = [];
			for (let i = 0; i < 8; i++) {
				const pair = addon.socketpair();
				kept.push(...pair.map((fd) => addon.open(fd, () => {}, () => {})));
			}
			const link = addon.open(ours, (nread) => {
				if (nread === 5)
					parentPort.postMessage(space.toString('latin1', 0, nread));
			}, () => {});
			kept.push(addon.open(theirs, () => {}, () => {}));
			addon.setSpace(link, space);
			addon.write(kept[kept.length - 1], Buffer.from('hello'), 0, 5);`;
		const workers = Array.from({ length: 4 }, () => new Worker(body,
			{ eval: true, workerData: path.join(__dirname, '..', 'lib', 'addon.js') }));
		const said = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));

		assert.deepStrictEqual(said, Array(4).fill('hello'));
		await Promise.all(workers.map((worker) => worker.terminate()));
		await until(() => descriptors().length === before, 'the descriptors of the workers to be closed');
	});
});

/* ---- the transport -------------------------------------------------------------------- */

/* A reader that keeps what comes, and a peer: the other end, as a link of its own. */
async function transportPair(t) {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'uringspawn-test-'));
	const name = path.join(directory, 's');
	const server = net.createServer({ pauseOnConnect: true }, nothing).listen(name);
	const accepted = once(server, 'connection');
	const bytes = Buffer.alloc(1 << 20);
	const seen = { text: '', turns: 0, lost: [] };
	let size = 0;
	const reader = {
		space: () => bytes.subarray(size),
		commit(more) {
			seen.text += bytes.toString('latin1', size, size + more);
			size += more;
			if (seen.text.includes('BAD'))
				throw new Error('no frames');
		},
	};
	const sink = { onReadable: () => seen.turns++, onLost: (error) => seen.lost.push(error) };

	await once(server, 'listening');
	const transport = new AddonTransport(name, sink, reader);
	const [socket] = await accepted;
	t.after(() => {
		transport.destroy();
		socket.destroy();
		server.close();
		fs.rmSync(directory, { recursive: true });
	});
	return { transport, socket, seen };
}

describe('transport', { skip }, () => {
	test('what comes is committed, then told; pump only commits', async (t) => {
		const { transport, socket, seen } = await transportPair(t);

		socket.write('abc');
		await until(() => seen.turns === 1, 'a turn');
		assert.strictEqual(seen.text, 'abc');
		assert.strictEqual(transport.pump(), false);
		socket.write('def');
		transport.wait(60000);
		assert.strictEqual(transport.pump(), true);
		assert.deepStrictEqual([seen.text, seen.turns], ['abcdef', 1]);
		socket.write('ghi');
		await until(() => seen.turns === 2, 'another turn');
		assert.strictEqual(seen.text, 'abcdefghi');
	});

	test('bytes and descriptors keep their order past a full socket', async (t) => {
		const { transport, socket } = await transportPair(t);
		const before = await countDescriptors();
		const block = Buffer.alloc(1 << 16, 'q');
		const fd = fs.openSync('/dev/null');
		let blocks = 0;

		while (transport.write(Buffer.from(block), undefined))
			blocks++;
		blocks++;
		assert.strictEqual(transport.write(Buffer.from('MARK'), [fd]), false);
		fs.closeSync(fd); /* it was borrowed */
		assert.ok(descriptors().length > before, 'a copy waits');
		let got = '';
		socket.on('data', (part) => {
			got += part.toString('latin1');
		});
		socket.resume();
		await until(() => got.endsWith('MARK'), 'all of it');
		assert.strictEqual(got, 'q'.repeat(blocks * block.length) + 'MARK');
		await until(() => descriptors().length === before, 'the copy to be closed');
		assert.strictEqual(transport.write(Buffer.from('more'), undefined), true);
	});

	test('flushSync waits no longer than it may for a peer that does not read', async (t) => {
		const { transport } = await transportPair(t);

		while (transport.write(Buffer.alloc(1 << 16), undefined))
			;
		assert.strictEqual(transport.flushSync(50), false);
		assert.strictEqual(transport.lost, false);
	});

	test('the end is told once, in a later turn', async (t) => {
		const { transport, socket, seen } = await transportPair(t);

		socket.write('x');
		socket.end();
		await until(() => seen.lost.length > 0, 'the end');
		assert.deepStrictEqual([seen.text, seen.lost], ['x', [null]]);
		assert.strictEqual(transport.write(Buffer.from('y'), undefined), true);
		assert.strictEqual(transport.pump(), false);
		assert.strictEqual(transport.flushSync(), false);
		transport.ref();
		transport.destroy();
	});

	test('bytes that are no frames end it, with what the reader said', async (t) => {
		const { socket, seen } = await transportPair(t);

		socket.write('BAD');
		await until(() => seen.lost.length > 0, 'the end');
		assert.strictEqual(seen.lost[0].message, 'no frames');
	});

	test('once destroyed, nothing is told', async (t) => {
		const { transport, socket, seen } = await transportPair(t);

		socket.end('BAD');
		transport.wait(60000);
		transport.pump();
		transport.destroy();
		await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
		assert.deepStrictEqual(seen.lost, []);
	});

	test('descriptors wait for who takes them, and are closed with it', async (t) => {
		const { transport, socket } = await transportPair(t);
		const before = await countDescriptors();
		const peer = addon.open(addon.dup(socket._handle.fd), nothing, nothing);
		const fd = fs.openSync('/dev/null');

		sent(peer, 'x', [fd, fd, fd]);
		transport.wait(60000);
		assert.strictEqual(transport.pump(), true);
		const taken = transport.takeDescriptors(2);
		assert.deepStrictEqual(taken.map((one) => fs.readlinkSync(`/proc/self/fd/${one}`)), ['/dev/null', '/dev/null']);
		taken.forEach((one) => fs.closeSync(one));
		fs.closeSync(fd);
		addon.close(peer);
		transport.destroy();
		await until(() => descriptors().length === before - 1, 'all to be closed');
	});

	test('more descriptors than may wait end it', async (t) => {
		const { transport, socket, seen } = await transportPair(t);
		const before = await countDescriptors();
		const peer = addon.open(addon.dup(socket._handle.fd), nothing, nothing);
		const fd = fs.openSync('/dev/null');

		for (let i = 0; i < 9; i++)
			sent(peer, 'x', Array(64).fill(fd));
		await until(() => seen.lost.length > 0, 'the end');
		assert.strictEqual(seen.lost[0].message, 'more descriptors than frames count');
		assert.strictEqual(transport.lost, true);
		fs.closeSync(fd);
		addon.close(peer);
		await until(() => descriptors().length === before - 1, 'all to be closed');
	});
});
