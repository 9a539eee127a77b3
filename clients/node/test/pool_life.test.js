'use strict';
/*
 * Pools and the programs that have them: shared ones, lost daemons, and programs that end.
 */
const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { spawn, spawnSync } = require('child_process');
const { test } = require('./support/harness.js');
const { program, execPath, isThere, until } = require('./support/pools.js');

const index = path.join(__dirname, '..', 'index.cjs');
const SETUP = `const { createPool, execFile } = require(${JSON.stringify(index)});
	const options = { script: ${JSON.stringify(program('faults.js'))}, execPath: ${JSON.stringify(execPath)}, max: 2 };
	const daemonOf = (pid) => Number(/^PPid:\\s+(\\d+)/m.exec(require('fs').readFileSync('/proc/' + pid + '/status', 'utf8'))[1]);
	const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
	const codeOf = (promise) => promise.then(() => 'no error', (error) => error.code || error);`;
const runtimeArguments = (script) => globalThis.Deno ? ['eval', '--unstable-detect-cjs', script] : ['-e', script];

/* What a program prints and returns. */
function run(script, options = {}) {
	const { stdout, stderr, status, signal } = spawnSync(process.execPath, runtimeArguments(`${SETUP} (async () => {${script}})();`),
		{ encoding: 'utf8', timeout: 50000, ...options });

	return { stdout, stderr, status, signal };
}

function start(script, env = {}) {
	const child = spawn(process.execPath, runtimeArguments(`${SETUP} (async () => {${script}})();`),
		{ stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });

	child.text = '';
	child.stdout.on('data', (data) => child.text += data);
	return child;
}

test('a pool keeps no program alive, and what is asked for does', () => {
	const { stdout, status } = run(`
		const pool = createPool({ ...options, min: 1 });
		pool.run({ do: 'later', ms: 300, value: 'asked for' }).then(console.log);`);

	assert.deepStrictEqual([stdout, status], ['asked for\n', 0]);
});

test('output of workers is that of the program, unless it says otherwise', () => {
	const { stdout, stderr } = run(`
		const pool = createPool(options);
		await pool.run({ do: 'print', out: 'out\\n', err: 'err\\n', value: 1 });
		await after(100);
		await pool.close();`);

	assert.deepStrictEqual([stdout, stderr], ['out\n', 'err\n']);
});

test('the daemon dies: each request is told, and the next has a new one', () => {
	const { stdout, stderr } = run(`
		const pool = createPool({ ...options, max: 1, output: 'ignore' });
		const pid = await pool.run({ do: 'pid' });
		const worker = [codeOf(pool.run({ do: 'nothing' })), codeOf(pool.run({ do: 'pid' })), codeOf(pool.stats())];
		process.kill(daemonOf(pid), 'SIGKILL');
		console.log((await Promise.all(worker)).slice(0, 2).join());
		const next = await pool.run({ do: 'pid' });
		console.log(next > 0 && next !== pid);
		const taken = await pool.acquire();
		process.kill(daemonOf(next), 'SIGKILL');
		await new Promise((resolve) => taken.on('exit', resolve));
		console.log(taken.connected);
		await pool.close();`);

	assert.strictEqual(stdout, 'ERR_POOL_LOST,ERR_POOL_LOST\ntrue\nfalse\n', stderr);
});

test('a daemon that refused the pool dies: the next is asked', () => {
	const { stdout, stderr } = run(`
		const pool = createPool({ name: 'other' });
		const other = createPool({ ...options, output: 'ignore' });
		console.log(await codeOf(pool.run({ do: 'pid' })), await codeOf(pool.run({ do: 'pid' })));
		const pid = await other.run({ do: 'pid' });
		const lost = codeOf(other.run({ do: 'nothing' }));
		process.kill(daemonOf(pid), 'SIGKILL');
		console.log(await lost);
		const made = createPool({ ...options, name: 'other' });
		await made.run({ do: 'pid' });
		console.log(await pool.run({ do: 'echo', value: 'well' }));
		await Promise.all([pool, other, made].map((one) => one.close()));`);

	assert.strictEqual(stdout, 'ERR_POOL_REFUSED ERR_POOL_REFUSED\nERR_POOL_LOST\nwell\n', stderr);
});

test('a process that stands by keeps the program alive', () => {
	const standby = "const pool = createPool({ kind: 'standby', command: 'sleep', args: ['1'] }); pool.spawn();";

	assert.strictEqual(run(`${standby} pool.drain().then(() => console.log('drained'));`).stdout, 'drained\n');
});

