'use strict';
/*
 * The package as a whole: what it contains, its entries, its numbers, its examples.
 */
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { once } = require('events');
const { spawn, spawnSync } = require('child_process');
const { test, skip, isNode } = require('./support/harness.js');

const root = path.join(__dirname, '..');

test('the numbers of the wire are those of the C header', () => {
	const header = fs.readFileSync(path.join(root, '..', '..', 'include', 'uringspawn', 'wire.h'), 'utf8');
	const { TYPE, FIELD, STDIO } = require('../lib/wire.js');
	const number = (name) => Number(new RegExp(`\\bUSP_WIRE_${name}\\s*=\\s*(0x[0-9a-f]+|\\d+)`).exec(header)[1]);

	for (const [name, value] of [...Object.entries(TYPE), ...Object.entries(FIELD)])
		assert.strictEqual(value, number(name), name);
	for (const [name, value] of Object.entries(STDIO))
		if (name !== 'NONE')
			assert.strictEqual(value, number(`STDIO_${name}`), name);
});

test('frames may be cut anywhere', () => {
	const { FrameReader } = require('../lib/frames.js');
	const corpus = path.join(root, '..', '..', 'tests', 'fuzz', 'corpus', 'frame');
	const bytes = Buffer.concat(['session-daemon.bin', 'started.bin', 'output.bin', 'failed.bin', 'end-full.bin', 'error.bin']
		.map((name) => fs.readFileSync(path.join(corpus, name))));
	const read = (size) => {
		const seen = [];
		const reader = new FrameReader({
			onFrame(type, flags, job, arg, fds, payload) {
				const last = seen[seen.length - 1];

				if (type === 0x82 && last && last[0] === type && last[2] === job && last[1] === flags)
					last[5] += payload.toString('latin1');
				else
					seen.push([type, flags, job, arg, fds, payload ? payload.toString('latin1') : null]);
			},
		});
		for (let at = 0; at < bytes.length;) {
			const part = bytes.subarray(at, at + size);

			at += part.copy(reader.space());
			reader.commit(part.length);
		}
		return seen;
	};
	const whole = read(bytes.length);

	assert.ok(whole.length > 8);
	for (let size = 1; size < 100; size++)
		assert.deepStrictEqual(read(size), whole, `parts of ${size} bytes`);
});

test('requests are those of the document', () => {
	const wire = require('../lib/wire.js');
	const golden = (name) => fs.readFileSync(path.join(root, '..', '..', 'tests', 'fuzz', 'corpus', 'frame', `${name}.bin`));
	const writer = new wire.Writer();

	wire.writeRequest(writer, wire.TYPE.RUN, 1, { argv: ['/bin/echo', 'hi'] });
	assert.deepStrictEqual(Buffer.from(writer.view()), golden('run'));
	writer.clear();
	wire.writeRequest(writer, wire.TYPE.SPAWN, 3, { argv: ['-sh'], search: 'sh', env: ['PATH=/bin'] });
	assert.deepStrictEqual(Buffer.from(writer.view()), golden('spawn-search'));
	writer.clear();
	wire.writeShort(writer, wire.TYPE.CLOSE, 1, 2, 0);
	assert.deepStrictEqual(Buffer.from(writer.view()), golden('close'));
});

