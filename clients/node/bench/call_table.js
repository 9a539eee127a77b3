'use strict';
/*
 * What a spawn() costs the main thread, at two sizes of the program.
 */
const path = require('path');
const { spawnSync } = require('child_process');
const { medians, columns } = require('../../../tools/bench/lib/statistics.js');

/* So many calls: the runtime's take the longer the larger the program is. */
const CALLS = { 50: { runtime: 500, uringspawn: 2000 }, 1000: { runtime: 100, uringspawn: 2000 } };

function measure(which, megabytes) {
	const { stdout, stderr, status } = spawnSync(process.execPath, ['--max-old-space-size=4096',
		path.join(__dirname, 'call.js'), which, megabytes, CALLS[megabytes][which]], { encoding: 'utf8' });

	if (status !== 0)
		throw new Error(stderr);
	return JSON.parse(stdout);
}

/** @returns {object[]} rows: {which, megabytes, cpu_p50_us, ...} */
function callTable(rounds) {
	const rows = [];

	for (const megabytes of Object.keys(CALLS)) {
		const seen = { runtime: [], uringspawn: [] };

		for (let round = 0; round < rounds; round++)
			for (const which of Object.keys(seen))
				seen[which].push(measure(which, megabytes));
		for (const [which, results] of Object.entries(seen))
			rows.push({ which, megabytes: Number(megabytes), ...medians(results) });
	}
	return rows;
}

const WIDTHS = [10, 10, 11, 10, 11, 8, 8];
const DIGITS = [1, 1, 1, 1, 1, 1, 1];

function printCalls(rows) {
	const { clock } = rows[0];

	console.log('One spawn() with its write, in the main thread; its CPU time is ' +
		`${clock === 'undefined' || !clock ? 'not known here' : `by ${clock}`}`);
	console.log('                                  CPU, us            passed, us          ' +
		'event loop delay, ms');
	console.log('                               p50       p99        p50       p99        p50' +
		'     p99     max');
	for (const row of rows)
		console.log(`  ${row.which.padEnd(12)}${String(row.megabytes).padStart(5)} MB    ` +
			columns([row.cpu_p50_us, row.cpu_p99_us, row.wall_p50_us, row.wall_p99_us,
				row.loop_p50_ms, row.loop_p99_ms, row.loop_max_ms], WIDTHS, DIGITS));
}

module.exports = { callTable, printCalls };
