'use strict';
const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { execFileSync } = require('child_process');
const { test } = require('node:test');
const { setTimeout: sleep } = require('timers/promises');
const { start, stop, childEnvironment, belongings, difference } = require('../lib/servers.js');
const { measure, realErrors, cpuBetween } = require('../lib/measure.js');
const { wrongTotal } = require('../lib/bodies.js');
const { work } = require('../lib/works.js');
const { stat } = require('../lib/procfs.js');
const { parse } = require('../lib/loader.js');
const { parseTrace, traceBlocked } = require('../lib/tracer.js');

const program = path.join(__dirname, 'support', 'server.js');
const candidate = (mode) => ({ name: mode, command: () =>
	({ argv: [process.execPath, program, mode], env: { BENCH_TEST: mode } }) });

async function withServer(mode, body) {
	const server = await start(candidate(mode), {}, { BENCH_MORE: 'ü' });

	try {
		return await body(server);
	} finally {
		await stop(server);
		assert.throws(() => process.kill(server.pid, 0), { code: 'ESRCH' });
	}
}

const oneRound = (mode) => withServer(mode, (server) =>
	measure(server, work('echo'), { connections: 2, seconds: 1 }));

test('a round has figures that fit each other, and what does not count says why', async () => {
	const [right, wrong, short, dies] =
		await Promise.all(['right', 'wrong', 'short', 'dies'].map(oneRound));

	assert.strictEqual(right.failed, null);
	assert.strictEqual(right.errors, 0);
	assert.ok(right.requests > 0 && Math.abs(right.rate / right.requests - 1) < 0.5);
	assert.ok(right.p50_ms <= right.p99_ms && right.p99_ms <= right.p999_ms);
	assert.ok(right.compared > 0 && right.bytes > right.requests * 3);
	assert.ok(right.cpu_server >= 0 && right.cpu_sidecar === 0 && right.memory_server_mb > 1);
	assert.match(wrong.failed, /another body, near byte 0/);
	assert.match(short.failed, /2 bytes instead of 3/);
	assert.match(dies.failed, /died by exit code 3/);
});

test('a server that does not start says why', async () => {
	const nowhere = { command: () => ({ argv: ['/nowhere/server'], env: {} }) };

	await assert.rejects(start(candidate('mute'), {}, {}),
		/does not start: died by exit code 1, saying: Error: there is no port for me/);
	await assert.rejects(start(candidate('garbled'), {}, {}),
		/printed "listening!" where its port was awaited/);
	await assert.rejects(start(nowhere, {}, {}), /does not start: .*ENOENT/);
});

test('who ends without a stop leaves no server and no file', async () => {
	const lib = (name) => JSON.stringify(path.join(__dirname, '..', 'lib', name));
	const right = `{ command: () => ({ argv: [process.execPath, '${program}', 'right'], env: {} }) }`;
	const script = `require(${lib('servers.js')}).start(${right}, {}, {}).then(({ pid }) => {
		console.log(JSON.stringify({ pid, ...require(${lib('works.js')}).makeFiles() }));
		process.exit();
	})`;
	const { pid, directory } = JSON.parse(execFileSync(process.execPath, ['-e', script]));

	assert.ok(!fs.existsSync(directory));
	for (let i = 0; i < 1000 && stat(pid) !== null; i++)
		await sleep(10); /* it was killed, and has some way to go */
	assert.strictEqual(stat(pid), null);
});

test('the environment of a child is read, and compared with that of its server', async () => {
	await withServer('right', async (server) => {
		const seen = await childEnvironment(server);

		assert.deepStrictEqual(seen.differs, []);
		assert.strictEqual(seen.variables, Object.keys(server.environment).length);
	});
	assert.deepStrictEqual(difference({ A: '1', B: '2', C: 'x=y', E: 'x=y' },
		['A=1', 'B=3', 'D=4', 'E=x=y']), ['-C', '+D', '!B']);
});

test('a pid that somebody else has by now is nobody of a server', async () => {
	await withServer('right', (server) => {
		const { started } = server;

		assert.deepStrictEqual(belongings(server).server.map(({ pid }) => pid), [server.pid]);
		server.started = '1';
		assert.deepStrictEqual(belongings(server), { server: [], sidecar: [], jobs: [] });
		server.started = started;
	});
});

