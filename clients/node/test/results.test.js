'use strict';
/*
 * What comes back of exec(), execFile() and the synchronous functions, at the edges: text of
 * every kind, limits, descendants that hold a stream, programs that do not want to end.
 */
const fs = require('fs');
const path = require('path');
const { promisify } = require('util');
const { once } = require('events');
const { both, watch, thrown, closed, isNode, skip, directory } = require('./support/harness.js');

const SH = (script, ...rest) => ['sh', ['-c', script], ...rest];
const called = (call, ...args) => new Promise((resolve) => call(...args, (...result) => resolve(result)));
const ofNode = isNode ? both : (name) => skip(name, 'this runtime has its own');
const TEXTS = ['', ' ', 'é', '€', '😀', 'a\nb', "it's", '"', '\\', '$HOME', '*', '\ud800', 'x'.repeat(5000), '\t', '\u00a0', 'ÿ', '-n', '--'];

function result(record, call) {
	try {
		record(call());
	} catch (error) {
		record({ ...error, stdout: String(error.stdout).slice(0, 100), output: undefined }, error.message);
	}
}

both('text of every kind as an argument', async ({ execFile }, record) => {
	record(await called(execFile, 'printf', ['<%s>', ...TEXTS]));
});

ofNode('text of every kind as an argument, synchronously', async ({ spawnSync }, record) => {
	record(spawnSync('printf', ['<%s>', ...TEXTS], { encoding: 'utf8' }));
});

both('text of every kind as the name of a file, a directory, a variable', async ({ spawn }, record) => {
	for (const name of ['é€😀', 'a b', "it's", '-x']) {
		const folder = path.join(directory, name);

		fs.mkdirSync(folder, { recursive: true });
		fs.writeFileSync(path.join(folder, name), '#!/bin/sh\necho "$PWD $0 $1"', { mode: 0o755 });
		await watch(spawn(path.join(folder, name), [name], { cwd: folder }), record);
		await watch(spawn(`./${name}`, [name], { cwd: folder }), record);
		await watch(spawn('sh', ['-c', 'echo "$A"'], { env: { PATH: process.env.PATH, A: name } }), record);
		await watch(spawn(name, ['x'], { env: { PATH: `${folder}:/bin:/usr/bin` } }), record);
	}
});

both('many arguments', async ({ execFile }, record) => {
	record((await called(execFile, 'sh', ['-c', 'echo $#', 'x', ...Array(20000).fill('argument')]))[1]);
});

both('an array that is changed afterwards', async ({ spawn }, record) => {
	const args = ['one'];
	const child = spawn('echo', args);

	args.push('two');
	args[0] = 'changed';
	await watch(child, record);
	record(child.spawnargs);
});

both('functions in the place of options', async ({ spawn, execFile, exec }, record) => {
	const nothing = () => {};

	thrown(record, () => spawn('true', nothing));
	thrown(record, () => spawn('true', [], nothing));
	thrown(record, () => execFile('true', nothing, nothing));
	thrown(record, () => exec('true', 'x', nothing));
	thrown(record, () => exec('true', nothing, nothing));
	thrown(record, () => execFile('true', [], nothing, {}));
}, { way: null, saysItself: ['bun', 'deno'] });

ofNode('functions in the place of options, synchronously', async ({ spawnSync, execFileSync, execSync }, record) => {
	const nothing = () => {};

	thrown(record, () => spawnSync('true', nothing));
	thrown(record, () => execFileSync('true', nothing));
	thrown(record, () => execSync('true', nothing));
	thrown(record, () => spawnSync('true', [], null));
	thrown(record, () => spawnSync('true', null, {}));
	thrown(record, () => execFileSync('true', null));
}, { way: null });

both('an end by exit and by signal, each', async ({ spawn }, record) => {
	for (const code of [0, 1, 2, 126, 127, 128, 255, 256, 300])
		record(code, await closed(spawn(...SH(`exit ${code % 256}`))));
	for (const signal of ['HUP', 'INT', 'QUIT', 'ABRT', 'KILL', 'USR1', 'SEGV', 'PIPE', 'ALRM', 'TERM', 'XCPU', 'SYS', 'BUS', 'FPE', 'ILL', 'TRAP', 'IO', 'PWR'])
		record(signal, await closed(spawn(...SH(`ulimit -c 0; kill -${signal} $$`))));
});

both('stopped and continued is no end', async ({ spawn }, record) => {
	const child = spawn(...SH('echo ready; read x; echo on'));

	await once(child.stdout, 'data');
	record(child.kill('SIGSTOP'), child.kill('SIGCONT'));
	child.stdin.end('x\n');
	record((await once(child.stdout, 'data')).toString());
	record(child.exitCode === null || child.exitCode === 0, child.signalCode);
	if (child.exitCode === null)
		await once(child, 'exit');
	record(child.exitCode);
});

