'use strict';
/*
 * Pools of workers: messages and their answers, and everything that can become of them.
 */
const assert = require('assert');
const { once } = require('events');
const { test, isNode } = require('./support/harness.js');
const { withPool, createPool, program, execPath, isThere, until, codeOf, after } = require('./support/pools.js');

const serializations = process.versions.bun || isNode ? ['json', 'advanced'] : ['json'];

/* Bun has no v8.Serializer. */
const isThereWay = (serialization, preload) => preload || serialization === 'json' || isNode;

for (const serialization of serializations)
	for (const preload of [true, false].filter((one) => isThereWay(serialization, one)))
		test(`each message has its own answer: ${serialization}, ${preload ? 'tagged' : "fork()'s own"}`, () =>
			withPool({ serialization, preload, concurrency: preload ? 8 : 1 }, async (pool) => {
				const values = Array.from({ length: 300 }, (_, i) => ({ i, text: 'ä'.repeat(i % 50), list: [i, null, true] }));
				values.push('x'.repeat(15000), 'y'.repeat(17000), 'ß'.repeat(600000), '', 0, null, false);
				const answers = await Promise.all(values.map((value) => pool.run({ do: 'echo', value })));

				assert.deepStrictEqual(answers, values);
				assert.strictEqual(pool.counts.answers, values.length);
			}));

if (serializations.includes('advanced'))
	test('advanced messages are cloned', () => withPool({ serialization: 'advanced' }, async (pool) => {
		const value = { map: new Map([[1, new Set(['a'])]]), date: new Date(7), bytes: new Uint8Array(300000).fill(5), big: 12n };

		assert.deepStrictEqual(await pool.run({ do: 'echo', value }), value);
	}));

test('what is no message is said at once', () => withPool({}, async (pool) => {
	assert.strictEqual(await codeOf(pool.run(undefined)), 'ERR_INVALID_ARG_TYPE');
	assert.strictEqual(await codeOf(pool.run(() => {})), 'ERR_INVALID_ARG_TYPE');
	const circle = {};
	circle.self = circle;
	await assert.rejects(pool.run(circle), TypeError);
	assert.strictEqual(await codeOf(pool.run(1, { timeout: -1 })), 'ERR_INVALID_ARG_VALUE');
	assert.strictEqual(await codeOf(pool.run(1, { signal: 1 })), 'ERR_INVALID_ARG_TYPE');
	assert.strictEqual(await codeOf(pool.run(1, { priority: 'x' })), 'ERR_INVALID_ARG_VALUE');
	assert.strictEqual(pool.pending, 0);
}));

test('a message is as it was when it was asked for', () => withPool({ max: 1 }, async (pool) => {
	const message = { do: 'echo', value: 'before' };
	const answer = pool.run(message);

	message.value = 'after';
	assert.strictEqual(await answer, 'before');
}));

test('what a handler throws comes back as it was', () => withPool({}, async (pool) => {
	await assert.rejects(pool.run({ do: 'throw', value: 1 }), (error) => {
		assert.ok(error instanceof RangeError);
		assert.strictEqual(error.message, 'bad 1');
		assert.strictEqual(error.code, 'E_BAD');
		assert.match(error.stack, /faults\.js/);
		return true;
	});
	await assert.rejects(pool.run({ do: 'reject', value: 2 }), { name: 'TypeError', message: 'bad 2' });
	assert.strictEqual(await pool.run({ do: 'echo', value: 3 }), 3, 'the worker goes on');
}));

/* ---- workers that fail ------------------------------------------------------------------------- */

test('a worker that ends in the middle: the error says how, and the pool goes on', () => withPool({ max: 1 }, async (pool) => {
	for (const [message, exitCode, signalCode] of [[{ do: 'exit', code: 0 }, 0, null], [{ do: 'exit', code: 3 }, 3, null],
		[{ do: 'die' }, null, 'SIGKILL']]) {
		const exit = once(pool, 'exit');

		await assert.rejects(pool.run(message), { name: 'PoolError', code: 'ERR_POOL_WORKER_EXITED', exitCode, signalCode });
		const [told] = await exit;
		assert.deepStrictEqual([told.exitCode, told.signalCode, told.cause], [exitCode, signalCode, 'crashed']);
		assert.ok(told.pid > 0);
		assert.strictEqual(await pool.run({ do: 'echo', value: 'on' }), 'on');
	}
}));

