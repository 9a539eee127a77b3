'use strict';
/*
 * uringspawn/generic-pool: what each scenario records is what is expected, and, where the
 * package of that name is, what that does.
 *
 * USP_GENERIC_POOL: its folder; by default where `make bench` keeps it.
 */
const assert = require('assert');
const path = require('path');
const { fork, spawnSync } = require('child_process');
const { once } = require('events');
const { test, skip } = require('./support/harness.js');
const own = require('../generic-pool.cjs');

const folder = process.env.USP_GENERIC_POOL ||
	path.join(__dirname, '..', '..', '..', 'build', 'bench', 'npm', 'node_modules', 'generic-pool');
const theirs = (() => {
	try {
		return require(folder);
	} catch {
		return null;
	}
})();

const turns = async (count = 20) => {
	for (let i = 0; i < count; i++)
		await new Promise((resolve) => setImmediate(resolve));
};

/* Until `probe()` is true, however long a busy machine takes. */
async function until(probe) {
	while (!probe())
		await new Promise((resolve) => setTimeout(resolve, 2));
}

/* Makes 1, 2, 3...; objects, as resources are. */
function counting({ valid = () => true } = {}) {
	const factory = {
		made: 0,
		destroyed: [],
		create: async () => ({ n: ++factory.made }),
		async destroy({ n }) {
			factory.destroyed.push(n);
		},
		validate: async (resource) => valid(resource),
	};

	return factory;
}

const failure = (promise) => promise.then(() => 'no error', ({ name, message }) => `${name}: ${message}`);
const counters = ({ size, available, borrowed, pending, spareResourceCapacity, max, min }) =>
	({ size, available, borrowed, pending, spareResourceCapacity, max, min });

