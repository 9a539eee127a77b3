'use strict';
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const { test } = require('node:test');
const { parseOptions, UsageError, USAGE } = require('../lib/options.js');
const { plan, turns, cellName } = require('../lib/plan.js');

const KNOWN = ['node', 'node+register', 'go'];
const parse = (...argv) => parseOptions(argv, KNOWN);

test('without options all candidates do all works', () => {
	const options = parse();

	assert.deepStrictEqual(options.only, KNOWN);
	assert.ok(plan(options).some((one) => one.work === 'echo' && one.memory === 1000));
	assert.ok(plan(options).some((one) => one.connections === 300));
});

test('a value stands behind its option, or after a =', () => {
	assert.deepStrictEqual(parse('--only', 'go,node+register').only, ['go', 'node+register']);
	assert.deepStrictEqual(parse('--only=go,go').only, ['go']);
	assert.strictEqual(parse('--rounds=7').rounds, 7);
});

test('what is wrong is named', () => {
	const rows = [
		[['--nonsense'], /what is --nonsense\?/], [['bench'], /what is bench\?/],
		[['--rounds'], /--rounds: a value is missing/], [['--out='], /--out: a value is missing/],
		[['--rounds', '0'], /--rounds: "0" is not a whole number above 0/],
		[['--seconds', '1.5'], /--seconds: "1.5"/], [['--memory', '50,x'], /--memory: "x" is not a number/],
		[['--connections', '0'], /--connections: "0"/],
		[['--only', 'node,perl'], /--only: there is no "perl"; there are node, node\+register, go/],
		[['--work', 'echo,dog'], /--work: there is no "dog"/], [['--only', ','], /--only: names nothing/],
		[['--quick=1'], /what is --quick=1\?/],
	];

	for (const [argv, message] of rows)
		assert.throws(() => parse(...argv), (error) =>
			error instanceof UsageError && message.test(error.message), argv.join(' '));
});

test('every option is in the help text', () => {
	const source = fs.readFileSync(path.join(__dirname, '..', 'lib', 'options.js'), 'utf8');

	for (const [, name] of source.matchAll(/^\t?'(--[a-z]+)':/gm))
		assert.ok(USAGE.includes(`  ${name}`), name);
});

test('a wrong command line ends with 2, and help with 0', () => {
	const program = path.join(__dirname, '..', 'compare.js');
	const compare = (...argv) => spawnSync(process.execPath, [program, ...argv], { encoding: 'utf8' });
	const wrong = compare('--only', 'perl');

	assert.strictEqual(wrong.status, 2);
	assert.match(wrong.stderr, /^compare\.js: --only: there is no "perl"; .*\n$/);
	assert.strictEqual(compare('--help').status, 0);
});

test('rounds and seconds that are asked for hold for all cells', () => {
	for (const cell of plan(parse('--rounds', '9', '--seconds', '4')))
		assert.deepStrictEqual([cell.rounds, cell.seconds], [9, 4]);
});

test('memory and connections are tried with each of the works', () => {
	const cells = plan(parse('--work', 'echo,cat', '--memory', '0,50', '--connections', '1'));

	assert.deepStrictEqual(cells.map(cellName), ['echo, 1 connection, 0 MB', 'echo, 1 connection, 50 MB',
		'cat, 1 connection, 0 MB', 'cat, 1 connection, 50 MB']);
});

test('works that were not asked for are not in the plan', () => {
	const works = plan(parse('--work', 'fail', '--quick')).map(({ work }) => work);

	assert.deepStrictEqual([...new Set(works)], ['fail']);
});

test('in each round everybody has one turn, and the first is another one', () => {
	const rounds = [0, 1, 2].map((round) => turns(KNOWN, round, 3));

	for (const order of rounds)
		assert.deepStrictEqual([...order].sort(), [...KNOWN].sort());
	assert.strictEqual(new Set(rounds.map(([first]) => first)).size, 3);
	assert.deepStrictEqual(turns([], 0, 1), []);
});
