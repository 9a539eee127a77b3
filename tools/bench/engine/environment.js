'use strict';
/*
 * Environments of 10, 50 and 250 variables: in each request, and kept by a template; through the
 * engine and through the daemon.
 */
const { spreadText } = require('../lib/markdown.js');
const { COLUMNS, variantCells, jobsWords, rate } = require('./variants.js');

const VARIABLES = [10, 50, 250];
const JOBS = 10000;
const ROUNDS = 5;

const words = (number, how) => [...how.before, '--variables', String(number), '--template', '--stdio', 'null',
	'--depth', String(how.depth), '--', how.program];

async function table(session, how) {
	const rows = [];
	let command;

	for (const number of VARIABLES) {
		const told = await session.bench([...jobsWords(session, JOBS, ROUNDS), ...words(number, how)]);

		command = told.command.replace(/--variables \d+/, '--variables N');
		for (const [i, variant] of told.result.entries())
			rows.push([...variantCells(`${number} variables, ${variant.name}`, variant),
				i === 0 ? '1' : spreadText(rate(variant))]);
	}
	return { title: `The environment, ${how.title}`, note: session.note('The smallest program on /dev/null; ' +
		'44 bytes for each variable. Each number of variables is a run of its own, and ratios hold within it.'),
	command, columns: [...COLUMNS, 'rate to "in each request"'], rows };
}

module.exports = async function environment(session) {
	const program = session.program('tests/programs/true');
	const embedded = await table(session, { title: 'embedded engine', before: [], depth: 8, program });
	const daemon = await session.withDaemon(({ socket }) => table(session,
		{ title: 'daemon', before: ['--socket', socket], depth: 30, program }));

	return { tables: [embedded, daemon], found: {} };
};
