'use strict';
/*
 * fork(), and spawn() with a channel: the same body with node:child_process and with the
 * package, whose observations have to be the same; and then what only the package has.
 */
const { test, describe, before, after } = require('node:test');
const assert = require('node:assert');
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const { AsyncLocalStorage } = require('async_hooks');
const { once } = require('events');
const runtime = require('child_process');
const { skip, until, serve, descriptors, textOf } = require('./support/served.js');
const own = require('../index.cjs');

const program = path.join(__dirname, 'programs', 'ipc.js');
const isRoot = process.getuid() === 0;
let daemon;

before(async () => {
	if (skip)
		return;
	daemon = await serve();
	own.configure({ socket: daemon.socket });
});

after(async () => {
	if (daemon)
		await daemon.stop();
});

const ADOPTED = 1;

/*
 * `body(api)` returns what it saw. `ways` is how many of the package's spawns go through
 * the daemon by its channel.
 */
function same(name, body, { ways = ADOPTED, skipped = false } = {}) {
	test(name, { skip: skip || skipped, timeout: 60000 }, async (t) => {
		const theirs = await body(runtime, t);
		const adopted = own.stats().adopted;
		const ours = await body(own, t);

		assert.deepStrictEqual(ours, theirs);
		assert.strictEqual(own.stats().adopted - adopted, ways, 'spawns that were adopted');
	});
}

/*
 * Until a child has told all that it will. 'close' says so, but does not come from the
 * runtime either when it was the parent who closed the channel.
 */
async function ended(child) {
	if (child.exitCode === null && child.signalCode === null)
		await new Promise((resolve) => {
			child.once('exit', resolve);
			child.on('error', () => child.pid === undefined && resolve());
		});
	await Promise.all(child.stdio.filter((one) => one && !one.destroyed).map((one) => once(one, 'close')));
	for (let i = 0; i < 5; i++)
		await new Promise((resolve) => setImmediate(resolve));
}

/* Everything that a child tells, in order; `done` resolves to it at the end. */
function record(child) {
	const events = [];

	for (const name of ['spawn', 'disconnect', 'message'])
		child.on(name, (value) => events.push(value === undefined ? name : [name, value]));
	for (const name of ['exit', 'close'])
		child.on(name, (code, signal) => events.push([name, code, signal]));
	child.on('error', (error) => events.push(['error', described(error)]));
	return { events, done: ended(child).then(() => events) };
}

function described(error) {
	const { name, message, code, errno, syscall, path: file, spawnargs } = error;

	return { name, message, code, errno, syscall, path: file, spawnargs };
}

/* What a call throws. */
function thrown(call) {
	try {
		call();
		return null;
	} catch (error) {
		return described(error);
	}
}

async function ask(child, command, ...rest) {
	const answer = once(child, 'message');

	child.send(command, ...rest);
	return (await answer)[0];
}

describe('messages', () => {
	same('go both ways, in order, and the channel ends from the parent', async ({ fork }) => {
		const child = fork(program, ['a', 'b']);
		const { events, done } = record(child);
		const values = [1, 'text', null, true, [1, [2]], { a: { b: 'ü\n' } }, 'x'.repeat(60000)];
		const shape = [typeof child.pid, child.connected, typeof child.channel, child.stdin, child.stdio.length];

		for (const value of values)
			child.send({ do: 'echo', value });
		await until(() => events.length === 1 + values.length, 'the answers');
		child.disconnect();
		const after = child.connected;
		await done;
		return { shape, after, events, exitCode: child.exitCode, channel: child.channel };
	});

	same('carry what JSON cannot, with advanced serialization', async ({ fork }) => {
		const child = fork(program, { serialization: 'advanced' });
		const value = {
			map: new Map([[1n, new Set(['x'])]]), bytes: Buffer.from([0, 255, 10]), date: new Date(0), nan: NaN,
			pattern: /a/g, error: new RangeError('r'), undefined,
		};
		const answer = await ask(child, { do: 'echo', value });
		child.disconnect();
		await ended(child);
		return { ...answer.value, error: answer.value.error.message, bytes: [...answer.value.bytes] };
	});

	same('that were sent before the end all come before it', async ({ fork }) => {
		const child = fork(program);
		const { done } = record(child);

		child.send({ do: 'last', count: 2000 });
		return done;
	});

	same('cannot be sent once the channel is closed', async ({ fork }) => {
		const child = fork(program);
		const { events, done } = record(child);

		child.disconnect();
		const sent = child.send('late');
		const callback = await new Promise((resolve) => child.send('late', resolve));
		await done;
		return { sent, callback: described(callback), events };
	});

	same('keep the async context of who forked', async ({ fork }) => {
		const storage = new AsyncLocalStorage();
		const seen = [];
		const child = storage.run('mine', () => fork(program));

		child.on('message', () => seen.push(storage.getStore()));
		child.on('exit', () => seen.push(storage.getStore()));
		await ask(child, { do: 'stay' });
		child.send({ do: 'exit', code: 0 });
		await ended(child);
		return seen;
	});
});