test('the others on a worker that ends are told as well, and nobody else', () => withPool({ max: 1, concurrency: 4 }, async (pool) => {
	await pool.run({ do: 'echo', value: 0 });
	const doomed = [pool.run({ do: 'nothing' }), pool.run({ do: 'nothing' }), pool.run({ do: 'exit', code: 4 })];
	const waits = [1, 2, 3].map((value) => pool.run({ do: 'echo', value }).catch((error) => error.code));

	assert.deepStrictEqual(await Promise.all(doomed.map(codeOf)), Array(3).fill('ERR_POOL_WORKER_EXITED'));
	/* The first of them was sent to it as the fourth. */
	assert.deepStrictEqual(await Promise.all(waits), ['ERR_POOL_WORKER_EXITED', 2, 3]);
}));

test('a worker that closes its channel answers no more', () => withPool({ max: 1 }, async (pool) => {
	assert.strictEqual(await codeOf(pool.run({ do: 'disconnect' })), 'ERR_POOL_WORKER_EXITED');
	assert.strictEqual(await pool.run({ do: 'echo', value: 'on' }), 'on');
}));

test('a worker that hangs is killed, and who else was on it is told', () => withPool({ max: 1, concurrency: 2 }, async (pool) => {
	const pid = await pool.run({ do: 'pid' });
	const other = pool.run({ do: 'nothing' });
	const exit = once(pool, 'exit');

	await assert.rejects(pool.run({ do: 'hang' }, { timeout: 200 }), { code: 'ERR_POOL_TIMEOUT', pid });
	await assert.rejects(other, { code: 'ERR_POOL_WORKER_EXITED', signalCode: 'SIGKILL' });
	assert.strictEqual((await exit)[0].cause, 'timeout');
	assert.notStrictEqual(await pool.run({ do: 'pid' }), pid);
	await until(() => !isThere(pid), 'it is gone');
}));

test('a timeout counts from the start of the run', () => withPool({ max: 1, runTimeout: 5000 }, async (pool) => {
	await pool.run({ do: 'pid' });
	const all = Array.from({ length: 5 }, (_, value) => pool.run({ do: 'later', ms: 600, value }, { timeout: 2500 }));

	assert.deepStrictEqual(await Promise.all(all), [0, 1, 2, 3, 4]);
}));

test('what is no message ends its worker', () => withPool({ max: 1 }, async (pool) => {
	const pid = await pool.run({ do: 'pid' });

	assert.strictEqual(await codeOf(pool.run({ do: 'garbage' })), 'ERR_POOL_BAD_MESSAGE');
	assert.notStrictEqual(await pool.run({ do: 'pid' }), pid);
}));

test('a program that cannot be started: each request is told why', async () => {
	await withPool({ execPath: '/nowhere/node' }, async (pool) => {
		await assert.rejects(pool.run(1), (error) => {
			assert.strictEqual(error.code, 'ERR_POOL_NOT_STARTED');
			assert.strictEqual(error.stage, 'exec');
			assert.strictEqual(error.cause.code, 'ENOENT');
			assert.match(error.message, /\/nowhere\/node/);
			return true;
		});
		assert.deepStrictEqual(await Promise.all([1, 2, 3].map((i) => codeOf(pool.run(i)))), Array(3).fill('ERR_POOL_NOT_STARTED'));
	});
	await withPool({ cwd: '/nowhere' }, (pool) =>
		assert.rejects(pool.run(1), { code: 'ERR_POOL_NOT_STARTED', stage: 'chdir' }));
});

