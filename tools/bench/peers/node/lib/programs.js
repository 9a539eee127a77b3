'use strict';
/*
 * What is run for which path of a request: the first two arguments of spawn().
 */
const { BENCH_FILE, BENCH_LARGE } = process.env;

module.exports.programs = new Map([
	['/echo', ['echo', ['hi']]],
	['/cat', ['cat', [BENCH_FILE]]],
	['/large', ['cat', [BENCH_LARGE]]],
	['/fail', ['false', []]],
	['/sleep', ['sleep', ['0.02']]],
]);
