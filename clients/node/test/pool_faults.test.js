'use strict';
/*
 * Many requests, and workers that fail in every way while they are served.  Each answer is
 * that of its own request; each request has an answer, or an error that says what happened.
 *
 * USP_POOL_REQUESTS: so many of each kind, instead of 2000.  USP_POOL_SEED: the same again.
 */
const assert = require('assert');
const { test } = require('./support/harness.js');
const { withPool } = require('./support/pools.js');

const REQUESTS = Number(process.env.USP_POOL_REQUESTS || 2000);
const SEED = Number(process.env.USP_POOL_SEED || Date.now() % 1e6);
const AT_ONCE = 24;

/* Of 0 to 1, the same for a seed. */
function randomOf(seed) {
	let state = seed >>> 0;

	return () => {
		state = state + 0x6d2b79f5 >>> 0;
		let t = Math.imul(state ^ state >>> 15, 1 | state);

		t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
		return ((t ^ t >>> 14) >>> 0) / 4294967296;
	};
}

const WORKER_ENDED = ['ERR_POOL_WORKER_EXITED', 'ERR_POOL_BAD_MESSAGE'];
const value = (i) => `value ${i}`;
const big = (i) => `${i}`.repeat(30000);

/* In 10,000: {message, options, right: the answer, or the codes that it may end with in its place}. */
const kinds = [
	[6, (i) => ({ message: { do: 'exit', code: i % 3 }, codes: WORKER_ENDED })],
	[6, () => ({ message: { do: 'die' }, codes: WORKER_ENDED })],
	[3, () => ({ message: { do: 'hang' }, options: { timeout: 300 }, codes: ['ERR_POOL_TIMEOUT', ...WORKER_ENDED] })],
	/* Before the mark by which a use begins it is dropped, and nothing is answered. */
	[4, () => ({ message: { do: 'garbage' }, options: { timeout: 1000 }, codes: ['ERR_POOL_TIMEOUT', ...WORKER_ENDED] })],
	[4, (i) => ({ message: { do: 'leave a writer', value: value(i) }, right: value(i) })],
	[3, () => ({ message: { do: 'disconnect' }, codes: WORKER_ENDED })],
	[20, (i) => ({ message: { do: 'answer and then more', value: value(i), ms: 1 }, right: value(i) })],
	[10, (i) => ({ message: { do: 'flood', value: value(i) }, right: value(i) })],
	[10, (i) => ({ message: { do: 'leak', bytes: 1 << 24, value: value(i) }, right: value(i) })],
	[200, (i) => ({ message: { do: 'throw', value: i }, codes: ['E_BAD'], text: `bad ${i}` })],
	[200, (i) => ({ message: { do: 'echo', value: big(i) }, right: big(i) })],
	[200, (i) => ({ message: { do: 'later', ms: i % 5, value: value(i) }, right: value(i) })],
	[100, (i) => ({ message: { do: 'later', ms: 5, value: value(i) }, abort: i % 4, right: value(i), codes: ['ABORT_ERR'] })],
	[10000, (i) => ({ message: { do: 'echo', value: value(i) }, right: value(i) })],
];

function pick(random, i) {
	let left = random() * 10000;

	for (const [weight, make] of kinds) {
		left -= weight;
		if (left < 0)
			return make(i);
	}
	return kinds[kinds.length - 1][1](i);
}

async function ask(pool, { message, options, abort }) {
	if (abort === undefined)
		return pool.run(message, options);
	const controller = new AbortController();
	const timer = setTimeout(() => controller.abort(), abort);
	try {
		return await pool.run(message, { signal: controller.signal });
	} finally {
		clearTimeout(timer);
	}
}

async function one(pool, random, i, seen, alone) {
	const request = pick(random, i);
	let answer;

	try {
		answer = await ask(pool, request);
	} catch (error) {
		/* Who shared a worker with one that failed is told so. */
		const codes = [...request.codes || [], ...alone ? [] : WORKER_ENDED];

		seen.set(error.code, (seen.get(error.code) || 0) + 1);
		/* The bytes of somebody whom another request left behind are no message. */
		if (error.code === 'ERR_POOL_BAD_MESSAGE')
			return;
		assert.ok(codes.includes(error.code), `${JSON.stringify(request).slice(0, 200)}: ${error.stack}`);
		if (error.code === 'E_BAD')
			assert.strictEqual(error.message, request.text);
		return;
	}
	assert.strictEqual(answer, request.right);
	seen.set('answers', (seen.get('answers') || 0) + 1);
}

for (const [name, options] of [
	['several on each worker', { concurrency: 4 }],
	['one on each worker', { concurrency: 1 }],
	['a worker for each, from the daemon', { concurrency: 1, reset: { message: { do: 'reset' }, answer: 'clean' } }],
])
	test(`nobody gets another's answer: ${name} (seed ${SEED})`, () => withPool({ max: 3, ...options }, async (pool) => {
		const random = randomOf(SEED);
		const seen = new Map();
		let next = 0;

		await Promise.all(Array.from({ length: AT_ONCE }, async () => {
			while (next < REQUESTS) {
				const i = next++;

				await one(pool, random, i, seen, options.concurrency === 1);
			}
		}));
		assert.strictEqual([...seen.values()].reduce((a, b) => a + b), REQUESTS);
		assert.ok(seen.get('answers') > REQUESTS * 0.8, JSON.stringify([...seen]));
		assert.strictEqual(pool.pending, 0);
		assert.strictEqual(await pool.run({ do: 'echo', value: 'well' }), 'well');
		if (process.env.USP_POOL_REQUESTS)
			console.log(`# ${JSON.stringify([...seen])} ${JSON.stringify(pool.counts)}`);
	}));