test('a worker that is never ready: the request is told', async () => {
	await withPool({ script: program('silent.js') }, (pool) =>
		assert.rejects(pool.run(1), { code: 'ERR_POOL_NOT_READY', message: /ended before/ }));
	await withPool({ script: program('unready.js'), readyTimeout: 300 }, (pool) =>
		assert.rejects(pool.run(1), { code: 'ERR_POOL_NOT_READY', message: /in time/ }));
});

/* ---- requests that are given up ---------------------------------------------------------------- */

test('a request that is aborted: its late answer is nobody else\'s', () => withPool({ max: 1, concurrency: 2 }, async (pool) => {
	await pool.run({ do: 'pid' });
	const abort = new AbortController();
	const given = pool.run({ do: 'later', ms: 300, value: 'late' }, { signal: abort.signal });

	await after(20);
	abort.abort('no more');
	await assert.rejects(given, { name: 'AbortError', code: 'ABORT_ERR', cause: 'no more' });
	for (let value = 0; value < 20; value++)
		assert.strictEqual(await pool.run({ do: 'echo', value }), value);
	await until(() => pool.counts.late === 1, 'its answer came, and was counted');
	assert.strictEqual(await codeOf(pool.run(1, { signal: abort.signal })), 'ABORT_ERR');
}));

test('one that waits is taken out of the line', () => withPool({ max: 1 }, async (pool) => {
	const abort = new AbortController();
	const first = pool.run({ do: 'later', ms: 100, value: 1 });
	const second = pool.run({ do: 'echo', value: 2 }, { signal: abort.signal });
	const third = pool.run({ do: 'echo', value: 3 });

	abort.abort();
	assert.strictEqual(await codeOf(second), 'ABORT_ERR');
	assert.deepStrictEqual(await Promise.all([first, third]), [1, 3]);
	assert.strictEqual(pool.waiting.size, 0);
}));

/* What the daemon says meanwhile is not read. */
async function blockFor(ms) {
	await new Promise(setImmediate);
	await new Promise(setImmediate);
	for (const start = Date.now(); Date.now() - start < ms;)
		;
}

for (const how of ['aborted', 'closed'])
	test(`${how} before it is known to have a worker: its answer is nobody else's`, () => {
		const name = `owed ${how} ${process.pid}`;

		return withPool({ name, preload: false, max: 1, min: 1 }, (pool) => withPool({ name, preload: false, script: undefined,
			execPath: undefined }, async (other) => {
			await pool.run({ do: 'pid' });
			await other.run({ do: 'pid' });
			await until(() => pool.leases.length === 0 && other.leases.length === 0, 'it is free');
			const abort = new AbortController();
			const given = codeOf(pool.run({ do: 'later', ms: 600, value: 'not yours' }, { signal: abort.signal }));
			await blockFor(200);
			if (how === 'aborted')
				abort.abort();
			else
				pool.close();
			/* Where it is known by then, it may end. */
			assert.ok(how === 'aborted' ? await given === 'ABORT_ERR' : ['ERR_POOL_CLOSED', 'no error'].includes(await given));
			assert.strictEqual(await other.run({ do: 'later', ms: 1200, value: 'own' }), 'own');
		}));
	});

test('a time that is too long for a timer never comes', () => withPool({
	max: 1, runTimeout: 2 ** 31, acquireTimeout: Infinity }, async (pool) => {
	const runs = [{ timeout: Infinity }, undefined, { timeout: 2 ** 32 + 1 }].map((options) =>
		pool.run({ do: 'later', ms: 50, value: 'in time' }, options));

	assert.deepStrictEqual(await Promise.all(runs), Array(3).fill('in time'));
}));

test('who has waited for a short time is not told that it was too long', () => withPool({
	max: 1, script: program('slow.js'), env: { ...process.env, SLOW_MS: '2000' }, acquireTimeout: 1500 }, async (pool) => {
	const first = codeOf(pool.run('first'));
	await after(1000);
	const second = pool.run('second');

	assert.strictEqual(await first, 'ERR_POOL_ACQUIRE_TIMEOUT');
	assert.strictEqual(await second, 'second');
}));