test('frames of pools are those of the document', () => {
	const wire = require('../lib/wire.js');
	const { writePoolOpen, writePoolResize, writePoolClose } = require('../lib/pool/frames.js');
	const golden = (name) => fs.readFileSync(path.join(root, '..', '..', 'tests', 'fuzz', 'corpus', 'frame', `${name}.bin`));
	const bytes = (text) => Buffer.from(text);
	const worker = {
		member: { argv: ['node'] }, name: 'img', kind: 'worker', order: 'fifo', keep: true, ping: { onUse: true },
		min: 0, max: 0, spare: 1, queueLimit: 0, idleTimeout: 1000, maxAge: 120000, maxRss: 128 << 20, maxUses: 1000,
		readyStream: 3, readyTimeout: 5000, acquireTimeout: 2000, channelStream: 3,
		resetBytes: { ask: bytes('r\n\n'), answer: bytes('ok\n'), timeout: 1000 },
		pingBytes: { ask: bytes('p\n'), answer: bytes('\n'), timeout: 0, interval: 5000 },
	};
	const written = (write) => {
		const writer = new wire.Writer();

		write(writer);
		return Buffer.from(writer.view());
	};

	assert.deepStrictEqual(written((writer) => writePoolOpen(writer, 2, worker)), golden('pool-open-worker'));
	assert.deepStrictEqual(written((writer) => writePoolOpen(writer, 3, { member: null, name: 'img' })), golden('pool-open-shared'));
	assert.deepStrictEqual(written((writer) => writePoolResize(writer, 1, { min: 1, max: 16, spare: 4 })), golden('pool-resize'));
	assert.deepStrictEqual(written((writer) => writePoolClose(writer, 1, true, 1000)), golden('pool-close'));
	assert.deepStrictEqual(written((writer) => writePoolClose(writer, 3, false, 0)), golden('pool-leave'));
	assert.deepStrictEqual(written((writer) => wire.writeShort(writer, wire.TYPE.RELEASE, 0, 11, 32)), golden('release'));
	assert.deepStrictEqual(written((writer) => wire.writeRequest(writer, wire.TYPE.SPAWN, 11, { pool: 1, priority: 5 })), golden('spawn-pool'));
	assert.deepStrictEqual(written((writer) => wire.writeShort(writer, wire.TYPE.STAT, wire.STAT_POOLS, 0, 0)), golden('stat-pools'));
});

test('every entry and file of package.json is there', () => {
	const { exports, files, types } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
	const named = Object.values(exports).flatMap((one) => typeof one === 'string' ? [one] : Object.values(one));

	for (const name of [...named, types, ...files.filter((one) => one !== 'bin')])
		assert.ok(fs.existsSync(path.join(root, name)), name);
});

test('the exports are the functions of node:child_process, and three more', async () => {
	const runtime = require('child_process');
	const module_ = await import('../index.mjs');
	const common = require('../index.cjs');

	for (const name of Object.keys(runtime))
		assert.strictEqual(typeof common[name], typeof runtime[name], name);
	for (const name of ['spawn', 'exec', 'execFile', 'fork', 'spawnSync', 'execSync', 'execFileSync', 'ChildProcess', 'configure', 'stats'])
		assert.strictEqual(module_[name], common[name], name);
});

/* Whether a private daemon serves this process, after which its socket is named. */
function hasDaemon(pid) {
	return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).some((one) => {
		try {
			return fs.readFileSync(`/proc/${one}/cmdline`, 'latin1').includes(`/${pid}-`);
		} catch {
			return false; /* it has ended */
		}
	});
}

function examples() {
	const servers = [
		{ name: 'server.js', flags: [], launched: false },
		{ name: 'server-uringspawn.js', flags: [], launched: true },
		{ name: 'server.js', flags: ['--import', 'uringspawn/register'], launched: true },
	];

	for (const { name, flags, launched } of servers) {
		test([...flags, `examples/${name}`].join(' '), async () => {
			const server = spawn(process.execPath, [...flags, path.join(root, 'examples', name)],
				{ cwd: root, env: { ...process.env, PORT: '0' } });
			const [line] = await once(server.stdout, 'data');
			const response = await fetch(String(line).trim());

			assert.strictEqual(await response.text(), 'hi\n');
			assert.strictEqual(hasDaemon(server.pid), launched);
			server.kill();
			await once(server, 'close');
		});
	}

	test('examples/pool.js', () => {
		const { stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'examples', 'pool.js')], { encoding: 'utf8', timeout: 50000 });

		assert.strictEqual(stdout, 'a worker ended with 1: another takes its place\n1 4 9 16 25 36\n', stderr);
	});
}

