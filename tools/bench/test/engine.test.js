'use strict';
/*
 * What the measurements of the engine make of what they are told: nothing is measured.
 */
const test = require('node:test');
const assert = require('node:assert');
const path = require('path');
const { spawnSync } = require('child_process');
const { spreadOf, inverse } = require('../engine/spreads.js');
const { TARGETS, targetCells, targetTable } = require('../engine/targets.js');
const { variantTable, time } = require('../engine/variants.js');
const { parse } = require('../engine/fairness.js');
const { newest } = require('../engine/go.js');

const RUN = path.join(__dirname, '..', 'engine', 'run');
const run = (...args) => spawnSync(RUN, args, { encoding: 'utf8' });

test('a ratio is taken with its range', () => {
	assert.deepStrictEqual(spreadOf({ ratio: 2, ratio_min: 1, ratio_max: 4, other: 7 }, 'ratio'),
		{ median: 2, min: 1, max: 4 });
});

test('half as many in a second take twice as long, and the most becomes the least', () => {
	assert.deepStrictEqual(inverse({ median: 0.5, min: 0.25, max: 2 }), { median: 2, min: 0.5, max: 4 });
});

test('a target is reached at its bound, missed beyond it, and not by what was not measured', () => {
	const of = (name, median) => targetCells(name, { median });

	assert.deepStrictEqual(of('engineNull', 0.7), ['≥ 0.7', 'yes']);
	assert.deepStrictEqual(of('engineNull', 0.69), ['≥ 0.7', 'no']);
	assert.deepStrictEqual(of('cgroup', 0.2), ['≤ 0.2 ms', 'yes']);
	assert.deepStrictEqual(of('cgroup', 0.21), ['≤ 0.2 ms', 'no']);
	assert.deepStrictEqual(of('cgroup', null), ['≤ 0.2 ms', 'not measured']);
	assert.deepStrictEqual(targetCells(null, { median: 1 }), ['', '']);
});

test('every target has its row, whether it was measured or not', () => {
	const { columns, rows } = targetTable({ daemonIdle: { median: 2.5, min: 2, max: 3 } });

	assert.strictEqual(rows.length, Object.keys(TARGETS).length);
	assert.ok(rows.every((row) => row.length === columns.length));
	assert.deepStrictEqual(rows.find(([work]) => work === TARGETS.daemonIdle.work).slice(2),
		['≤ 8 MB', '2.50 (2.00 – 3.00) MB', 'yes']);
	assert.deepStrictEqual(rows.find(([work]) => work === TARGETS.mapXargs.work).slice(2), ['≥ 1', '–', 'not measured']);
});

const variant = (name, ratio) => ({ name, jobs_per_s: 1000 * ratio, latency_us: { p50: 100, p99: 200, max: 300 },
	ratio_to_first: ratio, ratio_to_first_min: ratio / 2, ratio_to_first_max: ratio * 2, cpu_us_per_job: 9 });

test('variants are told by their rates to the first, and by how long their jobs take', () => {
	const result = [variant('none', 1), variant('some', 0.5)];
	const { columns, rows } = variantTable({ title: '', note: '', command: '', result });

	assert.strictEqual(columns.at(-1), 'rate to "none"');
	assert.deepStrictEqual(rows.map((row) => [row[0], row.at(-1)]), [['none', '1'], ['some', '0.500 (0.250 – 1.00)']]);
	assert.ok(rows.every((row) => row.length === columns.length));
	assert.strictEqual(time(result[1]).median, 2);
});

test('what fair prints is read as its paragraphs', () => {
	const text = 'two clients, without and\nwith another\n                  without       with      ratio\n' +
		'  p50, ms            9.50      12.00       1.05\n  jobs/s            20690      19969       0.97\n\n' +
		'one client\n  p99, ms            2.90       3.20       1.07\n';

	assert.deepStrictEqual(parse(text), [
		{ about: 'two clients, without and with another',
			rows: [['p50, ms', '9.50', '12.00', '1.05'], ['jobs/s', '20690', '19969', '0.97']] },
		{ about: 'one client', rows: [['p99, ms', '2.90', '3.20', '1.07']] }]);
	assert.deepStrictEqual(parse('no figures'), []);
});

test('the loop in Go is built by the newest Go that answers', async () => {
	let next = 8;
	const run = async () => `go1.${++next}\n`;
	const onlyInPath = async (program) => program === 'go' ? run() : Promise.reject(new Error('ENOENT'));

	assert.strictEqual((await newest({ run })).version, `go1.${next}`); /* 10 is more than 9 */
	assert.strictEqual((await newest({ run: onlyInPath })).program, 'go');
	assert.strictEqual(await newest({ run: () => Promise.reject(new Error('ENOENT')) }), null);
});

test('a wrong command line is named', () => {
	for (const [args, said] of [[[], /BUILD and OUT are missing/], [['a', 'b', 'c'], /what is c\?/],
		[['a', 'b', '--fast'], /what is --fast\?/], [['a', 'b', '--only', 'loops,lops'], /there is no "lops"/],
		[['a', 'b', '--only'], /there is no ""/]]) {
		const { status, stderr } = run(...args);

		assert.strictEqual(status, 2, stderr);
		assert.match(stderr, said);
		assert.match(stderr, /usage: tools\/bench\/engine\/run BUILD OUT/);
	}
});

test('a build that is not there is named', () => {
	const { status, stderr } = run('/no/such/build', '/tmp');

	assert.strictEqual(status, 1);
	assert.match(stderr, /no such file.*\/no\/such\/build\/uringspawn/);
});