describe('handles', () => {
	same('a socket goes to the child, which answers on it', async ({ fork }) => {
		const child = fork(program);
		const server = net.createServer((socket) => child.send({ do: 'socket' }, socket)).listen(0, '127.0.0.1');
		await once(server, 'listening');
		const client = net.connect(server.address().port, '127.0.0.1');
		const text = await textOf(client);
		child.disconnect();
		await ended(child);
		server.close();
		return text;
	});

	same('a server goes to the child, which accepts on it', async ({ fork }) => {
		const child = fork(program);
		const server = net.createServer().listen(0, '127.0.0.1');
		await once(server, 'listening');
		const { port } = server.address();
		const answer = await ask(child, { do: 'server' }, server);
		server.close();
		const text = await textOf(net.connect(port, '127.0.0.1'));
		child.kill('SIGKILL');
		await ended(child);
		return { answer, text };
	});
});

describe('the end', () => {
	same('the child disconnects', async ({ fork }) => {
		const child = fork(program);
		const { done } = record(child);

		child.send({ do: 'disconnect' });
		return done;
	});

	same('exit codes', async ({ fork }) => {
		const results = [];

		for (const code of [0, 1, 7, 255]) {
			const child = fork(program);
			const { done } = record(child);

			child.send({ do: 'exit', code });
			results.push(await done, child.exitCode, child.signalCode);
		}
		return results;
	}, { ways: 4 });

	same('signals, by name and by number, and none to who is gone', async ({ fork }) => {
		const results = [];

		for (const signal of [undefined, 'SIGKILL', 1]) {
			const child = fork(program);
			const { done } = record(child);

			await ask(child, { do: 'stay' });
			results.push(child.kill(0), child.kill(signal), child.killed);
			results.push((await done).map((one) => one[0] === 'message' ? 'message' : one));
			results.push(child.kill(), child.signalCode, child.exitCode);
		}
		return results;
	}, { ways: 3 });

	same('a signal that is none throws', async ({ fork }) => {
		const child = fork(program);
		const error = thrown(() => child.kill('SIGNONE'));

		child.kill('SIGKILL');
		await ended(child);
		return error;
	});

	same('an AbortSignal', async ({ fork }) => {
		const controller = new AbortController();
		const child = fork(program, { signal: controller.signal });
		const { events, done } = record(child);

		await ask(child, { do: 'stay' });
		controller.abort();
		await once(child, 'exit');
		await done;
		return events;
	});

	same('an AbortSignal that was aborted before, and a killSignal', async ({ fork }) => {
		const controller = new AbortController();

		controller.abort();
		const child = fork(program, { signal: controller.signal, killSignal: 'SIGKILL' });
		const { done } = record(child);
		return done;
	});

	same('a timeout, which kills one that ignores SIGTERM by its killSignal', async ({ fork }) => {
		const child = fork(program, { timeout: 1, killSignal: 'SIGKILL' });
		const { events, done } = record(child);

		await done;
		return [child.signalCode, child.killed, events];
	});

	test('an unreferenced child does not keep the program', { skip, timeout: 60000 }, () => {
		const script = `
			const { configure, fork, stats } = require(${JSON.stringify(path.join(__dirname, '..', 'index.cjs'))});
			configure({ socket: ${JSON.stringify(daemon.socket)} });
			const child = fork(${JSON.stringify(program)});
			child.unref();
			child.channel.unref();
			console.log(stats().adopted);`;
		const { stdout, status } = runtime.spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 30000 });

		assert.deepStrictEqual([stdout, status], ['1\n', 0]);
	});
});

