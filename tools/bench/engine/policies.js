'use strict';
/*
 * Which launcher gets a job: the four policies, in turn within each round.
 */
const { jobsWords, variantTable } = require('./variants.js');

module.exports = async function policies(session) {
	const { result, command } = await session.bench([...jobsWords(session, 20000, 10), '--policy', 'all',
		'--stdio', 'null', '--depth', '8', '--', session.program('tests/programs/true')]);

	return { found: {}, tables: [variantTable({ title: 'Launch policies',
		note: session.note('The smallest program on /dev/null, 8 in flight.'), command, result })] };
};
