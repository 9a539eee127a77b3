'use strict';
const assert = require('assert');
const path = require('path');
const { test } = require('node:test');
const { candidates, context, whyMissing } = require('../lib/candidates.js');
const { WORKS } = require('../lib/works.js');
const { Session } = require('../lib/session.js');

const at = context({ out: '/out', build: '/build' });

test('every candidate has a name of its own and is a peer or ours', () => {
	assert.strictEqual(new Set(candidates.map(({ name }) => name)).size, candidates.length);
	for (const { name, title, group } of candidates) {
		assert.match(name, /^[a-z][a-z+-]*$/);
		assert.ok(title.length > 0, name);
		assert.ok(['peer', 'ours'].includes(group), name);
	}
});

test('every candidate can be told to start', () => {
	for (const one of candidates) {
		const { argv, env } = one.command(at);

		assert.ok(argv.length > 0 && argv.every((arg) => typeof arg === 'string'), one.name);
		assert.ok(path.isAbsolute(argv[0]), one.name);
		assert.ok(Object.values(env).every((value) => typeof value === 'string'), one.name);
	}
});

test('who needs something that is not there is missing, with the reason', () => {
	for (const one of candidates) {
		const nothing = Object.fromEntries(one.needs.map((name) => [name, 'it is not built']));
		const all = Object.fromEntries(one.needs.map((name) => [name, null]));

		assert.strictEqual(whyMissing(one, all), null);
		if (one.needs.length > 0)
			assert.match(whyMissing(one, nothing), /it is not built/);
	}
});

test('works differ in name and place', () => {
	assert.strictEqual(new Set(WORKS.map(({ name }) => name)).size, WORKS.length);
	assert.strictEqual(new Set(WORKS.map(({ where }) => where)).size, WORKS.length);
	assert.strictEqual(WORKS.find(({ name }) => name === 'cat').body.length, 166972);
});

test('who has the memory in several processes is not run where that has no room', () => {
	const session = Object.assign(new Session({}, () => {}), { memory: 1000, room: 2000 });

	assert.strictEqual(session.tooMuch({ holders: 1 }), null);
	assert.match(session.tooMuch({ holders: 4 }), /^not run: 4 of its processes hold .* 4150 MB/);
});