test('a 500 that is asked for is no error, and another answer is one', () => {
	const errors = { connect: 0, read: 1, write: 0, timeout: 0, status: 90 };

	assert.strictEqual(realErrors({ requests: 100, errors }, 500).status, 10);
	assert.strictEqual(realErrors({ requests: 100, errors }, 200).status, 90);
});

test('the sum of bytes is too small, too large or right', () => {
	const expected = { body: Buffer.alloc(1000) };

	assert.strictEqual(wrongTotal({ requests: 10, bytes: 11500 }, expected, 1), null);
	assert.match(wrongTotal({ requests: 10, bytes: 9999 }, expected, 1), /of 10000 that their bodies have/);
	assert.match(wrongTotal({ requests: 10, bytes: 50000 }, expected, 1), /would be many/);
});

test('CPU time is told for 1,000 requests, of who was there all the time', () => {
	const of = (pid, own, children) => ({ pid, started: '1', own, children });
	const before = { own: [of(1, 1, 0), of(2, 5, 5)], sidecar: [of(3, 0, 1)], main: 0.5, load: 0 };
	const after = { own: [of(1, 2, 3)], sidecar: [of(3, 0.5, 2)], main: 1, load: 1 };

	assert.deepStrictEqual(cpuBetween(before, after, 2000),
		{ cpu_server: 0.5, cpu_main: 0.25, cpu_sidecar: 0.25, cpu_children: 2, cpu_load: 0.5 });
	assert.strictEqual(cpuBetween(before, after, 0).cpu_server, null);
});

test('what a program says that is not JSON is told', () => {
	assert.deepStrictEqual(parse('Running 1s test\n{"requests": 1}\n'), { requests: 1 });
	assert.throws(() => parse('unable to connect\n'), /unable to connect/);
	assert.match(parseTrace('no', 1).failed, /no summary: no/);
	assert.match(parseTrace('{"spawns": 1}', 1).failed, /no summary/);
});

test('threads of a server are told apart from those of its workers', () => {
	const processes = [{ tgid: 1, main_blocked_ns: 3e8, other_blocked_ns: 1e8 },
		{ tgid: 2, main_blocked_ns: 5e8 }, { tgid: 3, main_blocked_ns: 2e8, other_blocked_ns: 1e8 }];
	const summary = { type: 'summary', spawns: 7, wall_ns: 1e9, processes, lost_records: 0,
		phases: { blocked: { p50_ns: 1000, p99_ns: 2000, max_ns: 3000 } } };
	const { figures } = parseTrace(`{"type": "spawn"}\n${JSON.stringify(summary)}\n`, 1);

	assert.deepStrictEqual(Object.values(figures), [7, 30, 50, 20, 1, 2, 3, 0]);
	const none = JSON.stringify({ ...summary, phases: { blocked: null } });
	assert.strictEqual(parseTrace(none, 1).figures['p99 µs'], null);
});

/* A program in the tracer's place: a shell script. */
async function withTracer(script, body) {
	const build = fs.mkdtempSync(path.join(os.tmpdir(), 'uringspawn-tracer-'));

	fs.writeFileSync(path.join(build, 'uringspawn-trace'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
	try {
		return await body({ build });
	} finally {
		fs.rmSync(build, { recursive: true });
	}
}

test('a server is traced under load, and the load waits until the tracer looks', async () => {
	const summary = JSON.stringify({ spawns: 7, wall_ns: 1e9, phases: { blocked: null },
		processes: [], lost_records: 0 });
	const late = `sleep 0.3; touch "$0.looks"; echo "Tracing a (1)" >&2; echo '${summary}'`;

	await withServer('right', (server) => withTracer(late, async (at) => {
		const looks = path.join(at.build, 'uringspawn-trace.looks');
		const first = new Promise((resolve) => server.process.stdout.once('data', () =>
			resolve(fs.existsSync(looks))));

		assert.strictEqual((await traceBlocked(server, { where: '/tell' }, at)).figures.spawns, 7);
		assert.ok(await first);
	}));
	await withServer('right', (server) => withTracer('echo "not permitted" >&2; exit 2', async (at) =>
		assert.deepStrictEqual(await traceBlocked(server, { where: '/echo' }, at),
			{ failed: 'not permitted' })));
});
