'use strict';
/*
 * Programs under flags of the runtime's own, with register and without: they say and do the
 * same.
 */
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { test, skip, isNode, runtime, directory } = require('./support/harness.js');

const register = path.join(__dirname, '..', 'register.cjs');
const major = Number(process.versions.node.split('.')[0]);

function run(args, env) {
	const { stdout, stderr, status, signal } = runtime.spawnSync(process.execPath, args,
		{ encoding: 'utf8', timeout: 50000, cwd: directory, env: { ...process.env, ...env } });

	return { stdout, status, signal, stderr: stderr.replace(/\(node:\d+\)/g, '(node)') };
}

/* `normal` makes of what is said what is not by chance. */
function same(script, { flags = [], args = [], env, normal = (text) => text, expect } = {}) {
	const file = path.join(directory, 'flags-program.cjs');

	fs.writeFileSync(file, script);
	const [plain, registered] = [[], ['--require', register]].map((more) => {
		const result = run([...more, ...flags, file, ...args], env);

		return { ...result, stdout: normal(result.stdout), stderr: normal(result.stderr) };
	});
	assert.deepStrictEqual(registered, plain);
	if (expect)
		assert.match(plain.stdout + plain.stderr, expect);
}

const EACH = `const cp = require('child_process');
	cp.spawn('echo', ['spawn']).stdout.on('data', (data) => process.stdout.write(data)).on('close', () =>
		cp.exec('echo exec', (error, text) => {
			process.stdout.write(text);
			process.stdout.write(cp.execFileSync('echo', ['sync']));
			cp.spawn('echo', ['inherit'], { stdio: 'inherit' }).on('close', () => {
				if (process.argv[2] === 'child')
					return;
				cp.fork(__filename, ['child']).on('close', (code) => console.log('forked', code));
			});
		}));`;

