'use strict';
/*
 * lib/pool/worker.cjs: programs that were written for fork(), and frames at the other end.
 */
const assert = require('assert');
const path = require('path');
const { test, skip, isNode } = require('./support/harness.js');
const { TestWorker, KIND, preloaded } = require('./support/pool_worker.js');
const { Reader, HEADER_BYTES } = require('../lib/pool/worker_channel.js');

const program = (name) => path.join(__dirname, 'programs', 'pool', name);
const start = (options = {}) => new TestWorker({ program: program('worker.js'), ...options });

/* Ask for what each is of `deeds`; the frames that come, `count` of them. */
async function asked(deeds, count = deeds.length, options = {}) {
	const worker = start(options);

	await worker.untilReady();
	worker.ask(...deeds);
	const frames = await worker.until(count);

	return { worker, frames, code: await worker.end() };
}

const answersById = (frames) => frames.filter(({ kind }) => kind === KIND.ANSWER).sort((a, b) => a.id - b.id).map(({ message }) => message);

test('frames may be cut anywhere, and large ones too', () => {
	const { frame } = TestWorker.prototype;
	const sizes = [0, 1, 100, 60000, 65522, 65523, 65524, 70000, 200000, 3];
	const bytes = Buffer.concat(sizes.map((size, id) => frame.call({ codec: null }, id % 5, id + 0xfffffff0, 'x'.repeat(size))));

	for (const part of [1, 7, 4096, 65535, 65536, 1 << 20]) {
		const seen = [];
		const reader = new Reader((kind, id, from, begin, end) => seen.push([kind, id - 0xfffffff0, end - begin - 2, from[begin], from[end - 1]]));

		for (let at = 0; at < bytes.length;) {
			const space = reader.space();
			const size = bytes.copy(space, 0, at, Math.min(at + part, bytes.length));

			at += size;
			reader.commit(size);
		}
		assert.deepStrictEqual(seen, sizes.map((size, id) => [id % 5, id, size, 34, 34]), `parts of ${part}`);
	}
	assert.strictEqual(HEADER_BYTES, 9);
});

test('a frame that cannot be one is an error', () => {
	for (const size of [0, 4, 0x80000000]) {
		const bytes = Buffer.alloc(20);
		const reader = new Reader(() => assert.fail('it was told'));

		bytes.writeUInt32LE(size);
		bytes.copy(reader.space());
		assert.throws(() => reader.commit(20), /frame of \d+ bytes/);
	}
});

for (const serialization of ['json', 'advanced']) {
	test(`requests are answered, in any order and size: ${serialization}`, async () => {
		const big = 'ä'.repeat(700000);
		const values = [1, 'zwei', null, { a: [{ b: 1.5 }] }, big, true, 'x'.repeat(65522), ''];
		const { frames, code } = await asked([{ do: 'later', ms: 30, value: 'slow' }, ...values.map((value) => ({ do: 'echo', value }))],
			values.length + 1, { serialization });

		assert.strictEqual(frames[frames.length - 1].id, 1, 'the slow one comes last');
		assert.deepStrictEqual(answersById(frames), ['slow', ...values]);
		assert.strictEqual(code, 0, 'nothing keeps it when the channel is closed');
	});
}

test('advanced messages are what structured clone makes of them', async () => {
	const value = { map: new Map([[1, new Set(['a'])]]), date: new Date(5), bytes: new Uint16Array([1, 2, 65535]), big: 12n, none: undefined };
	const { frames } = await asked([{ do: 'echo', value }, { do: 'echo', value: Buffer.from('bytes') }], 2, { serialization: 'advanced' });
	const [one, two] = answersById(frames);

	assert.deepStrictEqual(one, value);
	assert.strictEqual(Buffer.from(two).toString(), 'bytes');
});