/* Start one of examples/pools; [its URL, stop()]. */
async function startExample(name, env = {}) {
	const server = spawn(process.execPath, [path.join(root, 'examples', 'pools', name)],
		{ cwd: root, env: { ...process.env, PORT: '0', ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
	const line = await Promise.race([once(server.stdout, 'data'), once(server, 'exit').then(([code]) => {
		throw new Error(`${name} ended with ${code}`);
	})]);

	return [String(line[0]).trim(), async () => {
		server.kill();
		const [code] = await once(server, 'close');

		assert.strictEqual(code, 0, 'a server ends by itself when its pool is closed');
	}];
}

const post = async (url, body) => {
	const response = await fetch(url, { method: 'POST', body });

	return [response.status, Buffer.from(await response.arrayBuffer())];
};

function poolExamples() {
	test('examples/pools/code-runner.js', async () => {
		const [url, stop] = await startExample('code-runner.js');
		const run = async (program) => JSON.parse((await post(url, program))[1]);
		const all = await Promise.all(Array.from({ length: 8 }, (_, n) =>
			run(`globalThis.seen = (globalThis.seen || 0) + 1; console.log(seen, ${n} * 7)`)));

		all.forEach((result, n) => assert.deepStrictEqual(result, { code: 0, signal: null, stdout: `1 ${n * 7}\n`, stderr: '' }));
		const { code, stderr } = await run('console.error("so"); process.exit(3)');
		assert.deepStrictEqual([code, stderr], [3, 'so\n']);
		assert.match((await run('that is no program')).stderr, /SyntaxError/);
		await stop();
	});

	for (const name of ['bun', 'deno']) {
		const runtime = path.join(root, '..', '..', 'build', 'bench', 'npm', 'node_modules', '.bin', name);
		const missing = fs.existsSync(runtime) ? false : `${name} is not here: make bench brings it`;
		const title = `examples/pools/code-runner.js, of programs for ${name}`;

		if (missing) {
			skip(title, missing);
			continue;
		}
		test(title, async () => {
			const [url, stop] = await startExample('code-runner.js', { RUNTIME: runtime });

			for (const n of [1, 2])
				assert.deepStrictEqual(JSON.parse((await post(url, `console.log(6 * ${n})`))[1]),
					{ code: 0, signal: null, stdout: `${6 * n}\n`, stderr: '' });
			await stop();
		});
	}

	test('examples/pools/image-resize.js', async () => {
		const [url, stop] = await startExample('image-resize.js');
		const image = Buffer.concat([Buffer.from('P6\n# made here\n4 2\n255\n'), Buffer.from([
			0, 0, 0, 10, 20, 30, 100, 100, 100, 200, 200, 200,
			0, 0, 0, 10, 20, 30, 100, 100, 100, 200, 200, 200])]);
		const [status, small] = await post(`${url}?width=2`, image);

		assert.deepStrictEqual([status, small], [200, Buffer.concat([Buffer.from('P6\n2 1\n255\n'), Buffer.from([5, 10, 15, 150, 150, 150])])]);
		assert.deepStrictEqual(await post(`${url}?width=5`, image), [400, Buffer.from('the width has to be from 1 to 4\n')]);
		assert.deepStrictEqual(await post(`${url}?width=1`, 'GIF89a'), [400, Buffer.from('not a PPM with 8 bits for each color\n')]);
		await stop();
	});

	test('examples/pools/resettable.js', () => {
		const { stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'examples', 'pools', 'resettable.js')],
			{ encoding: 'utf8', timeout: 50000 });

		assert.strictEqual(stdout, 'first in /\nnobody\n', stderr);
	});
}

if (isNode) {
	examples();
	poolExamples();
} else
	skip('the examples', 'they are written for node');
