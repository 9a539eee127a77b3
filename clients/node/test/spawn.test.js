'use strict';
/*
 * spawn(): options, events and their order.
 */
const { pathToFileURL } = require('url');
const { once } = require('events');
const { AsyncLocalStorage } = require('async_hooks');
const os = require('os');
const { both, watch, thrown, skip, SH } = require('./support/harness.js');

both('the events of a program, in their order', async ({ spawn }, record) => {
	await watch(spawn('echo', ['hi']), record);
});

both('an exit code', async ({ spawn }, record) => {
	const child = spawn(...SH('exit 7'));

	await watch(child, record);
	record(child.exitCode, child.signalCode, child.killed);
});

both('a signal that it sends to itself', async ({ spawn }, record) => {
	const child = spawn(...SH('kill -KILL $$'));

	await watch(child, record);
	record(child.exitCode, child.signalCode, child.killed);
});

both('what a child is before anything happened', async ({ spawn }, record) => {
	const child = spawn('echo', ['a', 'b']);

	record(child.spawnfile, child.spawnargs, child.exitCode, child.signalCode, child.killed, child.connected);
	record(typeof child.pid, child.stdio.length, child.stdio[0] === child.stdin, child.stdio[1] === child.stdout,
		child.stdio[2] === child.stderr);
	await watch(child, record);
});

both('the pid is that of the program', async ({ spawn }, record) => {
	const child = spawn(...SH('echo $$'));
	let text = '';

	child.stdout.on('data', (chunk) => text += chunk);
	const { pid } = child;
	await once(child, 'close');
	record(Number(text) === pid, child.pid === pid);
});

both('arguments that are no strings', async ({ spawn }, record) => {
	await watch(spawn('echo', [1, true, undefined, 2.5]), record);
});

both('no arguments, and options in their place', async ({ spawn }, record) => {
	await watch(spawn('pwd', { cwd: '/' }), record);
	await watch(spawn('pwd', null, { cwd: '/' }), record);
	await watch(spawn('pwd', undefined, { cwd: '/' }), record);
});

both('a working directory, as a path and as a URL', async ({ spawn }, record) => {
	await watch(spawn('pwd', [], { cwd: '/usr' }), record);
	await watch(spawn('pwd', [], { cwd: pathToFileURL('/usr') }), record);
	await watch(spawn('pwd', [], { cwd: null }), record);
});

both('a program that is named relative to its working directory', async ({ spawn }, record) => {
	await watch(spawn('./echo', ['there'], { cwd: '/bin' }), record);
});

both('argv0', async ({ spawn }, record) => {
	const child = spawn('sh', ['-c', 'echo $0'], { argv0: 'another' });

	await watch(child, record);
	record(child.spawnargs, child.spawnfile);
});

both('an environment', async ({ spawn }, record) => {
	const { PATH } = process.env;

	await watch(spawn('env', [], { env: { PATH, A: '1', B: undefined, C: 'x=y', D: '' } }), record);
	await watch(spawn('/usr/bin/env', [], { env: {} }), record);
	await watch(spawn('env', [], { env: Object.create({ PATH, INHERITED: 'yes' }) }), record);
});

both('the environment of the program, and what changes in it', async ({ spawn }, record) => {
	process.env.USP_TEST_A = '1';
	await watch(spawn(...SH('echo $USP_TEST_A')), record);
	process.env.USP_TEST_A = '2';
	await watch(spawn(...SH('echo $USP_TEST_A')), record);
	delete process.env.USP_TEST_A;
	await watch(spawn(...SH('echo ${USP_TEST_A-none}')), record);
	Object.defineProperty(process.env, 'USP_TEST_A', { value: '3', configurable: true, writable: true, enumerable: true });
	await watch(spawn(...SH('echo $USP_TEST_A')), record);
	Object.assign(process.env, { USP_TEST_A: 4 });
	await watch(spawn(...SH('echo $USP_TEST_A')), record);
	delete process.env.USP_TEST_A;
});

both('all of the environment', async ({ spawn }, record) => {
	const child = spawn('env');
	let text = '';

	child.stdout.on('data', (chunk) => text += chunk);
	await once(child, 'close');
	record(text.split('\n').filter((line) => !line.startsWith('USP_')).sort());
});

both('the PATH of the child is what it is looked up in', async ({ spawn }, record) => {
	await watch(spawn('pwd', [], { env: { PATH: '/nowhere' } }), record);
	await watch(spawn('pwd', [], { env: { A: 'b' } }), record);
	await watch(spawn('pwd', [], { env: { PATH: '/nowhere:/bin' } }), record);
});

