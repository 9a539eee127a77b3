'use strict';
/*
 * exec() and execFile(), with callbacks and as promises.
 */
const { promisify } = require('util');
const { both, closed, thrown } = require('./support/harness.js');

const called = (call, ...args) => new Promise((resolve) => call(...args, (...result) => resolve(result)));

both('each shape of a call', async ({ exec, execFile }, record) => {
	record(await called(exec, 'echo hi'));
	record(await called(exec, 'echo hi', {}));
	record(await called(exec, 'pwd', { cwd: '/' }));
	record(await called(exec, 'echo hi', null));
	record(await called(exec, 'echo hi', undefined));
	record(await called(execFile, 'echo'));
	record(await called(execFile, 'echo', ['a', 'b']));
	record(await called(execFile, 'pwd', { cwd: '/' }));
	record(await called(execFile, 'pwd', [], { cwd: '/' }));
	record(await called(execFile, 'pwd', null, { cwd: '/' }));
	record(await called(execFile, 'echo', ['a'], null));
	record(await called(execFile, 'echo', ['a'], undefined));
});

both('without a callback', async ({ exec, execFile }, record) => {
	for (const call of [() => exec('echo hi'), () => execFile('echo', ['hi'])])
		record(await closed(call()));
});

both('an exit code, and what was said', async ({ exec, execFile }, record) => {
	record(await called(exec, 'echo out; echo err >&2; exit 3'));
	record(await called(execFile, 'sh', ['-c', 'echo out; echo err >&2; exit 3']));
	record(await called(execFile, 'false'));
}, { saysItself: ['bun'] });

both('a signal', async ({ exec }, record) => {
	record(await called(exec, 'kill -TERM $$'));
}, { saysItself: ['bun'] });

both('no such program, no such directory', async ({ exec, execFile }, record) => {
	record(await called(execFile, 'nosuch-program', ['x']));
	record(await called(execFile, 'pwd', [], { cwd: '/nowhere' }));
	record(await called(exec, 'nosuch-program'));
	record(await called(exec, 'pwd', { shell: '/nowhere/sh' }));
});

both('encodings', async ({ execFile }, record) => {
	for (const encoding of [undefined, 'utf8', 'buffer', null, 'hex', 'latin1', 'nonsense', 'base64'])
		record(encoding, await called(execFile, 'printf', ['h\\303\\251'], { encoding }));
});

both('maxBuffer', async ({ execFile }, record) => {
	const script = ['-c', 'head -c 3000 /dev/zero | tr "\\0" a'];

	record(await called(execFile, 'sh', script, { maxBuffer: 3000 }));
	record(await called(execFile, 'sh', script, { maxBuffer: Infinity }));
	for (const options of [{ maxBuffer: 2999 }, { maxBuffer: 10, encoding: 'buffer' }, { maxBuffer: 0 }]) {
		const [error, stdout, stderr] = await called(execFile, 'sh', script, options);

		record(error.code, error.message, error.cmd, stdout, stderr);
	}
	const [error] = await called(execFile, 'sh', ['-c', 'echo many >&2'], { maxBuffer: 2 });
	record(error.code, error.message);
});

both('a timeout', async ({ exec, execFile }, record) => {
	record(await called(execFile, 'sleep', ['100'], { timeout: 50 }));
	record(await called(execFile, 'sleep', ['100'], { timeout: 50, killSignal: 'SIGKILL' }));
	record(await called(exec, 'echo hi', { timeout: 20000 }));
}, { saysItself: ['bun'] });

both('wrong types', async ({ exec, execFile }, record) => {
	const nothing = () => {};

	for (const args of [[], [1], [''], ['a\0'], ['true', 1], ['true', {}, 1], [null, nothing]])
		thrown(record, () => exec(...args));
	for (const args of [[], [1, nothing], ['', nothing], ['true', 'x'], ['true', [], 'x'], ['true', [], {}, 'x'], ['true', [], { timeout: -1 }],
		['true', [], { maxBuffer: -1 }], ['true', [], { maxBuffer: 'x' }], ['true', [], { killSignal: 'x' }]])
		thrown(record, () => execFile(...args));
}, { way: null, saysItself: ['bun', 'deno'] });

both('as promises', async ({ exec, execFile }, record) => {
	const one = promisify(exec)('echo hi; echo err >&2');
	record(typeof one.child.pid, one.child.spawnfile);
	record(await one);
	record(await promisify(execFile)('echo', ['hi']));
	record(await promisify(execFile)('pwd', { cwd: '/' }));
	record(await promisify(exec)('echo err >&2; exit 3').catch((error) => error));
	record(await promisify(execFile)('nosuch-program').catch((error) => error));
});

both('as promises: wrong types', async ({ execFile }, record) => {
	thrown(record, () => promisify(execFile)('true', 5, 6));
}, { way: null, saysItself: ['bun', 'deno'] });

both('aborted', async ({ exec, execFile }, record) => {
	for (const call of [exec, execFile]) {
		const controller = new AbortController();
		const result = called(call, ...(call === exec ? ['sleep 100'] : ['sleep', ['100']]), { signal: controller.signal });

		setTimeout(() => controller.abort(), 20);
		const [error, stdout, stderr] = await result;
		record(error.name, error.code, error.message, error.cmd, stdout, stderr);
	}
});

both('its child', async ({ execFile }, record) => {
	const result = new Promise((resolve) => {
		const child = execFile('cat', (...args) => resolve(args));

		record(child.stdin !== null, child.stdout.readableEncoding, child.spawnargs);
		child.stdin.end('through');
	});

	record(await result);
});

both('the environment', async ({ exec }, record) => {
	record(await called(exec, 'echo $A', { env: { A: 'b', PATH: process.env.PATH } }));
	process.env.USP_TEST_E = 'seen';
	record(await called(exec, 'echo $USP_TEST_E'));
	delete process.env.USP_TEST_E;
});
