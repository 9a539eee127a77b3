'use strict';
/*
 * Which works are asked for at which memory and over how many connections, how often and for
 * how long; and in which order candidates take their turns.
 */
/* Of what there is to choose from, a report says what was not run. */
const MEMORY_MB = [0, 50, 1000];
const CONNECTIONS = [1, 30, 300];

/* [work, MB, connections, rounds, seconds]: 20 to 25 minutes for all candidates. */
const FULL = [
	['echo', 0, 30, 5, 2], ['cat', 0, 30, 5, 2],
	['large', 0, 30, 3, 2], ['fail', 0, 30, 3, 1], ['sleep', 0, 30, 3, 1],
	['echo', 0, 1, 3, 1], ['echo', 0, 300, 3, 1], ['cat', 0, 300, 3, 1],
	['echo', 50, 30, 3, 1], ['echo', 1000, 30, 2, 2],
];

/* 3 to 4 minutes. */
const QUICK = [
	['echo', 0, 30, 2, 1], ['cat', 0, 30, 2, 1],
	['large', 0, 30, 1, 1], ['fail', 0, 30, 1, 1], ['sleep', 0, 30, 1, 1],
];

function cell([work, memory, connections, rounds, seconds]) {
	return { work, memory, connections, rounds, seconds };
}

/** 'echo, 30 connections, 0 MB' */
function cellName({ work, memory, connections }) {
	return `${work}, ${connections} connection${connections === 1 ? '' : 's'}, ${memory} MB`;
}

/* Memory or connections that were asked for are tried with each of the works. */
function crossed({ works, memory, connections, quick }) {
	return works.flatMap((work) => (memory || [0]).flatMap((mb) =>
		(connections || [30]).map((count) => cell([work, mb, count, quick ? 1 : 3, 1]))));
}

/** The cells of a run, by options.js's options. */
function plan(options) {
	const { works, rounds, seconds, memory, connections, quick } = options;
	const cells = memory || connections ? crossed(options) :
		(quick ? QUICK : FULL).map(cell).filter(({ work }) => works.includes(work));

	return cells.map((one) =>
		({ ...one, rounds: rounds || one.rounds, seconds: seconds || one.seconds }));
}

/** Each round begins with another, and every other one goes backwards. */
function turns(list, round, rounds) {
	const first = Math.floor(list.length * round / Math.max(1, rounds));
	const order = round % 2 === 0 ? list : [...list].reverse();

	return [...order.slice(first), ...order.slice(0, first)];
}

module.exports = { plan, cellName, turns, MEMORY_MB, CONNECTIONS };