both('a shell', async ({ spawn }, record) => {
	await watch(spawn('echo $0 | tr a-z A-Z', { shell: true }), record);
	await watch(spawn('echo', ['$HOME'], { shell: '/bin/sh' }), record);
	const child = spawn('exit 3', { shell: true });
	record(child.spawnfile, child.spawnargs);
	await watch(child, record);
}, { saysItself: ['deno'] });

both('a script without a line that names its interpreter', async ({ spawn }, record) => {
	const fs = require('fs');
	const file = `${os.tmpdir()}/uringspawn-noshebang-${process.pid}`;

	fs.writeFileSync(file, 'echo "script $1"\n', { mode: 0o755 });
	const child = spawn(file, ['one']);
	await watch(child, record);
	fs.unlinkSync(file);
});

both('detached: a session of its own', async ({ spawn }, record) => {
	await watch(spawn(...SH('set -- $(cat /proc/$$/stat); test $1 = $5 && echo leader; test $1 = $6 && echo session'),
		{ detached: true }), record);
	await watch(spawn(...SH('set -- $(cat /proc/$$/stat); test $1 = $5 || echo no leader')), record);
});

both('the process group and the session of the program', async ({ spawn }, record) => {
	const fs = require('fs');
	const [, , , , group, session] = fs.readFileSync('/proc/self/stat', 'latin1').replace(/\(.*\)/, 'x').split(' ');
	const child = spawn(...SH('set -- $(cat /proc/$$/stat); echo $5 $6'));
	let text = '';

	child.stdout.on('data', (chunk) => text += chunk);
	await once(child, 'close');
	record(text.trim() === `${group} ${session}`);
});

both('umask, priority and limits are those of the program', async ({ spawn }, record) => {
	await watch(spawn(...SH('umask; nice; ulimit -n; ulimit -c; cat /proc/self/oom_score_adj')), record);
});

both('no descriptor but its own', async ({ spawn }, record) => {
	await watch(spawn(...SH('ls /proc/$$/fd | grep -c "^[012]$"')), record);
});

/* The runtime leaves those from 32 on as they are: what a caller of the program ignores stays ignored. */
both('signals are as they are in the beginning', async ({ spawn }, record) => {
	await watch(spawn(...SH(`while read name value; do
		case $name in Sig[BI]*) echo $name $((0x$value & 0x7fffffff)) ;; esac
	done </proc/self/status`)), record);
}, { differs: { deno: 'it leaves a signal ignored, also for the Node that is asked' } });

both('as another user', async ({ spawn }, record) => {
	if (process.getuid() !== 0) {
		record('only root can');
		return;
	}
	await watch(spawn(...SH('id -u; id -g; id -G'), { uid: 65534, gid: 65534 }), record);
	await watch(spawn(...SH('id -u; id -g'), { uid: 65534 }), record);
	await watch(spawn(...SH('id -u; id -g'), { gid: 65534 }), record);
});

both('the options are as before', async ({ spawn }, record) => {
	const options = Object.freeze({ cwd: '/', env: Object.freeze({ PATH: process.env.PATH }), stdio: Object.freeze(['pipe', 'pipe', 'pipe']) });
	const args = Object.freeze(['-c', 'pwd']);

	await watch(spawn('sh', args, options), record);
	record(options.cwd, Object.keys(options), args.length);
});

both('what is not an own property of the options is none', async ({ spawn }, record) => {
	await watch(spawn('pwd', [], Object.create({ cwd: '/usr' })).on('error', () => {}), (...seen) => {
		if (seen[0] !== 'stdout')
			record(...seen);
	});
});

const afterNode18 = Number(process.versions.node.split('.')[0]) >= 20;

(afterNode18 ? both : skip)('a polluted prototype', afterNode18 ? async ({ spawn }, record) => {
	const pollution = { shell: true, cwd: '/nonexistent', env: { X: '1' }, argv0: 'x', stdio: 'ignore', detached: true };

	Object.assign(Object.prototype, pollution);
	let child;
	try {
		child = spawn('echo', ['$HOME']);
	} finally {
		for (const key of Object.keys(pollution))
			delete Object.prototype[key];
	}
	await watch(child, record);
} : 'the runtime of that time was touched by it');

