'use strict';
/*
 * A cgroup for each job next to none, one job after the other, so that the difference is the
 * job's own.  Some short runs, so that there is a spread of it.
 */
const { figure, spreadText } = require('../lib/markdown.js');
const { median, spread } = require('../lib/statistics.js');
const { notMeasured } = require('./missing.js');
const { targetCells } = require('./targets.js');

const TITLE = 'A cgroup for each job';
const RUNS = 5;
const WORDS = ['--rounds', '2', '--cgroup', '--stdio', 'null', '--depth', '1', '--'];

/* Resolves to {result, command} of each run. */
async function runs(session) {
	const jobs = ['--jobs', String(session.count(1600))];
	const told = [];

	for (let i = 0; i < session.rounds(RUNS); i++)
		told.push(await session.bench([...jobs, ...WORDS, session.program('tests/programs/true')]));
	return told;
}

function cells(name, variants) {
	const middle = (of) => figure(median(variants.map(of)));

	const p50 = spread(variants.map((one) => one.latency_us.p50));

	return [name, middle((one) => one.jobs_per_s), spreadText(p50), middle((one) => one.latency_us.p99)];
}

module.exports = async function cgroups(session) {
	let told;

	try {
		told = await runs(session);
	} catch (error) {
		return notMeasured(TITLE, error.message);
	}
	const results = told.map(({ result }) => result);
	const more = spread(results.map(([none, each]) => (each.latency_us.p50 - none.latency_us.p50) / 1000));

	const rows = [
		[...cells('no cgroup', results.map(([none]) => none)), '', '', ''],
		[...cells('one for each', results.map(([, each]) => each)), spreadText(more), ...targetCells('cgroup', more)],
	];

	return { found: { cgroup: more }, tables: [{ title: TITLE, command: told[0].command, rows,
		note: session.note('The smallest program on /dev/null, one after the other; ' +
			`medians of ${told.length} runs.`),
		columns: ['', 'jobs/s', 'p50 µs', 'p99 µs', 'p50 in addition, ms', 'to reach', 'reached'] }] };
};
