'use strict';
/*
 * `uringspawn map` next to `xargs -P` and GNU parallel: the smallest program for each line of
 * a file, as many at a time as there are CPUs, in turn, round by round.
 */
const fs = require('fs');
const os = require('os');
const path = require('path');
const { spreadText } = require('../lib/markdown.js');
const { spread } = require('../lib/statistics.js');
const { targetCells } = require('./targets.js');

const TITLE = '`uringspawn map` next to `xargs -P` and GNU parallel';
const JOBS = 10000;
const ROUNDS = 5;
const PARALLEL_JOBS = 1000; /* it takes milliseconds for each */

function inputFile(session, jobs) {
	const file = path.join(session.scratch, `lines-${jobs}`);

	fs.writeFileSync(file, Array.from({ length: jobs }, (_, i) => `${i}\n`).join(''));
	return file;
}

/* Who is compared: its words before the program, and what of the targets it is for. */
function peers(session, width) {
	const ours = (...words) => (file) => [session.program('uringspawn'), 'map', ...words, '-j', width, '-a', file];

	return [
		{ name: 'map', words: ours(), jobs: JOBS },
		{ name: 'map --ungroup', words: ours('-u'), jobs: JOBS },
		{ name: 'xargs', words: (file) => ['xargs', '-P', width, '-n1', '-a', file], jobs: JOBS, target: 'mapXargs' },
		{ name: 'GNU parallel', words: (file) => ['parallel', '--will-cite', '-j', width, '-a', file],
			jobs: PARALLEL_JOBS, target: 'mapParallel' },
	];
}

async function rateOf(session, peer) {
	const jobs = session.count(peer.jobs);
	const [file, ...args] = peer.words(inputFile(session, jobs));
	const begun = process.hrtime.bigint();

	await session.run(file, [...args, session.program('tests/programs/true')]);
	return jobs / (Number(process.hrtime.bigint() - begun) / 1e9);
}

/* Of each, its rates; or why it has none.  A round begins with another one each time. */
async function rounds(session, all) {
	const told = new Map(all.map((peer) => [peer, { rates: [], missing: null }]));

	for (let i = 0; i < session.rounds(ROUNDS); i++)
		for (let j = 0; j < all.length; j++) {
			const peer = all[(i + j) % all.length];
			const one = told.get(peer);

			if (one.missing !== null)
				continue;
			try {
				one.rates.push(await rateOf(session, peer));
			} catch (error) {
				if (!/ENOENT/.test(error.message))
					throw error;
				one.missing = error.message;
			}
		}
	return told;
}

module.exports = async function map(session) {
	const width = String(os.availableParallelism());
	const all = peers(session, width);
	const told = await rounds(session, all);
	const ours = told.get(all[0]).rates;
	const found = {};

	const rows = all.map((peer) => {
		const { rates, missing } = told.get(peer);

		if (missing !== null)
			return [peer.name, 'not here', '', '', ''];
		const ratio = spread(rates.map((rate, i) => ours[i] / rate));

		if (peer.target)
			found[peer.target] = ratio;
		return [peer.name, spreadText(spread(rates)), peer === all[0] ? '' : spreadText(ratio),
			...(peer.target ? targetCells(peer.target, ratio) : ['', ''])];
	});

	return { found, tables: [{ title: TITLE, rows, command: `uringspawn map -j ${width} -a FILE true`,
		note: session.note(`The smallest program for each of ${session.count(JOBS)} lines ` +
			`(${session.count(PARALLEL_JOBS)} for GNU parallel), ${width} at a time; in turn.`),
		columns: ['', 'jobs/s', 'ours to it', 'to reach', 'reached'] }] };
};
