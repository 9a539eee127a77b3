'use strict';
/*
 * A program that embeds an engine beside its own sockets: the server of
 * tools/bench/peers/engine.  What it answers, what it refuses, and whom it holds back.
 *
 *   node --test-reporter=./clients/node/test/support/reporter.js tests/embedding.test.js SERVER
 */
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { setTimeout: wait } = require('node:timers/promises');

const SERVER = process.argv[2];
const LIMIT_MS = 30000;
const LARGE_BYTES = 24 << 20; /* more than the buffers of a connection hold */
const HOST = 'Host: here\r\n';
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'embedding-'));
const files = { BENCH_FILE: path.join(dir, 'file'), BENCH_LARGE: path.join(dir, 'large') };
let server, port;

function start(env) {
	return spawn(SERVER, [], {
		env: { ...process.env, ...files, ...env }, stdio: ['ignore', 'pipe', 'pipe'],
	});
}

async function text(stream) {
	let all = '';

	for await (const data of stream)
		all += data;
	return all;
}

before(async () => {
	fs.writeFileSync(files.BENCH_FILE, crypto.randomBytes(166972));
	fs.writeFileSync(files.BENCH_LARGE, crypto.randomBytes(LARGE_BYTES));
	server = start({ BENCH_BALLAST_MB: '1' });
	server.stderr.pipe(process.stderr);
	port = Number(await new Promise((resolve) => server.stdout.once('data', resolve)));
});

after(() => {
	server.kill('SIGKILL');
	fs.rmSync(dir, { recursive: true });
});

/** Everything that the server says to these bytes, until it closes. */
function talk(bytes, { half = false } = {}) {
	return new Promise((resolve, reject) => {
		const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: half });
		const said = [];

		socket.on('data', (data) => said.push(data)).on('error', reject);
		socket.on('end', () => socket.end()).on('close', () => resolve(Buffer.concat(said)));
		if (half)
			socket.end(bytes);
		else
			socket.write(bytes);
	});
}

function get(target, agent) {
	return new Promise((resolve, reject) => {
		http.get({ port, host: '127.0.0.1', path: target, agent }, (answer) => {
			const body = [];

			answer.on('data', (data) => body.push(data)).on('error', reject);
			answer.on('end', () => resolve({
				status: answer.statusCode, body: Buffer.concat(body),
			}));
		}).on('error', reject);
	});
}

function children(pid) {
	return fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).filter((name) => {
		try {
			const [state, parent] = fs.readFileSync(`/proc/${name}/stat`, 'latin1')
				.replace(/.*\) /s, '').split(' ');

			return parent === String(pid) && state !== 'Z';
		} catch {
			return false;
		}
	}).length;
}

async function until(what, condition) {
	for (let ms = 0; !condition(); ms += 10) {
		assert.ok(ms < LIMIT_MS, what);
		await wait(10);
	}
}

test('the answer is what the program says, each byte of it', async () => {
	const agent = new http.Agent({ keepAlive: true, maxSockets: 3 });
	const file = fs.readFileSync(files.BENCH_FILE), large = fs.readFileSync(files.BENCH_LARGE);
	const expected = { '/echo': Buffer.from('hi\n'), '/cat': file, '/large': large };

	await Promise.all(Array.from({ length: 30 }, async (_, i) => {
		const target = Object.keys(expected)[i % 3];
		const { status, body } = await get(target, agent);

		assert.equal(status, 200);
		assert.ok(body.equals(expected[target]), target);
	}));
	agent.destroy();
});

test('without output it is how the program ended', async () => {
	assert.deepEqual(await get('/fail'), { status: 500, body: Buffer.from('exit 1\n') });
	assert.deepEqual(await get('/sleep'), { status: 200, body: Buffer.alloc(0) });
	assert.deepEqual(await get('/'), { status: 404, body: Buffer.alloc(0) });
});