describe('options', () => {
	for (const [name, options] of [
		['silent', { silent: true }], ['stdio: pipe', { stdio: 'pipe' }],
		['stdio: a list', { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] }],
		['stdio: overlapped', { stdio: ['overlapped', 'overlapped', 'overlapped', 'ipc'] }],
	]) {
		same(`${name}: the streams are here`, async ({ fork }) => {
			const child = fork(program, options);
			const texts = Promise.all([textOf(child.stdout), textOf(child.stderr)]);
			const { done } = record(child);

			child.send({ do: 'say' });
			return { texts: await texts, events: await done, same: child.stdio[1] === child.stdout, n: child.stdio.length };
		});
	}

	same('stdin of a silent one', async ({ fork }) => {
		const child = fork(program, { silent: true });
		const text = textOf(child.stdout);

		child.send({ do: 'upper' });
		child.stdin.end('over the pipe');
		await ended(child);
		return text;
	});

	same('stdio: inherit is this program\'s, descriptors and files are who they are', async ({ fork }) => {
		const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'uringspawn-test-'));
		const out = fs.openSync(path.join(directory, 'out'), 'w');
		const err = fs.createWriteStream(path.join(directory, 'err'));
		await once(err, 'open');
		const child = fork(program, { stdio: ['ignore', out, err, 'ipc'] });
		const inherited = fork(program, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });

		child.send({ do: 'say' });
		await ended(child);
		const about = await ask(inherited, { do: 'about' });
		inherited.disconnect();
		await ended(inherited);
		fs.closeSync(out);
		err.destroy();
		const texts = ['out', 'err'].map((name) => fs.readFileSync(path.join(directory, name), 'utf8'));
		fs.rmSync(directory, { recursive: true });
		return { texts, fds: about.fds.slice(0, 3) };
	}, { ways: 2 });

	same('a channel on another descriptor, ignored ones that are not there, more pipes', async ({ fork }) => {
		const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ignore', 'ipc', 'ignore'] });
		const { fds } = await ask(child, { do: 'about' });

		child.disconnect();
		await ended(child);
		return { first: fds.slice(0, 3), channel: fds[4], streams: child.stdio };
	});

	same('execArgv, arguments, cwd, env', async ({ fork }) => {
		const child = fork(program, ['one', 'two words', ''], {
			execArgv: ['--no-warnings', '--stack-size=900'], cwd: os.tmpdir(), env: { ...process.env, USP_TEST: 'set' },
		});
		const about = await ask(child, { do: 'about' });

		child.disconnect();
		await ended(child);
		return { ...about, fds: about.fds.slice(0, 4), spawnargs: child.spawnargs, spawnfile: child.spawnfile };
	});

	same('a URL for the module and for cwd', async ({ fork }) => {
		const child = fork(new URL(`file://${program}`), { cwd: new URL(`file://${os.tmpdir()}/`) });
		const { cwd, argv } = await ask(child, { do: 'about' });

		child.disconnect();
		await ended(child);
		return { cwd, argv };
	});

	same('detached: a session of its own; else the group of this program', async ({ fork }) => {
		const results = [];

		for (const detached of [true, false]) {
			const child = fork(program, { detached });
			const { leadsGroup, leadsSession } = await ask(child, { do: 'stat' });

			child.disconnect();
			await ended(child);
			results.push({ leadsGroup, leadsSession });
		}
		return results;
	}, { ways: 2 });

	same('uid and gid, without the groups of this program', async ({ spawn }) => {
		const child = spawn('id', [], { uid: 65534, gid: 65534, cwd: '/', stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });

		return textOf(child.stdout);
	}, { skipped: isRoot ? false : 'it takes root' });

	same('spawn() with a channel', async ({ spawn }) => {
		const child = spawn('node', [program], {
			stdio: ['pipe', 'inherit', 2, 'ipc'], env: { ...process.env, PATH: path.dirname(process.execPath) },
		});
		const { events, done } = record(child);

		await ask(child, { do: 'echo', value: 1 });
		child.disconnect();
		await done;
		return { events, stdin: child.stdin !== null, rest: child.stdio.slice(1) };
	});

	same('a stream of the runtime\'s is the child\'s, and read no more here', async ({ spawn }) => {
		const server = net.createServer((socket) => {
			const child = spawn('cat', [], { stdio: [socket, socket, 'inherit'] });

			child.on('exit', () => socket.destroy());
		}).listen(0, '127.0.0.1');
		await once(server, 'listening');
		const client = net.connect(server.address().port, '127.0.0.1');
		client.end('through cat');
		const text = await textOf(client);
		server.close();
		return text;
	});
});

