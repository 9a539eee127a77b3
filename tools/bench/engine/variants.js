'use strict';
/*
 * Tables of `uringspawn bench` where it compares the engine, or the daemon, with itself.
 */
const { figure, spreadText } = require('../lib/markdown.js');
const { spreadOf, inverse } = require('./spreads.js');

const COLUMNS = ['', 'jobs/s', 'p50 µs', 'p99 µs', 'CPU of the thread that asks, µs per job'];

/** The cells of COLUMNS, of one variant. */
function variantCells(name, variant) {
	return [name, figure(variant.jobs_per_s), figure(variant.latency_us.p50), figure(variant.latency_us.p99),
		figure(variant.cpu_us_per_job)];
}

/** {median, min, max}: its rate to that of the first. */
const rate = (variant) => spreadOf(variant, 'ratio_to_first');

/** How many times as long a job takes as in the first. */
const time = (variant) => inverse(rate(variant));

/** One comparison as a table; what is told of each is its rate to the first. */
function variantTable({ title, note, command, result }) {
	return { title, note, command, columns: [...COLUMNS, `rate to "${result[0].name}"`],
		rows: result.map((variant, i) => [...variantCells(variant.name, variant),
			i === 0 ? '1' : spreadText(rate(variant))]) };
}

/** The words of a comparison of so many jobs. */
function jobsWords(session, jobs, rounds) {
	return ['--jobs', String(session.count(jobs)), '--rounds', String(session.rounds(rounds))];
}

module.exports = { COLUMNS, variantCells, variantTable, jobsWords, rate, time };