test('no daemon to be had: createPool() says so', () => {
	const { stdout } = run(`
		try {
			createPool(options);
		} catch (error) {
			console.log(error.code, /nowhere/.test(error.message));
		}`, { env: { ...process.env, URINGSPAWN_DAEMON: '/nowhere/uringspawnd', URINGSPAWN_SOCKET: '' } });

	assert.strictEqual(stdout, 'ERR_POOL_NO_DAEMON true\n');
});

for (const how of ['its program is killed', 'the daemon is killed'])
	test(`no worker is left: ${how}`, async () => {
		const child = start(`
			const pool = createPool({ ...options, min: 2, max: 3 });
			const pid = await pool.run({ do: 'pid' });
			pool.run({ do: 'nothing' }).catch(() => {});
			const all = (await pool.stats()).processes.map((one) => one.pid);
			console.log(JSON.stringify([daemonOf(pid), ...all]));`);

		await until(() => child.text.includes('\n'), 'its workers');
		const [daemon, ...workers] = JSON.parse(child.text).filter((pid) => pid > 0);
		assert.ok(workers.length >= 1);
		process.kill(how === 'the daemon is killed' ? daemon : child.pid, 'SIGKILL');
		await until(() => !workers.some(isThere), 'they are gone');
		child.kill('SIGKILL');
	});

/* A daemon that several programs have. */
async function withDaemon(body) {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'uringspawn-test-'));
	const socket = path.join(directory, 'socket');
	const binary = process.env.URINGSPAWN_DAEMON || path.join(__dirname, '..', '..', '..', 'build', 'release', 'uringspawnd');
	const daemon = spawn(binary, ['--socket', socket, '--quiet'], { stdio: ['ignore', 'ignore', 'inherit'] });

	try {
		await until(() => fs.existsSync(socket), 'the daemon listens');
		await body({ URINGSPAWN_SOCKET: socket });
	} finally {
		daemon.kill('SIGKILL');
		fs.rmSync(directory, { recursive: true });
	}
}

test('a pool with a name is one for all', () => withDaemon(async (env) => {
	const first = start(`
		const pool = createPool({ ...options, name: 'shared', max: 1, min: 1 });
		console.log(await pool.run({ do: 'pid' }));
		setInterval(() => {}, 1000);`, env);
	await until(() => first.text.includes('\n'), 'the first has it');
	const second = run(`
		const pool = createPool({ name: 'shared' });
		const both = await Promise.all([pool.run({ do: 'pid' }), pool.run({ do: 'echo', value: 'x' })]);
		const { name, clients, members } = await pool.stats();
		console.log(both.join(), name, clients, members);
		console.log(await pool.use((worker) => worker.run({ do: 'pid' })));
		await pool.close();
		console.log(await codeOf(createPool({ name: 'other' }).run(1)));
		await createPool({ name: 'shared' }).close({ end: true });
		console.log(await codeOf(createPool({ name: 'shared' }).run(1)));`, { env: { ...process.env, ...env } });
	const pid = first.text.trim();

	assert.strictEqual(second.stdout, `${pid},x shared 2 1\n${pid}\nERR_POOL_REFUSED\nERR_POOL_REFUSED\n`, second.stderr);
	first.kill('SIGKILL');
}));

test('one that is kept is there when nobody has it', () => withDaemon(async (env) => {
	const has = (script) => run(script, { env: { ...process.env, ...env } });
	const first = has(`
		const pool = createPool({ ...options, name: 'kept', keep: true, max: 1, min: 1, idleTimeout: Infinity });
		console.log(await pool.run({ do: 'pid' }));`);
	const second = has(`
		const pool = createPool({ name: 'kept' });
		console.log(await pool.run({ do: 'pid' }));
		await pool.close({ end: true });`);

	assert.ok(Number(first.stdout) > 0, first.stderr);
	assert.strictEqual(second.stdout, first.stdout, second.stderr);
}));

test('a pool of another daemon than the program\'s', () => withDaemon(async ({ URINGSPAWN_SOCKET: socket }) => {
	const { stdout, stderr } = run(`
		const there = createPool({ ...options, socket: ${JSON.stringify(socket)} });
		const here = createPool(options);
		const pids = await Promise.all([there.run({ do: 'pid' }), here.run({ do: 'pid' })]);
		console.log(daemonOf(pids[0]) !== daemonOf(pids[1]));
		await Promise.all([there.close(), here.close()]);`, { env: { ...process.env, URINGSPAWN_SOCKET: '' } });

	assert.strictEqual(stdout, 'true\n', stderr);
}));