/* ---- who is next --------------------------------------------------------------------------------- */

test('several on one worker, answered in any order', () => withPool({ max: 1, concurrency: 10 }, async (pool) => {
	const order = [];

	await pool.run({ do: 'pid' });
	await Promise.all([900, 1, 450].map((ms) => pool.run({ do: 'later', ms, value: ms }).then((value) => order.push(value))));
	assert.deepStrictEqual(order, [1, 450, 900]);
}));

for (const strategy of ['least-busy', 'round-robin', 'random'])
	test(`the next worker: ${strategy}`, () => withPool({ strategy, concurrency: 4, max: 2 }, async (pool) => {
		const several = (message) => Promise.all(Array.from({ length: 8 }, () => pool.run(message)));

		while (pool.leases.filter((one) => one.isOpen).length < 2)
			await several({ do: 'later', ms: 20, value: 0 });
		const pids = await several({ do: 'pid' });
		const counted = new Map();

		pids.forEach((pid) => counted.set(pid, (counted.get(pid) || 0) + 1));
		if (strategy === 'random')
			assert.ok(counted.size <= 2);
		else
			assert.deepStrictEqual([...counted.values()], [4, 4]);
	}));

test('more than may wait, or longer', async () => {
	await withPool({ max: 1, queueLimit: 2, acquireTimeout: 400 }, async (pool) => {
		await pool.run({ do: 'pid' });
		const abort = new AbortController();
		const long = codeOf(pool.run({ do: 'nothing' }, { signal: abort.signal }));
		const waits = [1, 2, 3].map((value) => codeOf(pool.run({ do: 'echo', value })));

		assert.deepStrictEqual(await Promise.all(waits), ['ERR_POOL_ACQUIRE_TIMEOUT', 'ERR_POOL_ACQUIRE_TIMEOUT', 'ERR_POOL_BUSY']);
		abort.abort();
		assert.strictEqual(await long, 'ABORT_ERR');
	});
});

test('those of a higher priority first, then who came first', () => withPool({ max: 1 }, async (pool) => {
	const order = [];
	const ask = (value, priority) => pool.run({ do: 'echo', value }, { priority }).then((answer) => order.push(answer));

	await Promise.all([ask('a', 0), ask('b', 0), ask('low', -1), ask('c', 0), ask('high', 5), ask('higher', 9), ask('high 2', 5)]);
	assert.deepStrictEqual(order, ['higher', 'high', 'high 2', 'a', 'b', 'c', 'low']);
}));

/* ---- a worker for oneself ---------------------------------------------------------------------------- */

test('a worker that is taken: messages and events', () => withPool({ max: 1 }, async (pool) => {
	const worker = await pool.acquire();
	const waits = pool.run({ do: 'echo', value: 'waits' });
	const messages = [];

	worker.on('message', (message) => messages.push(message));
	assert.strictEqual(worker.send({ do: 'pid' }), true);
	await until(() => messages.length === 1, 'its message');
	assert.deepStrictEqual(messages, [worker.pid]);
	assert.strictEqual(await worker.run({ do: 'echo', value: 'asked' }), 'asked');
	worker.send({ do: 'throw', value: 'sent' });
	const [error] = await once(worker, 'error');
	assert.strictEqual(error.message, 'bad sent');
	assert.strictEqual(worker.connected, true);
	worker.release();
	worker.release();
	assert.strictEqual(worker.connected, false);
	assert.throws(() => worker.send(1), { code: 'ERR_POOL_RELEASED' });
	assert.strictEqual(await codeOf(worker.run(1)), 'ERR_POOL_RELEASED');
	assert.strictEqual(await waits, 'waits');
}));

