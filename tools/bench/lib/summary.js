'use strict';
/*
 * From rounds to figures: medians and spread of a candidate in a cell, and ratios between two.
 */
const { spread, ratio } = require('./statistics.js');

const FIGURES = ['rate', 'p50_ms', 'p99_ms', 'p999_ms', 'cpu_server', 'cpu_main', 'cpu_sidecar',
	'cpu_children', 'cpu_load', 'memory_server_mb', 'memory_sidecar_mb'];

const NONE = { median: null, min: null, max: null };

const sum = (list, key) => list.reduce((total, one) => total + one[key], 0);

function kinds(rounds) {
	const all = {};

	for (const { errors_by_kind: errors } of rounds)
		for (const [kind, count] of Object.entries(errors))
			if (count > 0)
				all[kind] = (all[kind] || 0) + count;
	return all;
}

/** The summary of who is not here. */
function absent(reason) {
	return {
		...Object.fromEntries(FIGURES.map((key) => [key, NONE])), requests: 0, errors: 0,
		kinds: {}, compared: 0, rounds: 0, failed: [], notes: [reason],
	};
}

/**
 * What a candidate did in a cell, of rounds that got through: a spread for each figure, errors
 * (how many, and by kind), compared, rounds, failed (why others do not count); null: it was not
 * run.
 */
function summarize(cell, name) {
	const rounds = cell.results[name] || [];
	const good = rounds.filter(({ failed }) => !failed);

	if (rounds.length === 0)
		return null;
	return {
		...Object.fromEntries(FIGURES.map((key) => [key, spread(good.map((one) => one[key]))])),
		requests: sum(good, 'requests'), errors: sum(good, 'errors'), kinds: kinds(good),
		compared: sum(good, 'compared'), rounds: rounds.length,
		failed: rounds.filter(({ failed }) => failed).map(({ failed }) => failed),
		notes: [...new Set(good.flatMap(({ notes }) => notes || []))],
	};
}

/**
 * How many times the rate of `theirs` that of `ours` is, in rounds that both got through:
 * {median, min, max, errors: of both}; null: there is none.
 */
function rateRatio(cell, ours, theirs) {
	const good = (name) => (cell.results[name] || []).map((one) => (one.failed ? null : one));
	const found = ratio(good(ours), good(theirs), 'rate');
	const both = [...good(ours), ...good(theirs)].filter((one) => one !== null);

	return found.median === null ? null : { ...found, errors: sum(both, 'errors') };
}

/** The cell of a work, memory and connections, or undefined. */
function findCell(results, work, memory, connections) {
	return results.cells.find((one) => one.work === work && one.memory === memory &&
		one.connections === connections && one.skipped === null);
}

module.exports = { summarize, absent, rateRatio, findCell, FIGURES };
