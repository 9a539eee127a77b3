'use strict';
/*
 * Pools without a daemon: what options have to be, the line, and bytes cut anywhere.
 */
const assert = require('assert');
const { test, isNode } = require('./support/harness.js');
const { createPool } = require('../index.cjs');
const { complete } = require('../lib/pool/options.js');
const { Waiting } = require('../lib/pool/waiting.js');
const { KIND, channelOf, markFrame } = require('../lib/pool/channel.js');
const { errorOfWorker, startError } = require('../lib/pool/errors.js');
const wire = require('../lib/wire.js');

const canAdvanced = !globalThis.Deno;

test('what is wrong with an option is named', () => {
	const wrong = [
		[undefined, 'options'], [{}, 'script'], [{ script: 'x', command: 'y' }, 'command'], [{ script: '' }, 'script'],
		[{ script: 'a\0b' }, 'script'], [{ script: 'x', nonsense: 1 }, 'nonsense'], [{ script: 'x', kind: 'other' }, 'kind'],
		[{ script: 'x', min: 3, max: 2 }, 'min'], [{ script: 'x', max: 0 }, 'max'], [{ script: 'x', spare: 5, max: 2 }, 'spare'],
		[{ script: 'x', idleTimeout: 0 }, 'idleTimeout'], [{ script: 'x', maxAge: '1' }, 'maxAge'], [{ script: 'x', maxUses: 1.5 }, 'maxUses'],
		[{ script: 'x', serialization: 'xml' }, 'serialization'], [{ script: 'x', strategy: 'best' }, 'strategy'],
		[{ script: 'x', order: 'any' }, 'order'], [{ script: 'x', ready: 'maybe' }, 'ready'], [{ script: 'x', reset: 'kill' }, 'reset'],
		[{ script: 'x', reset: { message: 1 } }, 'reset'], [{ script: 'x', reset: { message: 1, answer: 'x'.repeat(70000) } }, 'reset'],
		[{ script: 'x', ping: { message: 1, answer: 1, interval: -1 } }, 'ping.interval'], [{ script: 'x', reset: 'replace', concurrency: 2 }, 'concurrency'],
		[{ script: 'x', preload: false, concurrency: 2 }, 'concurrency'], [{ command: 'x', preload: true }, 'preload'],
		[{ command: 'x', execPath: 'y' }, 'execPath'], [{ script: 'x', env: 5 }, 'env'], [{ script: 'x', env: { 'a=b': 1 } }, "env['a=b']"],
		[{ script: 'x', args: 'a' }, 'args'], [{ script: 'x', args: ['a', 1] }, 'args[1]'], [{ script: 'x', name: 'n'.repeat(129) }, 'name'],
		[{ script: 'x', keep: true }, 'keep'], [{ script: 'x', name: 'n', output: 'event' }, 'output'], [{ script: 'x', stdio: 'pipe' }, 'stdio'],
		[{ kind: 'standby', command: 'x', stdio: 'inherit' }, 'stdio'], [{ kind: 'standby', command: 'x', concurrency: 1 }, 'concurrency'],
		[{ kind: 'standby', command: 'x', maxUses: 1 }, 'maxUses'], [{ script: 'x', cwd: 5 }, 'cwd'],
		[{ script: 'x', execPath: isNode ? '/usr/bin/bun' : '/usr/bin/node', serialization: 'advanced' }, 'serialization'],
	];

	if (process.versions.bun)
		wrong.push([{ script: 'x', preload: false, serialization: 'advanced' }, 'serialization']);
	for (const [options, name] of wrong)
		if (canAdvanced || !options || options.serialization !== 'advanced')
			assert.throws(() => createPool(options), (error) => {
				assert.match(error.code, /^ERR_INVALID_ARG_/);
				assert.ok(error.message.startsWith(name === 'options' ? 'options.options' : `options.${name} `), error.message);
				return true;
			}, name);
});

test('what is completed', () => {
	const worker = complete({ script: 'w.js', args: ['a'], execPath: '/bin/x', execArgv: ['--y'], env: { A: 1, URINGSPAWN_POOL_CHANNEL: '9' } });

	assert.deepStrictEqual(worker.member.argv.filter((one) => !one.endsWith('worker.cjs')), ['/bin/x', '--y', '--require', 'w.js', 'a']);
	assert.deepStrictEqual(worker.member.env, ['A=1', 'URINGSPAWN_POOL_CHANNEL=3', 'URINGSPAWN_POOL_SERIALIZATION=json']);
	assert.strictEqual(worker.member.cwd, process.cwd());
	assert.deepStrictEqual([worker.readyStream, worker.single, worker.concurrency, worker.spare], [3, false, 1, 1]);
	assert.strictEqual(complete({ script: 'w.js', execPath: '/x/bun' }).member.argv[1], '--preload');
	const foreign = complete({ command: 'prog', env: {}, idleTimeout: Infinity });
	assert.deepStrictEqual(foreign.member.env, ['NODE_CHANNEL_FD=3', 'NODE_CHANNEL_SERIALIZATION_MODE=json']);
	assert.deepStrictEqual([foreign.readyStream, foreign.preload, foreign.idleTimeout], [0, false, 1e12]);
	assert.strictEqual(complete({ name: 'n' }).member, null);
	assert.strictEqual(complete({ kind: 'standby', command: 'x', ready: 'stdout' }).readyStream, 1);
});

