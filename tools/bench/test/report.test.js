'use strict';
const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { test } = require('node:test');
const { summarize, rateRatio } = require('../lib/summary.js');
const { required } = require('../lib/required.js');
const { figure, spreadText, ratioText, table } = require('../lib/markdown.js');
const { markdown, foreignSection, writeReport } = require('../lib/report.js');
const { round, candidate, cell, run } = require('./support/results.js');

test('figures have three digits that count', () => {
	const rows = [[0, '0'], [0.0123, '0.012'], [0.0001, '< 0.001'], [1.234, '1.23'], [12.34, '12.3'],
		[2310.4, '2,310'], [1234567, '1,234,567'], [null, '–'], [undefined, '–'], [NaN, '–']];

	for (const [value, text] of rows)
		assert.strictEqual(figure(value), text);
	assert.strictEqual(spreadText({ median: 2, min: 1, max: 3 }), '2.00 (1.00 – 3.00)');
});

test('what a cell of a table holds does not end it', () => {
	assert.strictEqual(table(['a', 'b'], [['x|y', 'two\nlines']]),
		'| a | b |\n|---|---:|\n| x\\|y | two lines |');
});

test('figures are of the rounds that got through, and the others are counted', () => {
	const summary = summarize(cell('echo', { node: [round(100), { failed: 'died by SIGSEGV' },
		round(300, { errors: 2, errors_by_kind: { read: 2, status: 0 } })] }), 'node');

	assert.deepStrictEqual(summary.rate, { median: 200, min: 100, max: 300 });
	assert.deepStrictEqual([summary.errors, summary.kinds, summary.failed, summary.rounds],
		[2, { read: 2 }, ['died by SIGSEGV'], 3]);
});

test('who was not run has no summary', () => {
	assert.strictEqual(summarize(cell('echo', { node: [] }), 'node'), null);
	assert.strictEqual(summarize(cell('echo', {}), 'go'), null);
});

test('a ratio has the errors of both beside it', () => {
	const of = cell('echo', { 'node+register': [round(300), round(200)],
		node: [round(100), round(100, { errors: 4 })] });

	assert.strictEqual(ratioText(rateRatio(of, 'node+register', 'node')), '2.50 (2.00 – 3.00), 4 errors');
	assert.strictEqual(ratioText(rateRatio(of, 'node+register', 'go')), '–');
});

test('what is required is reached, is not, or was not measured', () => {
	const rows = required(run([
		cell('echo', { 'node+register': [round(300)], node: [round(100)], deno: [round(200)],
			rust: [{ failed: 'died' }] }),
		cell('cat', { 'node+register': [round(300)], node: [round(1)] }, { connections: 1 }),
	]));
	const met = (wanted, peer) => rows.find((one) =>
		one.work === wanted && one.peer === peer && one.ours === 'node+register').met;

	assert.deepStrictEqual(['node', 'deno', 'rust', 'go'].map((peer) => met('echo', peer)),
		[true, false, null, null]);
	assert.strictEqual(met('cat', 'node'), null);
});

test('a report names what is missing, what failed, and what was not run', () => {
	const failure = { candidate: 'node', where: 'echo', what: 'wrong bytes' };
	const text = markdown(run([cell('echo', { node: [round(100), { failed: 'wrong bytes' }],
		'node+register': [round(300), round(310)] })], { failures: [failure] }), []);

	assert.match(text, /\| go \| What go is \| \*\*missing\*\*: go: no compiler \|/);
	assert.match(text, /\| go \| – \| – \| – \| – \| 0 \| 0 \| missing \|/);
	assert.match(text, /1 of 2 rounds failed: wrong bytes/);
	assert.match(text, /\| node \| echo \| wrong bytes \|/);
	assert.match(text, /uringspawn-trace: not built\./);
	assert.match(text, /\| cat \| 50 \| not run \| not run \| not run \|/);
	assert.match(text, /\| echo \| 0 \| not run \| 2 \| not run \|/);
	assert.doesNotMatch(text, /undefined|NaN|\[object/);
});

test('a figure with errors has them in its row', () => {
	const text = markdown(run([cell('echo', { 'node+register': [round(300)],
		node: [round(100, { errors: 5, errors_by_kind: { timeout: 5 } })] })]), []);

	assert.match(text, /\| node \| 100 \| 10\.0 \| 20\.0 \| 30\.0 \| 5 \(5 timeout\) \|/);
	assert.match(text, /\| node \| 3\.00, 5 errors \|/);
});

test('a report of a run that was interrupted, or where nobody was here, is one', () => {
	const text = markdown(run([cell('echo', {})], { bare: null, interrupted: true,
		candidates: [candidate('go', 'peer', 'go: no compiler')] }), []);

	assert.match(text, /This run was interrupted/);
	assert.match(text, /Not run: it was interrupted before/);
	assert.match(text, /not measured: interrupted/);
});

test('a child whose environment is another one is told of', () => {
	const environment = { variables: 41, differs: ['+NODE_UNIQUE_ID'] };
	const candidates = [{ ...candidate('node', 'peer'), environment }];

	assert.match(markdown(run([], { candidates }), []), /41: \+NODE_UNIQUE_ID/);
});

function withDirectory(body) {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'uringspawn-report-'));

	try {
		return body(directory);
	} finally {
		fs.rmSync(directory, { recursive: true });
	}
}

test('tables of other measurements are taken in, and one that cannot be read is named', () => {
	withDirectory((directory) => {
		const good = path.join(directory, 'good.json');
		const bad = path.join(directory, 'bad.json');
		const wrong = path.join(directory, 'wrong.json');
		const tables = [{ title: 'Loops', note: 'A note.', command: 'bench', columns: ['', 'jobs/s'],
			rows: [['bare', 2500]] }];

		fs.writeFileSync(good, JSON.stringify({ tables }));
		fs.writeFileSync(bad, '{');
		fs.writeFileSync(wrong, JSON.stringify({ tables: [{ title: 'x' }] }));
		const text = markdown(run([]), [foreignSection('The engine', [good, bad, wrong], 'nothing')]);

		assert.match(text, /## The engine\n\nMeasured from \d{4}-.* \(UTC\)\.\n\n### Loops\n\nA note\.\n\n`bench`\n\n\|  \| jobs\/s \|/);
		assert.match(text, /\| bare \| 2500 \|/);
		assert.match(text, /### bad\.json\n\nCannot be read: /);
		assert.match(text, /### wrong\.json\n\nCannot be read: not \{"tables"/);
	});
});

test('every plot that a report shows is written, and older ones are gone', () => {
	withDirectory((directory) => {
		const old = path.join(directory, 'old-30c-0mb-rate.svg');

		fs.writeFileSync(old, '');
		const results = run([cell('echo', { node: [round(100)], 'node+register': [round(300)] })]);
		const text = fs.readFileSync(writeReport(results, directory), 'utf8');
		const shown = [...text.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, name]) => name);

		assert.strictEqual(shown.length, 3);
		for (const name of shown)
			assert.ok(fs.existsSync(path.join(directory, name)), name);
		assert.ok(!fs.existsSync(old));
		assert.deepStrictEqual(JSON.parse(fs.readFileSync(path.join(directory, 'results.json'))), results);
	});
});