test('a worker that is taken, and dies or is given up', () => withPool({ max: 1 }, async (pool) => {
	const worker = await pool.acquire();

	worker.send({ do: 'exit', code: 5 });
	assert.deepStrictEqual(await once(worker, 'exit'), [5, null]);
	assert.strictEqual(worker.exitCode, 5);
	assert.throws(() => worker.send(1), { code: 'ERR_POOL_WORKER_EXITED', exitCode: 5 });
	pool.release(worker);
	const next = await pool.acquire();
	next.discard();
	assert.strictEqual(await pool.run({ do: 'echo', value: 'on' }), 'on');
	await until(() => !isThere(next.pid), 'it was killed');
}));

test('a worker that is given back before it has answered: who asked is told', () => withPool({ max: 1 }, async (pool) => {
	const ask = async (giveBack) => {
		const worker = await pool.acquire();
		const answer = codeOf(worker.run({ do: 'nothing' }));

		giveBack(worker);
		return answer;
	};
	let given;

	assert.strictEqual(await ask((worker) => worker.release()), 'ERR_POOL_RELEASED');
	assert.strictEqual(await ask((worker) => worker.discard()), 'ERR_POOL_WORKER_EXITED');
	await pool.use((worker) => {
		given = codeOf(worker.run({ do: 'nothing' }));
	});
	assert.strictEqual(await given, 'ERR_POOL_RELEASED');
	await pool.drain();
}));

test('a worker that is taken for one that hangs is not used again', () => withPool({ max: 1 }, async (pool) => {
	const worker = await pool.acquire();
	const exit = once(pool, 'exit');

	worker.lease.retire('hung');
	worker.release();
	assert.strictEqual((await exit)[0].cause, 'hung');
	await until(() => !isThere(worker.pid), 'it is gone');
}));

test('use() gives it back, whatever becomes of it', () => withPool({ max: 1 }, async (pool) => {
	assert.strictEqual(await pool.use((worker) => worker.run({ do: 'echo', value: 'used' })), 'used');
	await assert.rejects(pool.use(() => {
		throw new Error('in use');
	}), /in use/);
	assert.strictEqual(await codeOf(pool.use((worker) => worker.run({ do: 'die' }))), 'ERR_POOL_WORKER_EXITED');
	assert.strictEqual(await pool.use((worker) => worker.run({ do: 'echo', value: 'again' })), 'again');
	assert.strictEqual(pool.pending, 0);
}));

test('what comes late is not the next one\'s', () => withPool({ max: 1 }, async (pool) => {
	for (let i = 0; i < 5; i++) {
		const seen = [];
		const worker = await pool.acquire();

		worker.on('message', (message) => seen.push(message));
		worker.send({ do: 'answer and then more', value: i, ms: 10 });
		await until(() => seen.length > 0, 'its first');
		worker.release();
		const other = await pool.acquire();
		const wrong = [];
		other.on('message', (message) => wrong.push(message));
		for (let value = 0; value < 10; value++) {
			assert.strictEqual(await other.run({ do: 'echo', value }), value);
			await after(3);
		}
		other.release();
		assert.deepStrictEqual(wrong, []);
		assert.strictEqual(seen[0], i);
	}
}));

/* ---- what a pool does between two, and as a whole ---------------------------------------------------- */

test('reset by a message, or by another worker', async () => {
	await withPool({ max: 1, reset: { message: { do: 'reset' }, answer: 'clean' } }, async (pool) => {
		const pids = new Set();

		for (let i = 0; i < 5; i++) {
			assert.strictEqual(await pool.run({ do: 'state', add: 1 }), 1);
			pids.add(await pool.run({ do: 'pid' }));
		}
		assert.strictEqual(pids.size, 1);
	});
	await withPool({ max: 2, reset: 'replace' }, async (pool) => {
		const pids = new Set();

		for (let i = 0; i < 4; i++)
			pids.add(await pool.run({ do: 'pid' }));
		assert.strictEqual(pids.size, 4);
	});
	await withPool({ max: 1, reset: { message: { do: 'nothing' }, answer: 'clean', timeout: 200 } }, async (pool) => {
		const first = await pool.run({ do: 'pid' });

		assert.notStrictEqual(await pool.run({ do: 'pid' }), first, 'one that does not answer is replaced');
	});
});