test('the line: by priority, then who came first, without who left', () => {
	const waiting = new Waiting();
	const all = [];

	for (let i = 0; i < 5000; i++) {
		const one = { priority: i % 3 - 1, i, settled: false, waits: true };

		all.push(one);
		waiting.push(one);
	}
	for (const one of all)
		if (one.i % 7 !== 0) {
			one.settled = true;
			waiting.left();
		}
	const left = all.filter((one) => !one.settled).sort((a, b) => b.priority - a.priority || a.i - b.i);
	assert.strictEqual(waiting.size, left.length);
	assert.ok(waiting.held() < 4000, 'those that left are not kept');
	assert.strictEqual(waiting.first(), left[0]);
	assert.deepStrictEqual(waiting.takeAll(), left);
	assert.strictEqual(waiting.size, 0);
	assert.strictEqual(waiting.shift(), undefined);
});

for (const serialization of canAdvanced ? ['json', 'advanced'] : ['json'])
	for (const preload of [true, false].filter((one) => one || serialization === 'json' || isNode))
		test(`messages may be cut anywhere: ${serialization}, ${preload ? 'tagged' : "fork()'s own"}`, () => {
			const channel = channelOf(preload, serialization);
			const messages = [1, 'zwei', { drei: [null, 'ä'.repeat(30)] }, 'x'.repeat(3000), ''];
			const writer = new wire.Writer();
			const parts = [];

			messages.forEach((message, i) => {
				channel.write(writer, i + 1, KIND.ANSWER, channel.encode(message));
				parts.push(...channel.parts(i + 1, KIND.ANSWER, channel.encode(message)));
			});
			const bytes = Buffer.from(writer.view());
			assert.ok(bytes.equals(Buffer.concat(parts)), 'both ways of writing are the same');
			for (const size of [1, 2, 5, 8, 9, 10, 100, 2999, bytes.length]) {
				const seen = [];
				const reader = channel.reader((id, kind, from, start, end) => seen.push([id, kind, channel.decode(from, start, end)]));

				for (let at = 0; at < bytes.length; at += size)
					reader.push(bytes.subarray(at, at + size));
				assert.ok(reader.between);
				assert.deepStrictEqual(seen, messages.map((one, i) => preload ? [i + 1, KIND.ANSWER, one] : [0, KIND.MESSAGE, one]));
			}
		});

test('what is no frame is an error', () => {
	const reader = channelOf(true, 'json').reader(() => assert.fail('a frame'));

	assert.throws(() => reader.push(Buffer.from('text of somebody else')), /a message of kind \d+/);
	assert.throws(() => channelOf(true, 'json').reader(() => {}).push(Buffer.from('ffffffff0000000001', 'hex')), /a message of \d+ bytes/);
	assert.throws(() => channelOf(true, 'json').reader(() => {}).push(Buffer.alloc(16)), /a message of 4 bytes/);
	assert.deepStrictEqual([...markFrame(0x01020304, Buffer.from('mark'))], [9, 0, 0, 0, 4, 3, 2, 1, 5, ...Buffer.from('mark')]);
});

test('errors of a worker, and of the daemon', () => {
	const error = errorOfWorker({ name: 'TypeError', message: 'm', stack: 's', code: 'C' });

	assert.ok(error instanceof TypeError);
	assert.deepStrictEqual([error.message, error.stack, error.code], ['m', 's', 'C']);
	assert.strictEqual(errorOfWorker({ name: 'Special', message: 'm' }).name, 'Special');
	const stage = (name) => wire.STAGES.indexOf(name);
	const told = (name, number, named = '') => startError('prog', { stage: stage(name), number, signal: 0, named, retryMs: 5 }).code;
	assert.deepStrictEqual([told('ready', 110), told('ready', 10), told('exec', 2), told('admission', 11, 'pool-waiting-max'), told('admission', 108),
		told('validate', 22, 'pool'), told('validate', 22, 'cwd')],
	['ERR_POOL_NOT_READY', 'ERR_POOL_NOT_READY', 'ERR_POOL_NOT_STARTED', 'ERR_POOL_BUSY', 'ERR_POOL_CLOSED', 'ERR_POOL_CLOSED',
		'ERR_POOL_NOT_STARTED']);
});