test('many in one write, and answers that nobody reads for a while', async () => {
	const worker = start();

	await worker.untilReady();
	worker.channel.pause();
	const value = 'y'.repeat(5000);
	const deeds = Array.from({ length: 500 }, (_, i) => i % 3 === 0 ? { do: 'later', ms: i % 7, value: i + value } : { do: 'echo', value: i + value });

	worker.ask(...deeds);
	await new Promise((resolve) => setTimeout(resolve, 50));
	worker.channel.resume();
	assert.deepStrictEqual(answersById(await worker.until(500)), deeds.map((deed) => deed.value));
	await worker.end();
});

test('what is sent belongs to the request whose handler sent it', async () => {
	const { frames } = await asked([{ do: 'twice' }, { do: 'timer', ms: 5, value: 'timed' }, { do: 'answer and later', value: 'a' },
		{ do: 'keep', value: 'kept' }, { do: 'now the late ones' }], 6);

	assert.deepStrictEqual(frames.map(({ kind, id, message }) => [kind, id, message]), [
		[KIND.ANSWER, 1, 'first'], [KIND.MORE, 1, 'second'], [KIND.ANSWER, 3, 'a'],
		[KIND.ANSWER, 5, 'late: a'], /* called by the last one, without a context of its own */
		[KIND.ANSWER, 4, 'late: kept'], [KIND.ANSWER, 2, 'timed']]);
});

test('what is sent outside of a request is said to be', async () => {
	const worker = start();

	await worker.untilReady();
	worker.channel.write(worker.frame(KIND.FREE, 0, { do: 'twice' }));
	assert.deepStrictEqual((await worker.until(2)).map(({ kind, id, message }) => [kind, id, message]),
		[[KIND.FREE, 0, 'first'], [KIND.FREE, 0, 'second']]);
	await worker.end();
});

test('a mark comes back where it was among the answers', async () => {
	const worker = start();
	const mark = Buffer.concat([worker.frame(KIND.SYNC, 77, '').subarray(0, HEADER_BYTES), Buffer.from('only known here')]);

	await worker.untilReady();
	mark.writeUInt32LE(mark.length - 4, 0);
	worker.channel.write(Buffer.concat([worker.frame(KIND.REQUEST, 1, { do: 'twice' }), mark, worker.frame(KIND.REQUEST, 2, { do: 'echo', value: 0 })]));
	assert.deepStrictEqual((await worker.until(4)).map(({ kind, id, message }) => [kind, id, message]),
		[[KIND.ANSWER, 1, 'first'], [KIND.MORE, 1, 'second'], [KIND.SYNC, 77, 'only known here'], [KIND.ANSWER, 2, 0]]);
	await worker.end();
});

test('what a handler throws or rejects with is the answer, and the worker goes on', async () => {
	const { frames, code } = await asked([{ do: 'throw' }, { do: 'reject' }, { do: 'throw text' }, { do: 'unsendable' }, { do: 'handle' },
		{ do: 'nothing of that name' }, { do: 'echo', value: 'on' }]);
	const errors = frames.filter(({ kind }) => kind === KIND.ERROR).sort((a, b) => a.id - b.id).map(({ message }) => message);

	assert.deepStrictEqual(errors.map(({ name, message, code: of }) => [name, message, of]).slice(0, 3),
		[['RangeError', 'thrown', 'E_THROWN'], ['TypeError', 'rejected', undefined], ['Error', 'thrown: only text', undefined]]);
	assert.deepStrictEqual(errors.slice(3).map(({ name, code: of }) => [name, of]),
		[['TypeError', 'ERR_INVALID_ARG_TYPE'], ['TypeError', 'ERR_INVALID_HANDLE_TYPE'], ['TypeError', undefined]]);
	for (const { stack } of [errors[0], errors[1]])
		assert.match(stack, /worker\.js/);
	assert.deepStrictEqual(answersById(frames), ['on']);
	assert.strictEqual(code, 0);
});

test('the last words of a worker that exits are heard', async () => {
	const { worker, frames, code } = await asked([{ do: 'exit', code: 3 }]);

	assert.deepStrictEqual(frames.map(({ kind, message }) => [kind, message]), [[KIND.ANSWER, 'last words']]);
	assert.strictEqual(code, 3, worker.errors);
});