both('a prototype that is polluted with names of this client', async ({ spawn }, record) => {
	const pollution = { path: '/bin/false', search: 'false', template: 9, umask: 0o777, gone: 9, killProcess: true, fd: 9 };
	let child;

	Object.assign(Object.prototype, pollution);
	try {
		child = spawn(...SH('umask; echo $A'), { env: { PATH: process.env.PATH, A: 'an environment of its own' } });
	} finally {
		for (const key of Object.keys(pollution))
			delete Object.prototype[key];
	}
	await watch(child, record);
});

both('a NUL byte', async ({ spawn }, record) => {
	thrown(record, () => spawn('a\0b'));
	thrown(record, () => spawn('a', ['b\0']));
	thrown(record, () => spawn('a', [], { cwd: '/\0' }));
	thrown(record, () => spawn('a', [], { argv0: '\0' }));
	thrown(record, () => spawn('a', [], { env: { A: '\0' } }));
	thrown(record, () => spawn('a', [], { env: { 'A\0': 'b' } }));
	thrown(record, () => spawn('a', [], { shell: '/bin/sh\0' }));
}, { way: null, saysItself: ['bun', 'deno'] });

both('the context of who spawned it is that of its events', async ({ spawn }, record) => {
	const storage = new AsyncLocalStorage();
	const closed = [];
	const seen = [];

	for (const name of ['one', 'two']) {
		storage.run(name, () => {
			const child = spawn(...SH('cat; echo err >&2'));

			for (const event of ['spawn', 'exit', 'close'])
				child.on(event, () => seen.push(`${name} ${event} ${storage.getStore()}`));
			for (const event of ['data', 'end', 'close'])
				child.stdout.on(event, () => seen.push(`${name} stdout ${event} ${storage.getStore()}`));
			child.stderr.resume();
			child.stdin.end('text');
			closed.push(once(child, 'close'));
		});
	}
	await Promise.all(closed);
	record(seen.sort()); /* whether exit or the end of a stream comes first is nobody's promise */
});

both('a listener that is added after spawn was waited for', async ({ spawn }, record) => {
	const child = spawn('true');

	await once(child, 'spawn');
	const exit = once(child, 'exit');
	record(await exit);
});

both('waiting for exit after the output has ended', async ({ spawn }, record) => {
	const child = spawn('echo', ['x']);
	let text = '';

	for await (const chunk of child.stdout)
		text += chunk;
	record(text);
	if (child.exitCode === null)
		await once(child, 'exit');
	record(child.exitCode);
});

both('many at once', async ({ spawn }, record) => {
	const texts = await Promise.all(Array.from({ length: 100 }, async (_, i) => {
		const child = spawn('echo', [String(i)]);
		let text = '';

		child.stdout.on('data', (chunk) => text += chunk);
		await once(child, 'close');
		return text;
	}));

	record(texts.join(''));
});

both('an abort signal: before, during, and after', async ({ spawn }, record) => {
	const before = AbortSignal.abort();
	await watch(spawn('sleep', ['100'], { signal: before }), record);
	const during = new AbortController();
	const child = spawn('sleep', ['100'], { signal: during.signal, killSignal: 'SIGKILL' });
	const closed = watch(child, record);
	child.on('spawn', () => during.abort(new Error('enough')));
	await closed;
	record(child.killed);
	const after = new AbortController();
	await watch(spawn('true', [], { signal: after.signal }), record);
	after.abort();
}, { saysItself: ['bun'] });

both('a timeout', async ({ spawn }, record) => {
	const child = spawn('sleep', ['100'], { timeout: 50 });

	await watch(child, record);
	record(child.killed);
	await watch(spawn('sleep', ['100'], { timeout: 50, killSignal: 'SIGINT' }), record);
});

both('instances, and what they are made by', async ({ spawn, ChildProcess }, record) => {
	const child = spawn('true');

	record(child instanceof ChildProcess, child instanceof require('child_process').ChildProcess,
		child instanceof require('events'), child.constructor.name);
	await watch(child, record);
});

both('what a child has of its own', async ({ spawn }, record) => {
	const child = spawn('true');

	record(['pid', 'stdin', 'stdout', 'stderr', 'stdio', 'spawnfile', 'spawnargs', 'exitCode', 'killed']
		.map((name) => Object.prototype.hasOwnProperty.call(child, name)));
	record(typeof child.stdout._handle, child.stdout._handle.setBlocking(true) || 0);
	child.stdout = null;
	record(child.stdout);
	await watch(child, record);
	record(child.stdin._handle);
});