both('maxBuffer, by characters and by bytes', async ({ execFile }, record) => {
	for (const [encoding, maxBuffer] of [['utf8', 3], ['utf8', 6], ['buffer', 5], ['buffer', 6], ['latin1', 5], [undefined, 2]]) {
		const [error, stdout] = await called(execFile, 'printf', ['€€'], { encoding, maxBuffer });

		record(encoding, maxBuffer, error && error.code, stdout);
	}
});

both('maxBuffer of stderr, and of both', async ({ exec }, record) => {
	const [one, stdout, stderr] = await called(exec, 'echo 12345 >&2', { maxBuffer: 3 });
	record(one.message, one.code, stdout, stderr);
	record((await called(exec, 'echo 123; echo 456 >&2', { maxBuffer: 4 })).slice(1));
});

both('a descendant that holds the stream of an exec()', async ({ exec }, record) => {
	record(await called(exec, '(sleep 0.2; echo late) & echo early'));
});

both('a timeout, and a descendant that holds the stream', async ({ execFile }, record) => {
	const [error, stdout] = await called(execFile, 'sh', ['-c', 'echo early; sleep 1'], { timeout: 300 });

	record(error && error.killed, error && error.signal, stdout);
});

both('an exec() that is killed by its child object', async ({ exec }, record) => {
	const ended = called((callback) => {
		const child = exec('exec sleep 100', callback);

		child.on('spawn', () => child.kill('SIGINT'));
	});
	const [error] = await ended;
	record(error.killed, error.signal, error.code, error.cmd);
});

both('promises that fail keep what was said', async ({ exec, execFile }, record) => {
	for (const call of [() => promisify(exec)('echo out; echo err >&2; exit 7'), () => promisify(execFile)('sh', ['-c', 'echo out; kill -9 $$'])]) {
		const error = await call().catch((one) => one);

		record(error.stdout, error.stderr, error.code, error.signal, error.killed, Object.keys(error).sort());
	}
	const controller = new AbortController();
	const aborted = promisify(exec)('sleep 100', { signal: controller.signal }).catch((one) => one);
	controller.abort();
	record((await aborted).name);
	record((await promisify(exec)('true', { signal: AbortSignal.abort() }).catch((one) => one)).name);
}, { saysItself: ['bun'] });

both('the environment of a shell that is not the usual one', async ({ exec }, record) => {
	record(await called(exec, 'echo $0', { shell: '/bin/bash' }));
	record(await called(exec, 'echo $((1 + 1)) "a  b" `echo c`', {}));
	record(await called(exec, 'exit 3 # a comment', { shell: '/bin/sh' }));
	record((await called(exec, 'cat', { shell: '/bin/echo' }))[1]);
});

both('a multi-line command', async ({ exec }, record) => {
	record(await called(exec, 'for i in 1 2 3\ndo\n\techo $i\ndone\ncat <<END\nhere\nEND\n'));
});

ofNode('a program that does not want to end, synchronously', async ({ spawnSync }, record) => {
	const { error, status, signal, stdout } = spawnSync('sh', ['-c', 'trap "" TERM; echo before; sleep 2; exit 5'],
		{ timeout: 1000, encoding: 'utf8' });

	record(error && error.code, status, signal, stdout);
});

ofNode('a descendant that holds the stream, synchronously', async ({ spawnSync }, record) => {
	record(spawnSync('sh', ['-c', '(sleep 0.3; echo late) & echo early'], { encoding: 'utf8' }).stdout);
	const { error, stdout } = spawnSync('sh', ['-c', 'sleep 5 & echo early'], { encoding: 'utf8', timeout: 300 });
	record(error && error.code, stdout);
});

ofNode('maxBuffer, synchronously', async ({ spawnSync, execSync, execFileSync }, record) => {
	for (const maxBuffer of [1, 6, 12, Infinity, undefined]) {
		const { error, stdout, status, signal } = spawnSync('sh', ['-c', 'echo hello world; exec sleep 0.3'], { maxBuffer, encoding: 'utf8' });

		record(maxBuffer, error && error.code, error && error.message, stdout, status, signal);
	}
	result(record, () => execSync('echo hello; exec sleep 100', { maxBuffer: 2 }));
	try {
		execFileSync('yes', { maxBuffer: 2, stdio: ['pipe', 'pipe', 'ignore'] });
	} catch (error) {
		record(error.code, error.status, error.signal, error.stdout.length > 2 && error.stdout.length <= 65536);
	}
	try {
		execFileSync('cat', ['/dev/zero'], { maxBuffer: 100000, stdio: ['pipe', 'pipe', 'ignore'] });
	} catch (error) {
		record(error.code, error.stdout.length > 100000 && error.stdout.length <= 100000 + 65536);
	}
	const { error } = spawnSync('sh', ['-c', 'echo 123; echo 456 >&2; sleep 0.1'], { maxBuffer: 5 });
	record(error && error.code);
});