describe('a child that does not start', () => {
	for (const [name, options] of [
		['no such program', { execPath: '/nonexistent/program' }],
		['a program that may not be run', { execPath: __filename }],
		['no such directory', { cwd: '/nonexistent' }],
		['no such program, and pipes', { execPath: '/nonexistent/program', silent: true }],
	]) {
		same(`${name}: an error, and an end`, async ({ fork }) => {
			const child = fork(program, ['x'], options);
			const { events, done } = record(child);
			const { pid } = child;

			await done;
			return { pid, events, connected: child.connected, exitCode: child.exitCode };
		});
	}

	for (const [name, options, args = []] of [
		['a directory in the way', { execPath: path.join(__filename, 'program') }],
		['an argument that is too long', {}, ['x'.repeat(200000)]],
		['a descriptor that is closed', { stdio: ['ignore', 1, 0x7ffff, 'ipc'] }],
	]) {
		test(`${name}: the same exception`, { skip }, () => {
			const theirs = thrown(() => runtime.fork(program, args, options));

			assert.notStrictEqual(theirs, null);
			assert.deepStrictEqual(thrown(() => own.fork(program, args, options)), theirs);
		});
	}

	test('a file that names no interpreter is the shell\'s', { skip, timeout: 60000 }, async () => {
		const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'uringspawn-test-'));
		const script = path.join(directory, 'script');
		const texts = [];

		fs.writeFileSync(script, 'echo shell $1\n', { mode: 0o755 });
		for (const { spawn } of [runtime, own]) {
			const child = spawn(script, ['arg'], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });

			texts.push(await textOf(child.stdout));
		}
		fs.rmSync(directory, { recursive: true });
		assert.deepStrictEqual(texts, ['shell arg\n', 'shell arg\n']);
	});

	for (const [name, ...args] of [
		['no module', undefined], ['a number as module', 7], ['a NUL in the module', 'a\0b'],
		['arguments that are none', program, 'text'], ['options that are none', program, [], 7],
		['no channel in stdio', program, [], { stdio: ['pipe', 'pipe', 'pipe'] }],
		['two channels', program, [], { stdio: ['ipc', 'pipe', 'pipe', 'ipc'] }],
		['an unknown stdio', program, [], { stdio: ['pipe', 'pipe', 'what', 'ipc'] }],
		['a stdio string that is none', program, [], { stdio: 'what' }],
		['an unknown serialization', program, [], { serialization: 'xml' }],
		['a wrong execPath', program, [], { execPath: 7 }],
		['a NUL in execPath', program, [], { execPath: 'a\0b' }],
		['a wrong cwd', program, [], { cwd: 7 }], ['a wrong uid', program, [], { uid: 'root' }],
		['a wrong signal', program, [], { signal: 7 }], ['a wrong timeout', program, [], { timeout: -1 }],
		['a wrong killSignal', program, [], { killSignal: 'SIGNONE' }],
		['an environment with a NUL', program, [], { env: { A: 'a\0b' } }],
	]) {
		test(`${name}: the same exception`, { skip }, () => {
			const theirs = thrown(() => runtime.fork(...args));

			assert.notStrictEqual(theirs, null);
			assert.deepStrictEqual(thrown(() => own.fork(...args)), theirs);
		});
	}
});

describe('many', () => {
	test('a hundred at once leave no descriptor behind', { skip, timeout: 60000 }, async () => {
		const warm = own.fork(program, { execPath: 'true', silent: true });
		await ended(warm);
		const open = descriptors();
		const { adopted } = own.stats();
		const children = Array.from({ length: 100 }, () => own.fork(program, { execPath: 'true', silent: true }));

		await Promise.all(children.map((child) => ended(child)));
		assert.ok(children.every((child) => child.exitCode === 0 && child.pid > 0));
		assert.strictEqual(new Set(children.map((child) => child.pid)).size, 100);
		await until(() => descriptors().length <= open.length, 'the descriptors to be closed');
		assert.deepStrictEqual(descriptors(), open);
		assert.strictEqual(own.stats().adopted - adopted, 100);
	});

	test('and neither do a hundred that do not start', { skip, timeout: 60000 }, async () => {
		const open = descriptors();
		const children = Array.from({ length: 100 },
			() => own.fork(program, { execPath: '/nonexistent/program', silent: true }));

		await Promise.all(children.map((child) => once(child, 'error')));
		await until(() => descriptors().length <= open.length, 'the descriptors to be closed');
	});

	test('ten of the runtime\'s own programs talk at once', { skip, timeout: 60000 }, async () => {
		const children = Array.from({ length: 10 }, () => own.fork(program));
		const answers = await Promise.all(children.map((child, i) => ask(child, { do: 'echo', value: i })));

		assert.deepStrictEqual(answers.map((one) => one.value), children.map((child, i) => i));
		children.forEach((child) => child.disconnect());
		await Promise.all(children.map((child) => ended(child)));
	});
});

