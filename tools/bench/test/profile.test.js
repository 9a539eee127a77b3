'use strict';
/*
 * The pools of the profile: that each kind does its work, and what is made of samples of memory.
 */
const test = require('node:test');
const assert = require('node:assert');
const path = require('path');
const { spawnSync } = require('child_process');
const { perform, mark, wrong } = require('../profile/works.js');
const { summarize, memoryOf, sample } = require('../profile/memory.js');
const { measure } = require('../profile/measure.js');
const { passesDescriptors } = require('../../../clients/node');

const RUN = path.join(__dirname, '..', 'profile', 'run.js');
const MORE = 1 << 20;

test('a buffer is known by its marks, and what is wrong with it is said', () => {
	for (const size of [1, 2, 63, 64, 65, 1000, 100000]) {
		const buffer = new Uint8Array(size);

		mark(buffer, 7);
		assert.strictEqual(wrong(buffer, size, 7), null, `${size} bytes`);
		assert.notStrictEqual(wrong(buffer, size, 8), null, `${size} bytes of another number`);
	}
	const buffer = new Uint8Array(1000);

	mark(buffer, 1);
	assert.match(wrong(buffer, 1001, 1), /1000 bytes of 1001/);
	assert.match(wrong(undefined, 5, 1), /no bytes of 5/);
	buffer[999] = 0;
	assert.match(wrong(buffer, 1000, 1), /last byte/);
	buffer[0] = 0;
	assert.match(wrong(buffer, 1000, 1), /byte 0 is 0 and not 1/);
});

test('each work does what it is called after', () => {
	const buffer = new Uint8Array(100);

	assert.strictEqual(perform({ work: 'cpu', size: 2 }), Math.sin(1));
	assert.match(perform({ work: 'crypto', size: 2 }), /^[0-9a-f]{128}$/);
	assert.notStrictEqual(perform({ work: 'crypto', size: 1 }), perform({ work: 'crypto', size: 2 }));
	mark(buffer, 3);
	assert.strictEqual(perform({ work: 'transferable', size: 100, buffer, number: 3 }), 100);
	assert.strictEqual(wrong(buffer, 100, 4), null, 'it answers with the next marks');
	assert.throws(() => perform({ work: 'transferable', size: 100, buffer, number: 9 }), /byte 0 is/);
});

const own = (rss, pss = rss) => ({ rss, pss });

test('memory of processes: average and peak of one, peak of all at one time', () => {
	const samples = [{ parent: own(10), workers: [own(1), own(3)] }, { parent: own(20), workers: [own(5, 4), own(3, 2)] }];

	assert.deepStrictEqual(summarize(samples, 2, own(9)),
		{ samples: 2, average: 3, peak: 5, combined: 8, combinedShare: 6, everything: 26 });
});

test('memory of threads is what their process has more than before, in equal parts', () => {
	const samples = [{ parent: own(12), workers: [] }, { parent: own(20, 18), workers: [] }, { parent: own(8), workers: [] }];

	assert.deepStrictEqual(summarize(samples, 2, own(10)),
		{ samples: 3, average: 2, peak: 5, combined: 10, combinedShare: 8, everything: 18 });
	assert.deepStrictEqual(summarize([], 2, own(10)),
		{ samples: 0, average: null, peak: 0, combined: 0, combinedShare: 0, everything: 0 });
});

test('a process is seen in /proc, and one that is gone is no zero', () => {
	assert.ok(memoryOf(process.pid).rss > MORE);
	assert.ok(memoryOf(process.pid).pss > MORE);
	assert.strictEqual(memoryOf(2 ** 22 + 1), null);
	assert.strictEqual(sample(process.pid, [2 ** 22 + 1]), null);
});

for (const kind of ['worker_threads', 'child_process', 'uringspawn'])
	test(`a pool of ${kind} does its tasks, and both sides are seen`,
		{ skip: kind === 'uringspawn' && !passesDescriptors() ? 'there is no addon' : false }, async () => {
			const found = await measure({ kind, work: 'transferable', workers: 2, tasks: 5, size: 100000, env: process.env });

			assert.ok(found.wall_ms > 0 && found.start_ms >= found.fork_ms && found.fork_ms > 0);
			assert.ok(found.parent_cpu_s > 0 && found.workers_cpu_s > 0);
			assert.ok(found.samples >= 2 && found.combined > MORE && found.everything > found.combinedShare);
		});

test('a pool that fails says why', async () => {
	await assert.rejects(measure({ kind: 'worker_threads', work: 'none', workers: 1, tasks: 1, size: 1, env: process.env }),
		/undefined/);
	await assert.rejects(measure({ kind: 'uringspawn', work: 'cpu', workers: 1, tasks: 1, size: 1,
		env: { ...process.env, URINGSPAWN_ADDON: '0' } }), /not started through uringspawn: there is no addon/);
});

test('a wrong command line is named', () => {
	for (const [args, said] of [[[], /--out is missing/], [['--fast'], /--fast/], [['--out'], /--out/]]) {
		const { status, stderr } = spawnSync(process.execPath, [RUN, ...args], { encoding: 'utf8' });

		assert.strictEqual(status, 2);
		assert.match(stderr, said);
		assert.match(stderr, /usage: node tools\/bench\/profile\/run\.js/);
	}
});