test('requests that come in one piece are answered one after the other', async () => {
	const said = String(await talk(`GET /sleep HTTP/1.1\r\n${HOST}\r\nGET /echo HTTP/1.1\r\n` +
		`${HOST}\r\nGET /no HTTP/1.1\r\n${HOST}Connection: foo, Close\r\n\r\n` +
		`GET /echo HTTP/1.1\r\n${HOST}\r\n`));

	assert.deepEqual(said.match(/HTTP\/1.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 404']);
	assert.ok(said.indexOf('\r\n3\r\nhi\n\r\n0\r\n') < said.indexOf(' 404 '));
});

test('who only stops sending hears the answer', async () => {
	const said = await talk(`GET /large HTTP/1.1\r\n${HOST}\r\n`, { half: true });

	assert.ok(said.length > LARGE_BYTES);
	assert.equal(String(said.subarray(-5)), '0\r\n\r\n');
});

test('what is no request is refused', async () => {
	const head = `GET /echo HTTP/1.1\r\n${HOST}`;
	const refused = {
		400: ['\r\n\r\n', 'GET  HTTP/1.1\r\n\r\n', 'GET /echo HTTP/1.1\r\n\r\n',
			`${head}${HOST}\r\n`, `${head}a b: c\r\n\r\n`, `${head}a: b\nc\r\n\r\n`,
			`${head} folded\r\n\r\n`, `${head}: c\r\n\r\n`, `${head}abc\r\n\r\n`,
			`${head}a: \0\r\n\r\n`, 'G\x7fT /echo HTTP/1.1\r\n\r\n'],
		413: [`${head}Content-Length: 5\r\n\r\nhello`,
			`${head}transfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
		431: [head + 'a: ' + 'b'.repeat(9000), '\0'.repeat(9000)],
		505: ['GET /echo HTTP/1.0\r\n\r\n', 'GET /echo HTTP/1.1x\r\n\r\n', 'GET /echo\r\n\r\n'],
	};

	for (const [status, all] of Object.entries(refused)) {
		for (const bytes of all) {
			const said = String(await talk(bytes));

			assert.ok(said.startsWith(`HTTP/1.1 ${status} `), JSON.stringify([bytes, said]));
			assert.match(said, /\r\nConnection: close\r\n/);
		}
	}
});

test('who does not read holds up its program, and takes it along', async () => {
	const sockets = Array.from({ length: 20 }, () => {
		const socket = net.connect({ port, host: '127.0.0.1' }).pause();

		socket.on('error', () => {});
		socket.write(`GET /large HTTP/1.1\r\n${HOST}\r\n`);
		return socket;
	});

	await until('all run', () => children(server.pid) === 20);
	assert.equal(String((await get('/echo')).body), 'hi\n');
	assert.equal(children(server.pid), 20);
	sockets.slice(5).forEach((socket) => socket.resetAndDestroy());
	await until('those of who is gone are gone', () => children(server.pid) === 5);
	sockets.slice(0, 5).forEach((socket) => socket.resetAndDestroy());
});

test('a termination ends it and its programs', async () => {
	const socket = net.connect({ port, host: '127.0.0.1' }).pause();
	const ended = new Promise((resolve) => server.once('exit', (...how) => resolve(how)));

	socket.on('error', () => {});
	socket.write(`GET /large HTTP/1.1\r\n${HOST}\r\n`);
	await until('it runs', () => children(server.pid) === 1);
	server.kill('SIGTERM');
	assert.deepEqual(await ended, [0, null]);
	socket.destroy();
});

test('a setting that is none is named', async () => {
	for (const [env, said] of [[{ BENCH_FILE: '' }, /BENCH_FILE is not set/],
		[{ BENCH_BALLAST_MB: '1x' }, /BENCH_BALLAST_MB is no size: '1x'/]]) {
		const refused = start(env);
		const ended = new Promise((resolve) => refused.once('close', resolve));

		assert.match(await text(refused.stderr), said);
		assert.equal(await ended, 1);
	}
});
