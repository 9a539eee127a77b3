'use strict';
/*
 * Programs as a whole: when they end, what they leave behind, and what happens when the
 * daemon does.
 */
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { once } = require('events');
const { spawnSync, spawn } = require('child_process');
const { both, test, runtime, isThere, until } = require('./support/harness.js');

const index = path.join(__dirname, '..', 'index.cjs');

/* What a program prints and returns; it has `cp`. */
function run(child_process, script, options = {}) {
	const load = child_process === runtime ? 'child_process' : index;
	const result = spawnSync(process.execPath, ['-e', `const cp = require(${JSON.stringify(load)});${script}`],
		{ encoding: 'utf8', timeout: 40000, ...options });

	return { stdout: result.stdout, status: result.status, signal: result.signal };
}

function all() {
	both('a program ends when its children have', async (cp, record) => {
		record(run(cp, "cp.spawn('sleep', ['0.2']).on('close', () => console.log('closed'))"));
		record(run(cp, "cp.spawn('true')"));
		record(run(cp, "cp.exec('echo hi', (error, stdout) => console.log(stdout))"));
		record(run(cp, "cp.spawnSync('true'); console.log('sync')"));
	}, { way: null });

	both('a child that is not waited for', async (cp, record) => {
		record(run(cp, "cp.spawn('sleep', ['30'], { stdio: 'ignore' }).unref(); console.log('over')"));
		record(run(cp, `const c = cp.spawn('sleep', ['30']);
			c.unref(); c.stdin.unref(); c.stdout.unref(); c.stderr.unref(); console.log('over')`));
		record(run(cp, `const c = cp.spawn('sleep', ['0.3']); c.unref();
			process.on('exit', () => console.log('its streams were waited for'))`));
		record(run(cp, `const c = cp.spawn('sleep', ['0.3'], { stdio: 'ignore' }); c.unref(); c.ref();
			c.on('exit', () => console.log('waited for again'))`));
		record(run(cp, `const c = cp.spawn('yes', { stdio: ['ignore', 'pipe', 'ignore'] }); c.unref();
			process.on('exit', () => c.kill('SIGKILL'));`));
	}, { way: null });

	both('asked for, and gone in the same turn', async (cp, record) => {
		const file = path.join(fs.mkdtempSync('/tmp/uringspawn-test-'), 'made');

		record(run(cp, `cp.spawn('touch', [${JSON.stringify(file)}], { detached: true, stdio: 'ignore' }).unref(); process.exit(3);`));
		await until(() => fs.existsSync(file), 'its child has run');
		record('it has run');
		fs.rmSync(path.dirname(file), { recursive: true });
	}, { way: null });

	both('its children run on, with nobody at the other end', async (cp, record) => {
		const { stdout } = run(cp, `const c = cp.spawn('sh', ['-c', 'sleep 0.2; cat; echo one; echo two; exec sleep 60']);
			c.on('spawn', () => { console.log(c.pid); process.kill(process.pid, 'SIGKILL'); });`);
		const pid = Number(stdout);
		/* Its stdin ends, and echo fails: a shell goes on after that. */
		await until(() => !isThere(pid) || fs.readFileSync(`/proc/${pid}/comm`, 'latin1') === 'sleep\n', 'it came to its end');
		record(isThere(pid));
		if (isThere(pid))
			process.kill(pid, 'SIGKILL');
	}, { way: null });

	both('an error that nobody listens for ends the program', async (cp, record) => {
		const { stdout, status } = run(cp, "cp.spawn('nosuch-program'); setTimeout(() => console.log('never'), 5000)",
			{ stdio: ['ignore', 'pipe', 'ignore'] });

		record(stdout, status);
	}, { way: null });

	test('the daemon of a program ends with it, and leaves no file', async () => {
		const { stdout } = run(null, `const c = cp.spawn('sh', ['-c', 'echo $PPID']);
			c.stdout.on('data', (data) => process.stdout.write(data));`);
		const daemon = Number(stdout);

		assert.ok(daemon > 1);
		await until(() => !isThere(daemon), 'the daemon is gone');
	});

	test('the daemon dies: each child ends in events, and the next has a new one', () => {
		const { stdout } = run(null, `
			const seen = [];
			const child = cp.spawn('sleep', ['60']);
			const other = cp.spawn('cat');
			child.on('error', (error) => seen.push(error.code));
			child.on('exit', (code) => seen.push('exit ' + code));
			child.on('close', () => seen.push('close'));
			other.on('close', () => {
				seen.push('other');
				cp.execFile('echo', ['next'], (error, stdout) => console.log(error, seen.sort().join(), stdout.trim()));
			});
			cp.execFile('sh', ['-c', 'echo $PPID'], (error, stdout) => {
				process.kill(Number(stdout), 'SIGKILL');
			});
			process.on('exit', () => { try { process.kill(child.pid, 'SIGKILL'); } catch {} });`);

		assert.strictEqual(stdout, 'null ECONNRESET,close,exit -104,other next\n');
	});

	test('the daemon stops: SIGTERM to it is an end as well', () => {
		const { stdout } = run(null, `
			const child = cp.spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done']);
			child.on('close', (code, signal) => console.log('closed', code !== 0 || signal !== null));
			child.stdout.once('data', () => cp.execFile('sh', ['-c', 'echo $PPID'], (error, stdout) => {
				for (let i = 0; i < 3; i++)
					setTimeout(() => { try { process.kill(Number(stdout), 'SIGTERM'); } catch {} }, 100 * i);
			}));`);

		assert.strictEqual(stdout, 'closed true\n');
	});

	test('no daemon to be had: the runtime, and one warning', () => {
		const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', `
			const cp = require(${JSON.stringify(index)});
			cp.execFile('echo', ['one'], (error, stdout) => {
				process.stdout.write(stdout);
				process.stdout.write(cp.execSync('echo two; exit 0'));
				console.log(cp.stats().relayed, cp.stats().runtime);
			});`], { encoding: 'utf8', timeout: 40000, env: { ...process.env, URINGSPAWN_DAEMON: '/nowhere/uringspawnd' } });

		assert.strictEqual(stdout, 'one\ntwo\n0 2\n');
		assert.strictEqual(status, 0);
		assert.strictEqual(stderr.match(/UringspawnWarning/g).length, 1);
		assert.match(stderr, /\/nowhere\/uringspawnd/);
	});

	test('a directory that others may write to is not trusted', () => {
		const runtimeDirectory = fs.mkdtempSync('/tmp/uringspawn-test-');
		fs.mkdirSync(path.join(runtimeDirectory, 'uringspawn'));
		fs.chmodSync(path.join(runtimeDirectory, 'uringspawn'), 0o777);
		const { stdout, stderr } = spawnSync(process.execPath, ['-e', `
			const cp = require(${JSON.stringify(index)});
			cp.execFile('echo', ['hi'], (error, stdout) => console.log(stdout.trim(), cp.stats().runtime));`],
		{ encoding: 'utf8', timeout: 40000, env: { ...process.env, XDG_RUNTIME_DIR: runtimeDirectory } });

		assert.strictEqual(stdout, 'hi 1\n');
		assert.match(stderr, /nobody else may write to/);
		fs.rmSync(runtimeDirectory, { recursive: true });
	});

	test('a socket that nobody listens on, or that no daemon does', async () => {
		const directory = fs.mkdtempSync('/tmp/uringspawn-test-');
		const socket = path.join(directory, 'other');
		const script = `const cp = require(${JSON.stringify(index)});
			cp.execFile('echo', ['hi'], (error, stdout) => console.log(stdout.trim(), cp.stats().runtime));`;
		const server = require('net').createServer((client) => client.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(socket);
		await once(server, 'listening');

		for (const name of [path.join(directory, 'nobody'), socket]) {
			const child = spawn(process.execPath, ['-e', script], { env: { ...process.env, URINGSPAWN_SOCKET: name } });
			let stdout = '';
			let stderr = '';
			child.stdout.on('data', (chunk) => stdout += chunk);
			child.stderr.on('data', (chunk) => stderr += chunk);
			await once(child, 'close');
			assert.strictEqual(stdout, 'hi 1\n');
			assert.match(stderr, /UringspawnWarning/);
		}
		server.close();
		fs.rmSync(directory, { recursive: true });
	});
}

all();
