'use strict';
/*
 * The ratios that Node with the client must reach, next to what a run found.
 */
const { rateRatio, findCell } = require('./summary.js');
const { ratioText, table } = require('./markdown.js');

const MEMORY_MB = 0;
const CONNECTIONS = 30;
const OURS = ['node+register', 'node+client'];

/* work: {peer: ratio} */
const REQUIRED = {
	echo: { node: 3, deno: 1.6, bun: 1.5, rust: 1.05, go: 1.15 },
	cat: { node: 4, deno: 1.6, bun: 1.35, rust: 1.0, go: 1.1 },
};

/** [{work, ours, peer, least, found, met}...]; found: see rateRatio(), met: null: not measured. */
function required(results) {
	const rows = [];

	for (const [work, peers] of Object.entries(REQUIRED)) {
		const cell = findCell(results, work, MEMORY_MB, CONNECTIONS);

		for (const ours of OURS) {
			for (const [peer, least] of Object.entries(peers)) {
				const found = cell === undefined ? null : rateRatio(cell, ours, peer);
				const met = found === null ? null : found.median >= least;

				rows.push({ work, ours, peer, least, found, met });
			}
		}
	}
	return rows;
}

const MET = new Map([[true, 'yes'], [false, '**no**'], [null, 'not measured']]);

/** A row for each peer: what is required of each work, and what each of ours reached. */
function requiredTable(results) {
	const rows = required(results);
	const works = Object.keys(REQUIRED);
	const peers = Object.keys(REQUIRED[works[0]]);
	const cellsOf = (peer) => works.flatMap((work) => {
		const of = rows.filter((one) => one.work === work && one.peer === peer);

		return [`≥ ${of[0].least}`,
			...of.flatMap(({ found, met }) => [ratioText(found), MET.get(met)])];
	});

	return table(['against', ...works.flatMap((work) => [`${work}: required`,
		...OURS.flatMap((ours) => [ours, 'reached'])])], peers.map((peer) => [peer, ...cellsOf(peer)]));
}

module.exports = { required, requiredTable };
