'use strict';
/*
 * spawnSync(), execSync(), execFileSync().
 */
const { both, thrown, isNode, skip } = require('./support/harness.js');

/* What it returns or throws. */
function result(record, call) {
	try {
		record(call());
	} catch (error) {
		record(error);
	}
}

if (isNode)
	all();
else
	skip('the synchronous functions', 'this runtime does not show what they end in: they are its own');

function all() {
	both('output, status, signal', async ({ spawnSync }, record) => {
		record(spawnSync('echo', ['hi']));
		record(spawnSync('echo', ['hi'], { encoding: 'utf8' }));
		record(spawnSync('sh', ['-c', 'echo out; echo err >&2; exit 3'], { encoding: 'latin1' }));
		record(spawnSync('sh', ['-c', 'kill -9 $$']));
		record(spawnSync('pwd', { cwd: '/', encoding: 'utf8' }));
	});

	both('input of each kind', async ({ spawnSync }, record) => {
		for (const input of ['text', Buffer.from('bytes'), new Uint8Array([65, 66]), new DataView(new ArrayBuffer(3)),
			new Uint16Array([0x4142]), ''])
			record(spawnSync('cat', { input, encoding: 'latin1' }));
		record(spawnSync('wc', ['-c'], { input: Buffer.alloc(3000000), encoding: 'utf8' }));
		record(spawnSync('true', { input: Buffer.alloc(3000000) }));
		record(spawnSync('cat', { input: Buffer.from('é'), encoding: 'buffer' }));
	});

	both('much output', async ({ spawnSync }, record) => {
		record(spawnSync('head', ['-c', '1000000', '/dev/zero']).stdout.length);
		record(spawnSync('head', ['-c', '5000000', '/dev/zero'], { maxBuffer: Infinity }).stdout.length);
		const { error, status, signal } = spawnSync('head', ['-c', '5000000', '/dev/zero']);
		record(error, status, signal);
		record(spawnSync('sh', ['-c', 'echo 123456789'], { maxBuffer: 5 }).error);
	});

	both('a timeout', async ({ spawnSync }, record) => {
		record(spawnSync('sleep', ['100'], { timeout: 50 }));
		record(spawnSync('sleep', ['100'], { timeout: 50, killSignal: 'SIGKILL' }));
		record(spawnSync('sh', ['-c', 'echo before; exec sleep 100'], { timeout: 500, killSignal: 9 }));
		record(spawnSync('true', { timeout: 20000 }));
	});

	both('what does not start', async ({ spawnSync, execFileSync, execSync }, record) => {
		record(spawnSync('nosuch-program', ['x']));
		record(spawnSync('pwd', { cwd: '/nowhere' }));
		record(spawnSync('/'));
		result(record, () => execFileSync('nosuch-program', ['x']));
		result(record, () => execSync('nosuch-program', { stdio: 'pipe' }));
	});

	both('execSync and execFileSync', async ({ execSync, execFileSync }, record) => {
		result(record, () => execSync('echo $0 hi'));
		result(record, () => execSync('echo hi', { encoding: 'utf8' }));
		result(record, () => execSync('echo out; echo err >&2; exit 2', { stdio: 'pipe' }));
		result(record, () => execSync('cat', { input: 'given' }));
		result(record, () => execFileSync('printf', ['%s', 'a b'], { encoding: 'utf8' }));
		result(record, () => execFileSync('false'));
		result(record, () => execFileSync('sh', ['-c', 'kill $$'], { argv0: 'x' }));
		result(record, () => execSync('sleep 100', { timeout: 50 }));
	});

	both('streams', async ({ spawnSync }, record) => {
		for (const stdio of ['pipe', 'ignore', ['ignore', 'pipe', 'ignore'], ['pipe', 'ignore', 'pipe'], ['ignore', 'ignore', 'ignore', 'ignore']])
			record(spawnSync('sh', ['-c', 'echo out; echo err >&2'], { stdio, encoding: 'utf8' }));
	});

	both('inherited streams', async ({ spawnSync }, record) => {
		record(spawnSync('true', { stdio: 'inherit' }));
		record(spawnSync('sh', ['-c', 'test -n "$PATH" && echo has one'], { stdio: ['inherit', 'pipe', 'inherit'], encoding: 'utf8' }));
	}, { way: 'descriptors' });

	both('environment, shell, argv0', async ({ spawnSync }, record) => {
		record(spawnSync('env', { env: { A: '1', PATH: process.env.PATH }, encoding: 'utf8' }));
		record(spawnSync('echo $HOME', { shell: true, encoding: 'utf8' }));
		record(spawnSync('sh', ['-c', 'echo $0'], { argv0: 'other', encoding: 'utf8' }));
		record(spawnSync('env', { encoding: 'utf8' }).stdout.length > 0);
	});

	both('while others run', async ({ spawn, spawnSync }, record) => {
		const child = spawn('echo', ['beside']);
		const closed = new Promise((resolve) => child.on('close', resolve));
		let text = '';

		child.stdout.on('data', (chunk) => text += chunk);
		for (let i = 0; i < 5; i++)
			record(spawnSync('echo', [String(i)], { encoding: 'utf8' }).stdout);
		record(await closed, text);
	});

	both('wrong types', async ({ spawnSync, execSync, execFileSync }, record) => {
		for (const args of [[], [''], [1], ['a\0'], ['a', 1], ['a', [], 'x'], ['a', [], { timeout: -1 }], ['a', [], { maxBuffer: -1 }],
			['a', [], { killSignal: 'x' }], ['a', [], { input: 1 }], ['a', [], { stdio: 'x' }], ['a', [], { cwd: 1 }],
			['a', [], { stdio: ['ipc'] }]])
			thrown(record, () => spawnSync(...args));
		thrown(record, () => execSync());
		thrown(record, () => execSync(1));
		thrown(record, () => execFileSync('a', 1));
	}, { way: null });
}
