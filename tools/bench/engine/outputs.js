'use strict';
/*
 * Who reads the output of the daemon's jobs: the daemon, which relays it; the client, by ends of
 * pipes that are handed over to it; or the client, by pipes of its own, which it gave to the job.
 */
const fs = require('fs');
const path = require('path');
const { jobsWords, variantTable } = require('./variants.js');

const FILE_BYTES = 166972;
const LARGE_BYTES = 10 << 20;

function fileOf(session, name, bytes) {
	const file = path.join(session.scratch, name);
	const piece = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 31) & 255));

	fs.writeFileSync(file, Buffer.concat(Array(Math.ceil(bytes / piece.length)).fill(piece), bytes));
	return file;
}

async function compare(session, socket, { title, jobs, rounds, argv }) {
	const { result, command } = await session.bench([...jobsWords(session, jobs, rounds), '--socket', socket,
		'--request', 'spawn', '--depth', '30', '--outputs', '--', ...argv]);

	return variantTable({ title: `Output relayed, handed over, to the caller's pipes: ${title}`, command, result,
		note: session.note('stdout and stderr of each job; it is over when both have ended and it has. ' +
			'The bytes are counted, and are as many in each.') });
}

module.exports = async function outputs(session) {
	const tables = await session.withDaemon(async ({ socket }) => [
		await compare(session, socket, { title: '`echo hi`', jobs: 10000, rounds: 5, argv: ['echo', 'hi'] }),
		await compare(session, socket, { title: '`cat` of 163 KiB', jobs: 5000, rounds: 5,
			argv: ['cat', fileOf(session, 'file', FILE_BYTES)] }),
		await compare(session, socket, { title: '`cat` of 10 MB', jobs: 900, rounds: 5,
			argv: ['cat', fileOf(session, 'large', LARGE_BYTES)] }),
	]);

	return { tables, found: {} };
};