test('it may close the channel itself, which is its end', async () => {
	const worker = start();

	await worker.untilReady();
	worker.ask({ do: 'close' });
	await new Promise((resolve) => worker.channel.once('end', resolve));
	assert.deepStrictEqual(worker.frames.map(({ message }) => message), ['closing']);
	assert.strictEqual(await worker.exited, 0);
});

test('a callback of send() is called', async () => {
	const { frames } = await asked([{ do: 'callback' }], 2);

	assert.deepStrictEqual(frames.map(({ kind, message }) => [kind, message]), [[KIND.ANSWER, 'sent'], [KIND.MORE, 'called with null']]);
});

test('the program sees neither the preloading nor its variables', async () => {
	const { frames } = await asked([{ do: 'seen' }], 1, { args: ['--flag', 'value'] });

	assert.deepStrictEqual(frames[0].message, { execArgv: [], argv: ['--flag', 'value'], connected: true, env: [], fd: 3 });
});

test('stdin, stdout and stderr are the program\'s own', async () => {
	const worker = start();
	let output = '';

	await worker.untilReady();
	worker.child.stdout.on('data', (part) => {
		output += part;
	});
	worker.ask({ do: 'stdio', value: 'said' });
	await worker.until(1);
	worker.child.stdin.write('told');
	assert.strictEqual((await worker.until(2))[1].message, 'told');
	worker.child.stdin.end();
	await worker.end();
	assert.deepStrictEqual([output, worker.errors], ['said', 'said']);
});

test('a module that listens late is ready when it does', async () => {
	const worker = start({ program: program('late.mjs') });

	worker.ask('early');
	assert.deepStrictEqual((await worker.until(2)).map(({ kind, message }) => [kind, message]),
		[[KIND.FREE, 'before it listens'], [KIND.ANSWER, { late: 'early' }]]);
	assert.strictEqual(await worker.end(), 0);
});

test('a program that listens to nothing ends by itself, and was never ready', async () => {
	const worker = start({ program: program('silent.js') });

	assert.strictEqual(await worker.exited, 7, worker.errors);
	assert.strictEqual(worker.ready, false);
});

function ofNode() {
	test('what throws in a later turn ends the worker, and its request is told why', async () => {
		const { frames, code } = await asked([{ do: 'throw in a timer' }]);

		assert.deepStrictEqual(frames.map(({ kind, message }) => [kind, message.message]), [[KIND.ERROR, 'in a timer']]);
		assert.strictEqual(code, 1);
	});

	test('threads and processes of a worker are not workers of the pool', async () => {
		const { worker, frames } = await asked([{ do: 'thread' }, { do: 'fork' }]);
		const [thread, forked] = answersById(frames);

		assert.strictEqual(thread.send, 'undefined', worker.errors);
		assert.deepStrictEqual(forked, { execArgv: [], preloaded: false });
	});

	test('a worker may be the primary of a cluster', async () => {
		const worker = start({ program: program('cluster.js') });

		await worker.untilReady();
		worker.ask('through');
		assert.deepStrictEqual((await worker.until(1)).map(({ kind, message }) => [kind, message]),
			[[KIND.ANSWER, { message: 'through', execArgv: [] }]]);
		await worker.end();
	});

	test('a child of a worker does not have its channel', async () => {
		const { frames } = await asked([{ do: 'inherited', value: 3 }]);

		assert.strictEqual(frames[0].message, '');
	});

	test('the preloaded file does nothing where there is no pool', () => {
		const { stdout } = require('child_process').spawnSync(process.execPath, ['--require', preloaded, '-p', 'typeof process.send'],
			{ encoding: 'utf8' });

		assert.strictEqual(stdout, 'undefined\n');
	});
}

if (isNode)
	ofNode();
else
	skip('what a worker has of node', 'its processes and threads are of another make here');