test('so many uses at most', () => withPool({ max: 1, maxUses: 3 }, async (pool) => {
	const causes = [];
	const pids = [];

	pool.on('exit', ({ cause }) => causes.push(cause));
	for (let i = 0; i < 7; i++)
		pids.push(await pool.run({ do: 'pid' }));
	assert.deepStrictEqual(pids.map((pid) => pids.indexOf(pid)), [0, 0, 0, 3, 3, 3, 6]);
	assert.deepStrictEqual(causes, ['max-uses', 'max-uses']);
}));

/* Another worker answers, soon, whether there is always work or there are pauses. */
async function untilReplaced(pool, ms) {
	const first = await pool.run({ do: 'pid' });
	const start = Date.now();

	while (await pool.run({ do: 'pid' }) === first) {
		assert.ok(Date.now() - start < 30000, 'it is not replaced');
		await after(ms);
	}
	await until(() => !isThere(first), 'it is gone');
}

for (const ms of [1, 150])
	test(`one that is too old, or too large: asked every ${ms} ms`, async () => {
		await withPool({ max: 1, maxAge: 300 }, (pool) => untilReplaced(pool, ms));
		await withPool({ max: 1, maxRss: 200 << 20 }, async (pool) => {
			const pid = await pool.run({ do: 'pid' });

			await pool.run({ do: 'leak', bytes: 220 << 20, value: 0 });
			if (await pool.run({ do: 'pid' }) === pid)
				await untilReplaced(pool, ms);
		});
	});

test('one that is idle for long is let go', () => withPool({ max: 2, idleTimeout: 200 }, async (pool) => {
	await Promise.all([1, 2, 3].map(() => pool.run({ do: 'later', ms: 20, value: 0 })));
	while ((await pool.stats()).members > 1)
		await after(20);
	assert.ok((await pool.stats()).exits.idle >= 1);
}));

test('is it well?', async () => {
	const well = { message: { do: 'echo', value: 'pong' }, answer: 'pong' };

	await withPool({ max: 1, ping: { ...well, onUse: true } }, async (pool) => {
		for (let i = 0; i < 3; i++) {
			assert.strictEqual(await pool.run({ do: 'echo', value: i }), i);
			await until(() => pool.leases.length === 0, 'it is given back');
		}
	});
	/* The first is asked for more than it says. */
	await withPool({ max: 1, ping: { message: { do: 'state', add: 1 }, answer: 1, interval: 50, timeout: 200 } }, async (pool) => {
		await pool.run({ do: 'pid' });
		while ((await pool.stats()).exits['ping-failed'] === 0)
			await after(20);
		assert.strictEqual(await pool.run({ do: 'echo', value: 'on' }), 'on');
	});
});

test('events: worker, drain', () => withPool({ max: 1 }, async (pool) => {
	const seen = [];

	pool.on('worker', ({ pid }) => seen.push(pid));
	const drained = once(pool, 'drain');
	const pids = await Promise.all([pool.run({ do: 'pid' }), pool.run({ do: 'pid' })]);
	await drained;
	assert.deepStrictEqual(seen, [pids[0]]);
	await pool.drain();
	assert.strictEqual(pool.pending, 0);
}));

test('output of workers: told, or not asked for', async () => {
	await withPool({ max: 1, output: 'event' }, async (pool) => {
		const said = { 1: '', 2: '' };

		pool.on('output', (bytes, { pid, stream }) => {
			assert.ok(pid > 0);
			said[stream] += bytes;
		});
		assert.strictEqual(await pool.run({ do: 'print', out: 'to stdout', err: 'to stderr', value: 1 }), 1);
		await until(() => said[1] === 'to stdout' && said[2] === 'to stderr', 'its output');
	});
	await withPool({ max: 1 }, async (pool) => {
		pool.on('output', () => assert.fail('output'));
		assert.strictEqual(await pool.run({ do: 'flood', value: 1 }), 1);
	});
});