function all() {
	for (const flag of ['--pending-deprecation', '--throw-deprecation', '--trace-warnings', '--frozen-intrinsics',
		'--disallow-code-generation-from-strings', '--no-warnings', '--unhandled-rejections=strict', '--disable-proto=delete', '--disable-proto=throw',
		'--preserve-symlinks', '--enable-source-maps', '--trace-uncaught', '--no-addons', '--zero-fill-buffers', '--jitless'])
		test(flag, () => same(EACH, { flags: [flag], expect: /spawn\nexec\nsync\ninherit\n/ }));

	test('NODE_OPTIONS, which its children have as well', () => {
		const script = `const cp = require('child_process');
			console.log(process.env.NODE_OPTIONS.replace(/--require \\S+/, 'R'));
			if (process.argv.length < 4)
				process.stdout.write(cp.execFileSync(process.execPath, [__filename, ...process.argv.slice(2), 'x']));`;
		const file = path.join(directory, 'options.cjs');

		fs.writeFileSync(file, script);
		const plain = run([file], { NODE_OPTIONS: '--no-deprecation' });
		const registered = run([file], { NODE_OPTIONS: `--no-deprecation --require ${register}` });
		assert.strictEqual(registered.stdout.replace(/ R/g, ''), plain.stdout);
		assert.strictEqual(registered.stderr, plain.stderr);
	});

	const permission = major >= 23 ? '--permission' : '--experimental-permission';
	const access = [permission, '--allow-fs-read=*', '--allow-fs-write=*', '--allow-worker', ...(major >= 20 ? ['--allow-addons'] : [])];
	const attempts = `const cp = require('child_process');
		const attempt = (name, call) => { try { console.log(name, String(call())); } catch (error) { console.log(name, error.code, error.permission); } };
		attempt('spawn', () => cp.spawn('true').on('error', () => {}).constructor.name);
		attempt('exec', () => cp.exec('true', () => {}).constructor.name);
		attempt('execFileSync', () => cp.execFileSync('echo', ['x']));
		attempt('spawnSync', () => cp.spawnSync('echo', ['x']).stdout);
		attempt('fork', () => cp.fork('/nowhere/x.js', { silent: true }).constructor.name);`;

	if (major >= 20) {
		test('the permission model: no children', () => {
			same(attempts, { flags: access.filter((one) => one !== '--allow-addons' || major >= 22), expect: /ERR_ACCESS_DENIED/ });
		});

		test('the permission model, and a daemon that runs already: no children', async () => {
			const { serve } = require('./support/served.js');
			const daemon = await serve();

			try {
				same(attempts, { flags: access.filter((one) => one !== '--allow-addons' || major >= 22), expect: /ERR_ACCESS_DENIED/,
					env: { URINGSPAWN_SOCKET: daemon.socket } });
			} finally {
				await daemon.stop();
			}
		});

		test('the permission model: children, which have the same permissions', () => {
			same(`const cp = require('child_process');
				process.stdout.write(cp.execFileSync('sh', ['-c', 'echo "$NODE_OPTIONS"']));
				cp.exec('echo "$NODE_OPTIONS"', (error, text) => console.log(text));`,
			{ flags: [...access.filter((one) => one !== '--allow-addons' || major >= 22), '--allow-child-process'], normal: (text) => text.replace(/--require \S+/, '') });
		});
	}

	test('node --test, which has a process for each file', () => {
		const folder = fs.mkdtempSync(path.join(directory, 'suite-'));

		fs.writeFileSync(path.join(folder, 'a.test.js'), `const { test } = require('node:test');
			test('one', () => {}); test('two', () => { console.log('said'); }); test('three', { skip: true }, () => {});`);
		fs.writeFileSync(path.join(folder, 'b.test.js'), `const { test } = require('node:test');
			test('bad', () => { throw new Error('mine'); });`);
		const env = { NODE_TEST_CONTEXT: undefined };
		const [plain, registered] = [[], ['--require', register]].map((more) => {
			const { stdout, status } = run([...more, '--test', '--test-reporter=tap', path.join(folder, 'a.test.js'), path.join(folder, 'b.test.js')], env);

			return { status, stdout: stdout.replace(/duration_ms[: ]+[\d.]+/g, '').replace(/^ +at .*\n/gm, '') };
		});
		assert.deepStrictEqual(registered, plain);
		assert.strictEqual(plain.status, 1);
		assert.match(plain.stdout, /ok \d - (two|.*a\.test\.js)/);
	});

	test('node --print, and a script from stdin', () => {
		const script = "require('child_process').execFileSync('echo', ['hi'], { encoding: 'utf8' })";
		const [plain, registered] = [[], ['--require', register]].map((more) => run([...more, '-p', script]));

		assert.deepStrictEqual(registered, plain);
		const input = `require('child_process').spawn('cat', { stdio: ['ignore', 'inherit', 'inherit'] }).on('close', (code) => console.log(code))`;
		const [one, two] = [[], ['--require', register]].map((more) => runtime.spawnSync(process.execPath, [...more, '-'], { input, encoding: 'utf8' }).stdout);
		assert.strictEqual(two, one);
		assert.strictEqual(one, '0\n');
	});

	test('an exit code of a program that ends by an exception in a listener', () => {
		same(`require('child_process').spawn('true').on('exit', () => { throw new Error('mine'); });`,
			{ normal: (text) => text.split('\n').filter((line) => /^Error|mine/.test(line)).join('\n'), expect: /mine/ });
	});

	test('beforeExit and exit: a child in each', () => {
		same(`const cp = require('child_process');
			let more = true;
			process.on('beforeExit', () => {
				if (more)
					cp.exec('echo more', (error, text) => process.stdout.write(text));
				more = false;
			});
			process.on('exit', (code) => {
				process.stdout.write(cp.execFileSync('echo', ['last', String(code)]));
				cp.spawn('sh', ['-c', 'echo after > after'], { stdio: 'ignore', cwd: ${JSON.stringify(directory)} });
			});`, { expect: /more\nlast 0/ });
		const file = path.join(directory, 'after');
		for (const end = Date.now() + 20000; !fs.existsSync(file) && Date.now() < end;)
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
		assert.ok(fs.existsSync(file));
	});

	test('process.exit() in each event', () => {
		for (const event of ['spawn', 'exit', 'close'])
			same(`require('child_process').spawn('echo', ['x']).on('${event}', () => { console.log('${event}'); process.exit(5); }).stdout.resume();`,
				{ expect: new RegExp(event) });
	});

	test('a rejection that nobody handles', () => {
		same(`require('util').promisify(require('child_process').execFile)('false');`,
			{ normal: (text) => (/Command failed: false/.exec(text) || [''])[0], expect: /Command failed/ });
	});

	test('top-level await on a child that was let go', () => {
		same(`const cp = require('child_process');
			const child = cp.spawn('sleep', ['30'], { stdio: 'ignore' });
			child.unref();
			new Promise((resolve) => child.on('exit', resolve)).then(() => console.log('never'));
			process.on('exit', () => { console.log('over'); child.kill('SIGKILL'); });`, { expect: /^over\n$/ });
	});
}

if (isNode)
	all();
else
	skip('flags', 'they are those of node');
