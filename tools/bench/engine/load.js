'use strict';
/*
 * The engine and the daemon with descriptors and children that are there meanwhile, next to
 * themselves without.
 */
const { spreadText } = require('../lib/markdown.js');
const { COLUMNS, variantCells, jobsWords, time } = require('./variants.js');
const { targetCells } = require('./targets.js');

const DESCRIPTORS = [100, 1000, 10000, 19000];
const LIVE = [100, 1000, 10000];
/* More have no place in a limit of 20,000 descriptors. */
const LIVE_PIPED = [100, 1000, 6000];

/* So that a round is long next to its load, and that no more are started than must be. */
const JOBS = 30000;
const ROUNDS = 5;

const counted = (number) => number.toLocaleString('en-US');

/* Two rows: without, and with it.  What this machine refuses is a row that says so. */
async function step(session, { number, what, words, target }) {
	const name = `${counted(number)} ${what}`;

	try {
		const { result: [without, under] } = await session.bench([...jobsWords(session, JOBS, ROUNDS), ...words]);
		const found = time(under);

		return { found: target === null ? {} : { [target]: found }, rows: [
			[...variantCells(`0, next to ${name}`, without), '1', '', ''],
			[...variantCells(name, under), spreadText(found), ...targetCells(target, found)]] };
	} catch (error) {
		const nothing = COLUMNS.map(() => '–');

		return { found: {}, rows: [[`${name}: refused: ${error.message}`, ...nothing,
			...targetCells(target, { median: null })]] };
	}
}

/* @param words  (number) => arguments */
async function steps(session, { title, note, numbers, what, words, targetOf }) {
	const rows = [];
	const found = {};

	for (const number of numbers) {
		const one = await step(session, { number, what, words: words(number), target: targetOf(number) });

		rows.push(...one.rows);
		Object.assign(found, one.found);
	}
	return { found, table: { title, note: session.note(note),
		command: `uringspawn bench --jobs ${session.count(JOBS)} --rounds ${session.rounds(ROUNDS)} ` +
			words('N').map((word) => word.replace(/^.*\/(?=[^/]+$)/, '')).join(' '),
		columns: [...COLUMNS, 'time of a job, to that without', 'to reach', 'reached'], rows } };
}

function embedded(session) {
	const program = session.program('tests/programs/true');
	const sleeper = session.program('tests/programs/sleep_forever');
	const ending = ['--stdio', 'null', '--depth', '8', '--', program];

	return [
		{ title: 'Descriptors that are open in the program', numbers: DESCRIPTORS, what: 'descriptors',
			note: 'The smallest program on /dev/null, 8 in flight, embedded engine.',
			words: (number) => ['--descriptors', String(number), ...ending],
			targetOf: (number) => number === 19000 ? 'descriptors' : null },
		{ title: 'Children that live on', numbers: LIVE, what: 'children',
			note: 'The same; the children are the engine\'s.',
			words: (number) => ['--live', String(number), '--live-program', sleeper, ...ending],
			targetOf: (number) => number === 10000 ? 'live' : null },
	];
}

function throughDaemon(session, { socket }) {
	const words = (stdio) => (number) => ['--socket', socket, '--live', String(number), '--live-program',
		session.program('tests/programs/sleep_forever'), '--stdio', stdio, '--depth', '8', '--',
		session.program('tests/programs/true')];

	return [
		{ title: 'Children of the daemon that live on', numbers: LIVE, what: 'children', words: words('null'),
			note: 'The smallest program on /dev/null, as those that live on are, 8 in flight.',
			targetOf: () => null },
		{ title: 'The same with two pipes', numbers: LIVE_PIPED, what: 'children', words: words('pipe'),
			note: 'A child that lives on holds three of the descriptors, or slots, that the daemon may have.',
			targetOf: () => null },
	];
}

module.exports = async function load(session) {
	const tables = [];
	const found = {};
	const each = async (list) => {
		for (const one of list) {
			const { table, found: more } = await steps(session, one);

			tables.push(table);
			Object.assign(found, more);
		}
	};

	await each(embedded(session));
	await session.withDaemon((daemon) => each(throughDaemon(session, daemon)));
	return { tables, found };
};