test('its environment, directory and arguments', () => withPool({
	env: { PATH: process.env.PATH, X: 'ä' }, cwd: '/', args: ['one', 'two'],
}, async (pool) => assert.deepStrictEqual(await pool.run({ do: 'environment', name: 'X' }), ['ä', '/', ['one', 'two'], []])));

test('another size', () => withPool({ max: 1 }, async (pool) => {
	const both = () => Promise.all([1, 2].map(() => pool.run({ do: 'later', ms: 30, value: 0 })));

	await both();
	await pool.resize({ max: 2 });
	await both();
	assert.strictEqual(pool.options.max, 2);
	await assert.rejects(pool.resize({ min: 5 }), { code: 'ERR_INVALID_ARG_VALUE' });
	await pool.resize({ max: 1 });
	await both();
	await until(() => pool.leases.length <= 1, 'one is let go');
}));

test('another size of a pool that others made', () => {
	const name = `sized ${process.pid}`;

	return withPool({ name, max: 3, min: 1, spare: 0 }, (first) => withPool({ name, script: undefined, execPath: undefined, max: undefined },
		async (second) => {
			await first.run({ do: 'pid' });
			await second.resize({ min: 2 });
			const { min, max, spare } = await first.stats();
			assert.deepStrictEqual([min, max, spare], [2, 3, 0]);
		}));
});

test('what is asked of a pool that is refused', async () => {
	const pool = createPool({ name: `nobody's ${process.pid}` });
	const sized = codeOf(pool.opening.resize({ min: 0, max: 1, spare: 1 }));
	const closed = pool.close({ end: true });

	assert.strictEqual(await sized, 'ERR_POOL_REFUSED');
	await closed;
});

test('closing: for no time at all is no closing', () => withPool({ max: 1 }, async (pool) => {
	assert.strictEqual(await codeOf(pool.close({ timeout: -1 })), 'ERR_INVALID_ARG_VALUE');
	assert.strictEqual(await pool.run({ do: 'echo', value: 'on' }), 'on');
	await pool.close();
}));

test('closing: who waits is told, who has a worker is not cut off', async () => {
	const pool = createPool({ script: program('faults.js'), execPath, output: 'ignore', max: 1 });
	const pid = await pool.run({ do: 'pid' });
	const runs = pool.run({ do: 'later', ms: 200, value: 'in time' });
	const waits = codeOf(pool.run({ do: 'echo', value: 1 }));
	const closed = pool.close();

	assert.strictEqual(pool.close(), closed);
	assert.strictEqual(await waits, 'ERR_POOL_CLOSED');
	assert.strictEqual(await codeOf(pool.run(1)), 'ERR_POOL_CLOSED');
	assert.strictEqual(await runs, 'in time');
	await closed;
	await until(() => !isThere(pid), 'its worker is gone');
});

test('closing: one that goes on too long', async () => {
	const pool = createPool({ script: program('faults.js'), execPath, output: 'ignore', max: 1 });

	await pool.run({ do: 'pid' });
	const runs = codeOf(pool.run({ do: 'nothing' }));
	await pool.close({ timeout: 100 });
	assert.strictEqual(await runs, 'ERR_POOL_CLOSED');
});

test('its numbers', () => withPool({ max: 1, min: 1 }, async (pool) => {
	for (let i = 0; i < 3; i++)
		await pool.run({ do: 'echo', value: i });
	const { local, cpuSeconds, memoryBytes, ...told } = await pool.stats();

	assert.deepStrictEqual([local.requests, local.answers, local.failures, local.waiting, local.leased], [3, 3, 0, 0, 1]);
	assert.ok(cpuSeconds.parent > 0 && cpuSeconds.workers >= 0, 'processor time');
	while ((await pool.stats()).cpuSeconds.workers === 0)
		await pool.run({ do: 'flood', value: 0 });
	assert.ok(memoryBytes.combined > 1 << 20 && memoryBytes.average > 1 << 20 && memoryBytes.peak >= memoryBytes.average, 'memory');
	assert.deepStrictEqual([told.kind, told.members, told.busy, told.starts], ['worker', 1, 1, 1]);
}));