/* name: [what is recorded, async (createPool, record)] */
const scenarios = {
	'counters, from the start to the end': [[
		{ size: 2, available: 2, borrowed: 0, pending: 0, spareResourceCapacity: 1, max: 3, min: 2 },
		{ size: 3, available: 0, borrowed: 3, pending: 1, spareResourceCapacity: 0, max: 3, min: 2 },
		{ size: 3, available: 0, borrowed: 3, pending: 0, spareResourceCapacity: 0, max: 3, min: 2 },
		{ size: 3, available: 3, borrowed: 0, pending: 0, spareResourceCapacity: 0, max: 3, min: 2 },
		[1, 2, 3],
	], async (createPool, record) => {
		const factory = counting();
		const pool = createPool(factory, { max: 3, min: 2 });

		await turns();
		record(counters(pool));
		const all = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
		const fourth = pool.acquire();
		await turns();
		record(counters(pool));
		await pool.release(all[0]);
		all[0] = await fourth;
		record(counters(pool));
		for (const one of all)
			await pool.release(one);
		await turns();
		record(counters(pool));
		await pool.drain();
		await pool.clear();
		record(factory.destroyed.sort());
	}],
	'defaults, and a min above max': [[[1, 0, 1], [2, 2, 0]], async (createPool, record) => {
		const one = createPool(counting());
		const two = createPool(counting(), { max: 2, min: 5 });

		record([one.max, one.min, one.spareResourceCapacity]);
		await turns();
		record([two.max, two.min, two.spareResourceCapacity]);
	}],
	'first in, first out': [['1 2 1'], (createPool, record) => orderOf(createPool, record, {})],
	'last in, first out': [['2 2 2'], (createPool, record) => orderOf(createPool, record, { fifo: false })],
	'priorities': [['0 1 2 last'], async (createPool, record) => {
		const pool = createPool(counting(), { priorityRange: 3 });
		const resource = await pool.acquire();
		const served = [];
		const wait = (name, priority) => pool.acquire(priority).then((one) => {
			served.push(name);
			return pool.release(one);
		});
		const all = [wait('2', 2), wait('last', 17), wait('1', 1), wait('0', 0)];

		await pool.release(resource);
		await Promise.all(all);
		record(served.join(' '));
	}],
	'without a priority one is of those with 0': [['none 0 1'], async (createPool, record) => {
		const pool = createPool(counting(), { priorityRange: 2 });
		const resource = await pool.acquire();
		const served = [];
		const wait = (name, priority) => pool.acquire(priority).then((one) => {
			served.push(name);
			return pool.release(one);
		});
		const all = [wait('1', 1), wait('none'), wait('0', 0)];

		await pool.release(resource);
		await Promise.all(all);
		record(served.join(' '));
	}],
	'too many wait': [['Error: max waitingClients count exceeded', 1], async (createPool, record) => {
		const pool = createPool(counting(), { maxWaitingClients: 1 });
		await pool.acquire();
		pool.acquire();

		record(await failure(pool.acquire()));
		record(pool.pending);
	}],
	'too long waited': [['TimeoutError: ResourceRequest timed out', 0, 'free again'], async (createPool, record) => {
		const pool = createPool(counting(), { acquireTimeoutMillis: 20 });
		const resource = await pool.acquire();

		record(await failure(pool.acquire()));
		record(pool.pending);
		await pool.release(resource);
		await pool.acquire();
		record('free again');
	}],
	'tested before it is lent': [['1 3', [1]], async (createPool, record) => {
		const broken = new Set();
		const factory = counting({ valid: ({ n }) => !broken.has(n) });
		const pool = createPool(factory, { max: 2, testOnBorrow: true });
		const [one, two] = await Promise.all([pool.acquire(), pool.acquire()]);

		await pool.release(one);
		broken.add(one.n);
		record(`${one.n} ${(await pool.acquire()).n}`);
		record(factory.destroyed);
		await pool.release(two);
	}],
	'destroyed, and replaced for who waits': [['2', [1], 1], async (createPool, record) => {
		const factory = counting();
		const pool = createPool(factory, { max: 1 });
		const one = await pool.acquire();
		const next = pool.acquire();

		await pool.destroy(one);
		record(String((await next).n));
		record(factory.destroyed);
		record(pool.size);
	}],
	'use()': [['value 1', false, 'Error: by fn', [1], 'value 2'], async (createPool, record) => {
		const factory = counting();
		const pool = createPool(factory, { max: 1 });

		record(await pool.use(async ({ n }) => `value ${n}`));
		await turns();
		const lent = await pool.acquire();
		await pool.release(lent);
		record(pool.isBorrowedResource(lent));
		record(await failure(pool.use(async () => {
			throw new Error('by fn');
		})));
		await turns();
		record(factory.destroyed);
		record(await pool.use(async ({ n }) => `value ${n}`));
	}],
	'what is not its own': [['Error: Resource not currently part of this pool', 'Error: Resource not currently part of this pool', 'no error',
		'Error: Resource not currently part of this pool'], async (createPool, record) => {
		const pool = createPool(counting());
		const resource = await pool.acquire();

		record(await failure(pool.release({})));
		record(await failure(pool.destroy({})));
		record(await failure(pool.release(resource)));
		record(await failure(pool.release(resource)));
	}],
	'a factory that fails twice': [['failed 1', 'failed 2', 3, 0], async (createPool, record) => {
		const factory = counting();
		const { create } = factory;
		let calls = 0;
		factory.create = async () => ++calls <= 2 ? Promise.reject(new Error(`failed ${calls}`)) : create();
		const pool = createPool(factory, { max: 1, autostart: false });
		pool.on('factoryCreateError', ({ message }) => record(message));
		const { n } = await pool.acquire();

		record(n + 2);
		record(pool.pending);
	}],
	'a factory whose destroy() fails': [['not destroyed', 0], async (createPool, record) => {
		const factory = counting();
		factory.destroy = async () => Promise.reject(new Error('not destroyed'));
		const pool = createPool(factory);
		pool.on('factoryDestroyError', ({ message }) => record(message));
		await pool.destroy(await pool.acquire());
		await turns();
		record(pool.size);
	}],
	'a destroy() that hangs': [['TimeoutError'], async (createPool, record) => {
		const factory = counting();
		factory.destroy = () => new Promise(() => {});
		const pool = createPool(factory, { destroyTimeoutMillis: 10 });
		pool.on('factoryDestroyError', ({ name, message }) => record(name === 'TimeoutError' || /timed out/.test(message) ? 'TimeoutError' : name));
		const told = once(pool, 'factoryDestroyError');
		await pool.destroy(await pool.acquire());
		await told;
	}],
	'started by start(), and ready': [[0, 2], async (createPool, record) => {
		const factory = counting();
		const pool = createPool(factory, { autostart: false, max: 2, min: 2 });

		await turns();
		record(factory.made);
		pool.start();
		await pool.ready();
		record(pool.available);
	}],
	'drained: who waits is served, nobody else': [['Error: pool is draining and cannot accept work', 'served', 'drained', 0], async (createPool, record) => {
		const pool = createPool(counting());
		const resource = await pool.acquire();
		const waits = pool.acquire().then((one) => {
			record('served');
			return pool.release(one);
		});
		const drained = pool.drain().then(() => record('drained'));

		record(await failure(pool.acquire()));
		await pool.release(resource);
		await waits;
		await drained;
		await pool.clear();
		record(pool.size);
	}],
	'idle ones are let go, and made again up to min': [[true, 1], async (createPool, record) => {
		const factory = counting();
		const pool = createPool(factory, { max: 3, min: 1, evictionRunIntervalMillis: 5, idleTimeoutMillis: 10 });
		const all = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);

		for (const one of all)
			await pool.release(one);
		await until(() => factory.destroyed.length >= 3);
		record(factory.made > 3);
		await until(() => pool.size === 1);
		record(pool.size);
		await pool.drain();
		await pool.clear();
	}],
	'softly, those above min': [[1, 2], async (createPool, record) => {
		const factory = counting();
		const pool = createPool(factory, { max: 3, min: 1, evictionRunIntervalMillis: 5, softIdleTimeoutMillis: 5, idleTimeoutMillis: 1000000 });
		const all = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);

		for (const one of all)
			await pool.release(one);
		await until(() => factory.destroyed.length === 2);
		await turns();
		record(pool.size);
		record(factory.destroyed.length);
		await pool.drain();
		await pool.clear();
	}],
	'factories that are none': [['TypeError', 'TypeError', 'TypeError'], async (createPool, record) => {
		for (const factory of [{ destroy() {} }, { create() {} }, { create() {}, destroy() {}, validate: 1 }])
			try {
				createPool(factory);
				record('no error');
			} catch ({ name }) {
				record(name);
			}
	}],
	'forked workers': [[[2, 4, 6, 8], 2, [0, 0]], async (createPool, record) => {
		const exits = [];
		const pool = createPool({
			create: async () => fork(path.join(__dirname, 'programs', 'pool', 'double.js')),
			async destroy(worker) {
				worker.disconnect();
				exits.push((await once(worker, 'exit'))[0]);
			},
			validate: async (worker) => worker.connected,
		}, { max: 2, testOnBorrow: true });
		const double = (n) => pool.use(async (worker) => {
			worker.send(n);
			return (await once(worker, 'message'))[0];
		});

		record(await Promise.all([1, 2, 3, 4].map(double)));
		record(pool.size);
		await pool.drain();
		await pool.clear();
		record(exits);
	}],
};

