'use strict';
/*
 * What cannot be started, and what is no request.
 */
const fs = require('fs');
const path = require('path');
const { once } = require('events');
const { both, watch, closed, thrown, uringspawn, runtime, test, directory } = require('./support/harness.js');

const notExecutable = path.join(directory, 'data');
fs.writeFileSync(notExecutable, 'data', { mode: 0o644 });
const noInterpreter = path.join(directory, 'script');
fs.writeFileSync(noInterpreter, '#!/nowhere/interpreter\n', { mode: 0o755 });

both('no such program', async ({ spawn }, record) => {
	const child = spawn('nosuch-program', ['a', 'b']);

	await watch(child, record);
	record(child.pid, child.exitCode, child.signalCode, child.spawnfile, child.spawnargs);
});

both('no such program: its streams end', async ({ spawn }, record) => {
	const child = spawn('nosuch-program');

	record(child.stdin !== null, child.stdout !== null, child.stderr !== null);
	child.stdout.on('end', () => record('end')).resume();
	await closed(child);
	record(child.stdin.destroyed, child.stdout.destroyed);
});

both('no such program: writing to it', async ({ spawn }, record) => {
	const child = spawn('nosuch-program');

	child.on('error', (error) => record('child', error.code));
	child.stdin.on('error', () => {});
	child.stdin.end('data');
	await closed(child);
});

both('a file that is not executable, a directory, an interpreter that is not there', async ({ spawn }, record) => {
	for (const file of [notExecutable, '/', noInterpreter])
		await watch(spawn(file), record);
});

both('a working directory that is not there', async ({ spawn }, record) => {
	await watch(spawn('pwd', [], { cwd: '/nowhere' }), record);
});

both('a shell that is not there', async ({ spawn }, record) => {
	await watch(spawn('echo', { shell: '/nowhere/sh' }), record);
});

/* A program of its own, for what ends one, or would be taken for the end of this one. */
function program(spawnOf, script) {
	const load = spawnOf === runtime.spawn ? 'child_process' : path.join(__dirname, '..', 'index.cjs');

	return runtime.spawnSync(process.execPath, ['-e', `const { spawn } = require(${JSON.stringify(load)});${script}`],
		{ encoding: 'utf8', timeout: 50000 });
}

both('nobody listens: the error is thrown', async ({ spawn }, record) => {
	const { stdout, status } = program(spawn, `
		process.on('uncaughtException', (error) => console.log(error.code, error.syscall));
		spawn('nosuch-program');`);
	record(stdout, status);
}, { way: null });

both('an exception in a listener does not take the events of others', async ({ spawn }, record) => {
	const { stdout, status } = program(spawn, `
		process.on('uncaughtException', (error) => seen.push(error.message));
		const seen = [];
		for (const text of ['bad', 'good', 'good', 'good']) {
			const child = spawn('echo', [text]);
			child.on('exit', () => {
				if (text === 'bad')
					throw new Error('in a listener');
			});
			child.on('close', (code) => seen.push(text + code));
		}
		process.on('exit', () => console.log(seen.sort().join()));`);
	record(stdout, status);
}, { way: null });

both('wrong types', async ({ spawn }, record) => {
	for (const args of [[], [1], [''], [null], [{}], ['a', 'b'], ['a', 1], ['a', true], ['a', [], 'b'], ['a', [], null],
		['a', [], 1]])
		thrown(record, () => spawn(...args));
	for (const options of [{ cwd: 1 }, { cwd: {} }, { cwd: new URL('http://x/') }, { detached: 'x' }, { uid: 'x' }, { gid: 1.5 },
		{ shell: 1 }, { argv0: 1 }, { windowsHide: 1 }, { windowsVerbatimArguments: 1 }, { timeout: -1 },
		{ timeout: 'x' }, { killSignal: 'x' }, { killSignal: {} }, { signal: {} }, { signal: 'x' }, { stdio: 'x' },
		{ stdio: ['x'] }, { stdio: {} }, { stdio: 5 }, { stdio: [{}] }, { stdio: ['ipc', 'ipc'] }, { serialization: 'x' }])
		thrown(record, () => spawn('true', [], options));
}, { way: null, saysItself: ['bun'], differs: { deno: 'its runtime tells of some by an event' } });

both('a constructor that is used by hand', async ({ ChildProcess }, record) => {
	for (const options of [undefined, null, 'x', 1, {}, { file: 1 }, { file: 'x', args: 1 }, { file: 'x', envPairs: 1 }])
		thrown(record, () => new ChildProcess().on('error', () => {}).spawn(options));
	const child = new ChildProcess();
	record(child.spawn({ file: 'true', args: ['true'], stdio: 'pipe' }));
	await watch(child, record);
}, { way: null, saysItself: ['bun', 'deno'] });

both('an argument that is longer than the kernel takes', async ({ spawn }, record) => {
	thrown(record, () => spawn('true', ['x'.repeat(200000)]));
}, { way: null, saysItself: ['bun'], differs: { deno: 'its runtime tells it by an event' } });

test('a failed start says at which step', async () => {
	const assert = require('assert');
	const child = uringspawn.spawn('pwd', [], { cwd: '/nowhere' });
	const error = await new Promise((resolve) => child.on('error', resolve));

	assert.strictEqual(error.stage, 'chdir');
	assert.ok(runtime.spawn !== uringspawn.spawn);
});