ofNode('encodings, synchronously', async ({ spawnSync, execSync }, record) => {
	for (const encoding of ['buffer', null, undefined, 'utf8', 'utf-8', 'hex', 'base64', 'latin1', 'ucs2', 'ascii'])
		result(record, () => spawnSync('printf', ['h\\303\\251'], { encoding }).output);
	result(record, () => execSync('printf x', { encoding: 'nonsense' }));
});

ofNode('errors, synchronously', async ({ execSync, execFileSync }, record) => {
	for (const call of [() => execSync('exit 4', { stdio: 'pipe' }), () => execSync('echo out; echo err >&2; exit 4', { encoding: 'utf8', stdio: 'pipe' }),
		() => execFileSync('sh', ['-c', 'kill -9 $$'], { stdio: 'pipe' }), () => execSync('kill -15 $$', { stdio: 'ignore' }),
		() => execFileSync('/nowhere/program', { stdio: 'pipe' }), () => execSync('true', { cwd: '/nowhere' }),
		() => execSync('true', { shell: '/nowhere/sh' })]) {
		try {
			record(call());
		} catch (error) {
			record(Object.keys(error).sort(), error.message, error.status, error.signal, error.code, error.stdout, error.stderr);
		}
	}
});

ofNode('what a synchronous result has', async ({ spawnSync }, record) => {
	for (const args of [['true'], ['nosuch-program'], ['sleep', ['5'], { timeout: 20 }], ['echo', ['x'], { stdio: 'ignore' }], ['echo', ['x'], { stdio: ['pipe', 'ignore', 'pipe'] }]]) {
		const seen = spawnSync(...args);

		record(Object.keys(seen).sort(), typeof seen.pid, seen.pid > 0, seen.output, seen.stdout, seen.stderr, seen.status, seen.signal);
	}
});

ofNode('stdio of more than three, and of descriptors, synchronously', async ({ spawnSync }, record) => {
	const file = path.join(directory, 'sync-out');
	const fd = fs.openSync(file, 'w+');

	record(spawnSync('sh', ['-c', 'echo to a file; echo three >&3'], { stdio: ['ignore', fd, 'pipe', 'pipe'], encoding: 'utf8' }).output);
	record(spawnSync('sh', ['-c', 'echo both; echo both >&2'], { stdio: ['ignore', fd, fd] }).status);
	fs.closeSync(fd);
	record(fs.readFileSync(file, 'utf8'));
	const input = fs.openSync(file, 'r');
	record(spawnSync('cat', { stdio: [input, 'pipe', 'pipe'], encoding: 'utf8' }).stdout);
	fs.closeSync(input);
	thrown(record, () => spawnSync('true', { stdio: [9999, 'pipe', 'pipe'] }));
}, { way: null });

ofNode('input that is not read, synchronously', async ({ spawnSync }, record) => {
	for (const options of [{ input: Buffer.alloc(1000000) }, { input: 'x', stdio: ['ignore', 'pipe', 'pipe'] }]) {
		const { error, status } = spawnSync('sh', ['-c', 'exec <&-; sleep 0.1; exit 3'], options);

		record(error && error.code, status);
	}
});

ofNode('detached, uid, gid, and windows options, synchronously', async ({ spawnSync }, record) => {
	record(spawnSync('sh', ['-c', 'set -- $(cat /proc/$$/stat); test $1 = $6 && echo session'], { detached: true, encoding: 'utf8' }).stdout);
	record(spawnSync('echo', ['x'], { windowsHide: true, windowsVerbatimArguments: true, encoding: 'utf8' }).stdout);
	if (process.getuid() === 0)
		record(spawnSync('id', ['-u'], { uid: 65534, gid: 65534, encoding: 'utf8' }).stdout);
	thrown(record, () => spawnSync('true', { uid: -2 }));
	thrown(record, () => spawnSync('true', { gid: 'x' }));
}, { way: null });

ofNode('an abort signal means nothing to the synchronous ones, nor a second call to the first', async ({ spawnSync, execFileSync }, record) => {
	record(spawnSync('echo', ['x'], { signal: AbortSignal.timeout(1), encoding: 'utf8' }).stdout);
	record(Array.from({ length: 20 }, (_, i) => execFileSync('echo', [String(i)], { encoding: 'utf8' })).join(''));
});
