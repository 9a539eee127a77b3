'use strict';
/*
 * What one client can do to the others of a daemon: what the program `fair` prints, as tables.
 */

/** Of its text, [{about, rows}]: a paragraph each, whose rows have a name and three numbers. */
function parse(text) {
	return text.trim().split(/\n\n+/).map((paragraph) => {
		const lines = paragraph.split('\n');
		const rows = lines.map((line) => /^ {2}(\S.*?) {2,}([\d.]+) +([\d.]+) +([\d.]+)$/.exec(line))
			.filter((found) => found !== null).map((found) => found.slice(1));
		const about = lines.filter((line) => !line.startsWith('  ')).join(' ');

		return { about, rows };
	}).filter(({ rows }) => rows.length > 0);
}

async function fairness(session) {
	const programs = session.program('tests/programs');
	const text = await session.withDaemon(({ socket }) =>
		session.run(session.program('tools/bench/fair'), [socket, programs]));
	const sections = parse(text);

	if (sections.length === 0)
		throw new Error(`nothing in what fair printed: ${text.slice(0, 200)}`);
	return { found: {}, tables: sections.map(({ about, rows }, i) => ({
		title: `What one client can do to the others${i === 0 ? '' : `, ${i + 1}`}`, note: `${about}.`,
		command: 'fair SOCKET PROGRAMS',
		columns: ['', 'without', 'with', 'ratio'], rows })) };
}

module.exports = Object.assign(fairness, { parse });
