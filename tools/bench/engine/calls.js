'use strict';
/*
 * What one spawn() with its write costs Node's main thread, at two sizes of the program: the
 * runtime's own and the client's, in turn.
 */
const fs = require('fs');
const { figure, spreadText } = require('../lib/markdown.js');
const { median, spread } = require('../lib/statistics.js');
const { callTable } = require('../../../clients/node/bench/call_table.js');
const { targetCells } = require('./targets.js');

const NAMES = { runtime: 'node:child_process', uringspawn: 'uringspawn' };
const ROUNDS = 3;

/* {which, megabytes, rounds: [figures]} of each line of the rounds, in order. */
function lines(rounds) {
	return rounds[0].map(({ which, megabytes }, i) =>
		({ which, megabytes, rounds: rounds.map((round) => round[i]) }));
}

/* The target is the client's; what it is of the runtime's own is told in the runtime's line. */
function row({ which, megabytes, rounds }, all) {
	const ours = all.find((one) => one.which === 'uringspawn' && one.megabytes === megabytes).rounds;
	const cpu = spread(rounds.map((one) => one.cpu_p50_us));
	const times = spread(rounds.map((one, i) => one.cpu_p50_us / ours[i].cpu_p50_us));
	const middle = (key) => figure(median(rounds.map((one) => one[key])));

	return [`${NAMES[which]}, ${megabytes} MB`, spreadText(cpu), ...['cpu_p99_us', 'wall_p50_us', 'wall_p99_us',
		'loop_p50_ms', 'loop_p99_ms'].map(middle), which === 'uringspawn' ? '' : spreadText(times),
	...targetCells(which === 'uringspawn' ? `call${megabytes}` : null, cpu)];
}

function foundIn(all) {
	return Object.fromEntries(all.filter(({ which }) => which === 'uringspawn')
		.map(({ megabytes, rounds }) => [`call${megabytes}`, spread(rounds.map((one) => one.cpu_p50_us))]));
}

module.exports = function calls(session) {
	const clock = session.program('bench_clock.node');

	Object.assign(process.env, session.clientEnvironment(), { BENCH_PROGRAM: session.program('tests/programs/true') },
		fs.existsSync(clock) ? { BENCH_CLOCK: clock } : {});
	const rounds = Array.from({ length: session.rounds(ROUNDS) }, () => callTable(1));
	const by = rounds[0][0].clock;
	const all = lines(rounds);

	return { found: foundIn(all), tables: [{ title: 'One spawn() with its write, in Node\'s main thread',
		note: `Node ${process.version} with so many MB of Buffers, 8 in flight; ` +
			`medians of ${rounds.length} rounds. CPU time ` +
			(by && by !== 'undefined' ? `by ${by}.` : 'is not known: bench_clock.node was not built.'),
		command: 'node clients/node/bench/call.js runtime|uringspawn MB CALLS',
		columns: ['', 'CPU p50 µs', 'CPU p99 µs', 'passed p50 µs', 'passed p99 µs',
			'event loop delay p50 ms', 'p99 ms', 'times ours, CPU p50', 'to reach', 'reached'],
		rows: all.map((line) => row(line, all)) }] };
};