describe('what only the package has', () => {
	test('a child is a process of the daemon\'s, in the group of this program', { skip, timeout: 60000 }, async () => {
		const child = own.fork(program);
		const { group } = await ask(child, { do: 'stat' });
		const parent = /^PPid:\s*(\d+)/m.exec(fs.readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1];
		const [, mine] = fs.readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) \S+ /, '').split(' ').map(Number);

		assert.strictEqual(Number(parent), daemon.process.pid);
		assert.strictEqual(group, mine);
		child.disconnect();
		await ended(child);
	});

	test('workers of node:cluster stay with the runtime', { skip, timeout: 60000 }, () => {
		const { stdout, stderr } = runtime.spawnSync(process.execPath, [path.join(__dirname, 'programs', 'cluster.js')],
			{ encoding: 'utf8', timeout: 30000, env: { ...process.env, URINGSPAWN_SOCKET: daemon.socket } });

		assert.strictEqual(stderr, '');
		const { said, stats } = JSON.parse(stdout);
		assert.deepStrictEqual([said, stats.adopted, stats.runtime], [[true, true], 0, 2]);
	});

	for (const silent of [[], ['silent']]) {
		test(`a daemon that dies is an error${silent.length ? ', which nobody has to hear' : ''}`,
			{ skip, timeout: 60000 }, async () => {
				const mortal = await serve();
				const { stdout, stderr, status } = runtime.spawnSync(process.execPath,
					[path.join(__dirname, 'programs', 'lost.js'), mortal.socket, `${mortal.process.pid}`, ...silent],
					{ encoding: 'utf8', timeout: 30000 });

				await mortal.stop();
				assert.deepStrictEqual([stderr, status], ['', 0]);
				const { told, stats } = JSON.parse(stdout);
				const lost = -os.constants.errno.ECONNRESET;
				assert.deepStrictEqual(told,
					[...silent.length ? [] : [['error', 'ECONNRESET', 'spawn']], ['exit', lost, null]]);
				assert.strictEqual(stats.adopted, 1);
			});
	}

	test('what the daemon refuses is started by the runtime', { skip, timeout: 60000 }, async () => {
		const full = await serve(undefined, ['--client-jobs-max', '1']);
		const script = `
			const { configure, fork, stats } = require(${JSON.stringify(path.join(__dirname, '..', 'index.cjs'))});
			configure({ socket: ${JSON.stringify(full.socket)} });
			const children = [0, 1].map(() => fork(${JSON.stringify(program)}));
			children.forEach((child, i) => {
				child.on('message', ({ value }) => { console.log(value); child.disconnect(); });
			});
			console.log(JSON.stringify(stats()));
			children[0].send({ do: 'echo', value: 'a' });
			children[0].on('exit', () => children[1].send({ do: 'echo', value: 'b' }));`;
		const { stdout, stderr } = runtime.spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 30000 });

		await full.stop();
		assert.deepStrictEqual([stdout, stderr], ['{"relayed":0,"adopted":1,"runtime":1}\na\nb\n', '']);
	});

	const bun = (process.env.PATH || '').split(':').map((one) => path.join(one, 'bun')).find((one) => fs.existsSync(one));
	const skipped = bun ? false : 'there is no bun in PATH';

	same('a Bun program as the child', async ({ fork }) => {
		const child = fork(program, { execPath: bun, execArgv: [] });
		const { events, done } = record(child);

		await ask(child, { do: 'echo', value: { a: [1, 'x'] } });
		child.disconnect();
		await done;
		return events;
	}, { skipped });

	/* Bun does not speak Node's: what matters is that it is no different here. */
	same('a Bun program as the child, with advanced serialization', async ({ fork }) => {
		const child = fork(program, { execPath: bun, execArgv: [], serialization: 'advanced' });
		const { done } = record(child);

		child.send({ do: 'exit', code: 0 });
		return done;
	}, { skipped });
});
