'use strict';
const assert = require('assert');
const { test } = require('node:test');
const { linear, logarithmic, fit } = require('../lib/svg.js');
const { bars, points, stacked } = require('../lib/plot.js');

const bar = (label, median, other = {}) =>
	({ label, group: 'peer', median, min: median, max: median, note: '', ...other });
const drawBars = (rows) => bars({ title: 'Rate', unit: 'requests/s' }, rows);
const count = (text, pattern) => [...text.matchAll(pattern)].length;

/* Every element is closed, and attributes have their quotes. */
function assertWellFormed(text) {
	const open = [];

	for (const [, end, name, , alone] of text.replace(/<style>[^<]*<\/style>/, '')
		.matchAll(/<(\/?)([a-z]+)((?: [a-zA-Z0-9-]+="[^"<>]*")*)(\/?)>/g)) {
		if (end)
			assert.strictEqual(open.pop(), name);
		else if (!alone)
			open.push(name);
	}
	assert.deepStrictEqual(open, []);
	assert.strictEqual(count(text, /</g), count(text, />/g));
	assert.doesNotMatch(text, /NaN|undefined|Infinity/);
}

test('an axis begins at 0 and reaches what is most', () => {
	for (const most of [0, 0.003, 1, 7, 10, 2310, 99999]) {
		const { ticks, position } = linear(most);

		assert.strictEqual(ticks[0], 0);
		assert.ok(ticks[ticks.length - 1] >= most, `${most}: ${ticks}`);
		assert.ok(ticks.length >= 2 && ticks.length <= 9, `${most}: ${ticks}`);
		assert.ok(position(most) > position(0) || most === 0);
	}
});

test('an axis of powers of ten has all values between its ends', () => {
	for (const values of [[1], [0.02, 300], [10, 10], [10, 1000], [11, 99]]) {
		const { ticks } = logarithmic(values);

		assert.ok(ticks[0] <= Math.min(...values), `${values}: ${ticks}`);
		assert.ok(ticks[ticks.length - 1] >= Math.max(...values), `${values}: ${ticks}`);
		assert.ok(ticks.length >= 2);
	}
});

test('a bar is as long as its figure, with a whisker where rounds differ', () => {
	const text = drawBars([bar('half', 50), bar('whole', 100, { min: 90, max: 100 })]);
	const widths = [...text.matchAll(/width="([\d.]+)" height="12" class="peer"/g)]
		.map(([, width]) => Number(width));

	assertWellFormed(text);
	assert.strictEqual(widths.length, 2);
	assert.ok(Math.abs(widths[1] / widths[0] - 2) < 0.01);
	assert.strictEqual(count(text, /class="whisker"/g), 3);
	assert.match(text, /requests\/s<\/text>/);
});

test('who has no figure is named with the reason', () => {
	const text = drawBars([bar('go', null, { note: 'missing' }), bar('node', 3)]);

	assertWellFormed(text);
	assert.match(text, />go<\/text>\n<text [^>]*>missing<\/text>/);
});

test('errors stand beside the figure', () => {
	assert.match(drawBars([bar('node', 3, { note: '5 errors' })]), />3\.00 · 5 errors</);
	assert.match(points({ title: 'Time', unit: 'ms', names: ['p50', 'p99', 'p99.9'] },
		[{ label: 'node', group: 'peer', values: [12345, 23456, 34567], note: '123,456 errors' }]),
	/… · 123,456 errors</);
});

test('a plot of nothing is a plot', () => {
	assertWellFormed(drawBars([]));
	assertWellFormed(points({ title: 'Time', unit: 'ms', names: ['p50', 'p99'] }, []));
	assertWellFormed(stacked({ title: 'CPU', unit: 's', parts: ['a', 'b'] },
		[{ label: 'x', values: [null, 1], note: 'failed' }]));
});

test('what is drawn cannot end an element', () => {
	const text = drawBars([bar('<a & "b">', 1)]);

	assertWellFormed(text);
	assert.match(text, /&lt;a &amp; &quot;b&quot;&gt;/);
});

test('a name that is too long is cut, so that nothing overlaps', () => {
	assert.strictEqual(fit('short', 100), 'short');
	assert.ok(fit('x'.repeat(100), 100).length <= 16);
	assert.match(drawBars([bar('a-name-that-is-longer-than-there-is-room-for', 1)]), /…<\/text>/);
});

test('each latency is a point of its own on one line', () => {
	const text = points({ title: 'Time', unit: 'ms', names: ['p50', 'p99', 'p99.9'] },
		[{ label: 'node', group: 'ours', values: [1, 10, 100], note: '' }]);

	assertWellFormed(text);
	assert.strictEqual(count(text, /<circle /g), 1);
	assert.strictEqual(count(text, /class="link"/g), 1);
	assert.match(text, /● p50 {2}▮ p99 {2}◆ p99\.9/);
});

test('parts are put one behind the other', () => {
	const text = stacked({ title: 'CPU', unit: 's', parts: ['a', 'b'] },
		[{ label: 'x', values: [1, 3], note: '' }]);
	const pattern = (kind) =>
		new RegExp(`<rect x="([\\d.]+)" y="[\\d.]+" width="([\\d.]+)" height="12" class="${kind}"`);
	const [first, second] = ['part0', 'part1'].map((kind) =>
		pattern(kind).exec(text).slice(1).map(Number));

	assertWellFormed(text);
	assert.ok(Math.abs(first[0] + first[1] - second[0]) < 0.2);
	assert.ok(Math.abs(second[1] / first[1] - 3) < 0.02);
});

test('both colour schemes have each colour, and text is text', () => {
	const text = drawBars([bar('node', 1)]);

	assert.match(text, /prefers-color-scheme: dark/);
	assert.match(text, /currentColor/);
	assert.doesNotMatch(text, /@font-face|url\(|<image/);
});