async function orderOf(createPool, record, options) {
	const pool = createPool(counting(), { max: 2, ...options });
	const [one, two] = await Promise.all([pool.acquire(), pool.acquire()]);
	const served = [];

	await pool.release(one);
	await pool.release(two);
	for (let i = 0; i < 3; i++) {
		const resource = await pool.acquire();

		served.push(resource === one ? 1 : 2);
		await pool.release(resource);
	}
	record(served.join(' '));
}

async function recorded(createPool, body) {
	const seen = [];
	const alive = setInterval(() => {}, 1000); /* whatever timers a pool has */

	try {
		await body(createPool, (value) => seen.push(value));
	} finally {
		clearInterval(alive);
	}
	return seen;
}

if (theirs === null)
	skip('generic-pool itself', 'the package is not here (USP_GENERIC_POOL)');
for (const [name, [expected, body]] of Object.entries(scenarios)) {
	test(name, async () => assert.deepStrictEqual(await recorded(own.createPool, body), expected));
	if (theirs !== null)
		test(`generic-pool: ${name}`, async () => assert.deepStrictEqual(await recorded(theirs.createPool, body), expected));
}

/* ---- where the package is not the measure -------------------------------------------- */

test('options that are wrong are named', () => {
	for (const [options, name] of [[{ max: 0 }, /max/], [{ min: -1 }, /min/], [{ priorityRange: 0.5 }, /priorityRange/],
		[{ acquireTimeoutMillis: 'soon' }, /acquireTimeoutMillis/]])
		assert.throws(() => own.createPool(counting(), options), (error) => error instanceof TypeError && name.test(error.message));
	assert.throws(() => own.createPool({ create() {}, destroy() {} }, { testOnBorrow: true }), /validate/);
	assert.strictEqual(own.createPool(counting(), { max: '4' }).max, 4);
});

test('a resource is tested when it is returned', async () => {
	const broken = new Set();
	const factory = counting({ valid: ({ n }) => !broken.has(n) });
	const pool = own.createPool(factory, { max: 1, testOnReturn: true });
	const one = await pool.acquire();

	broken.add(one.n);
	await pool.release(one);
	assert.strictEqual((await pool.acquire()).n, 2);
	assert.deepStrictEqual(factory.destroyed, [1]);
});

test('a factory that always fails does not keep the program from its turns', async () => {
	const pool = own.createPool({ create: () => Promise.reject(new Error('never')), destroy() {} }, { acquireTimeoutMillis: 30 });
	let failed = 0;

	pool.on('factoryCreateError', () => failed++);
	assert.strictEqual(await failure(pool.acquire()), 'TimeoutError: ResourceRequest timed out');
	assert.ok(failed >= 2, `${failed}`);
});

test('who waits for a factory that fails keeps the program alive', () => {
	const { stdout, stderr } = spawnSync(process.execPath, [path.join(__dirname, 'programs', 'pool', 'retry.js')], { encoding: 'utf8' });

	assert.strictEqual(stdout, 'made\n', stderr);
});

test('promises may be of another make', () => {
	class Theirs {
		constructor(executor) {
			this.made = true;
			new Promise(executor).catch(() => {});
		}
	}
	const pool = own.createPool(counting(), { Promise: Theirs });

	for (const one of [pool.acquire(), pool.ready(), pool.release({}), pool.clear()])
		assert.ok(one.made);
});

test('the entry of modules has the same', async () => {
	const module_ = await import('../generic-pool.mjs');

	for (const name of Object.keys(own))
		assert.strictEqual(module_[name], own[name], name);
});
