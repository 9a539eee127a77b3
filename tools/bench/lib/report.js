'use strict';
/*
 * A run as Markdown, with its plots: report() of what session.js has found and of the tables
 * that other measurements have left.
 */
const fs = require('fs');
const path = require('path');
const { cellName, MEMORY_MB, CONNECTIONS } = require('./plan.js');
const { WORKS } = require('./works.js');
const { requiredTable } = require('./required.js');
const { cellSection, overview, plots } = require('./sections.js');
const { figure, table, foreignTable } = require('./markdown.js');

const facts = (rows) => table(['', ''], rows, { left: true });

function head(results) {
	return [
		'# A process per request: uringspawn and its peers',
		results.interrupted ? '**This run was interrupted: what follows is what it got to.**' : null,
		`By \`${results.command}\`, ${results.started} to ${results.ended}. ` +
		'All take turns round by round; a ratio is the median of the ratios within a round, its range in ' +
		'parentheses. A figure whose rounds had errors has their number beside it. Rates hold for this ' +
		'machine in this hour, ratios travel better.',
	];
}

function bareText(bare) {
	if (bare === null || bare.failure)
		return `not measured: ${bare === null ? 'interrupted' : bare.failure}`;
	return `${figure(bare.bare.jobs_per_s)}/s by a clone3() loop of ${bare.bare.threads} threads, ` +
		`${figure(bare.posix_spawn.jobs_per_s)}/s by posix_spawn(), ` +
		`${figure(bare.jobs_per_s)}/s by the engine (\`${bare.command}\`)`;
}

function machineSection({ machine, bare, loader }) {
	return ['## Machine', facts([
		['CPUs', `${machine.cpus} × ${machine.cpu}${machine.virtual ? ' (a virtual machine)' : ''}`],
		['frequency governor', machine.governor], ['memory', `${figure(machine.memory_mb)} MB`],
		['system', machine.system], ['kernel', machine.kernel],
		['variables in the environment', machine.variables],
		['load average at the start (1, 5, 15 min)', machine.load],
		['load by', loader],
		['bare `echo hi`', bareText(bare)],
	])];
}

function versionsSection({ versions }) {
	return ['## Versions', facts(versions.map(([name, version]) => [name, version || 'not here']))];
}

function environmentText({ environment, missing }) {
	if (missing !== null)
		return '–';
	if (environment === null)
		return 'not seen';
	return environment.differs.length === 0 ? `${environment.variables}, as the server's` :
		`${environment.variables}: ${environment.differs.join(' ')}`;
}

function candidatesSection({ candidates }) {
	return ['## Candidates',
		'Every child gets the whole environment of its server; what one that sleeps was started with was ' +
		'read from /proc (`+`: more, `-`: missing, `!`: another value).',
		table(['', 'what it is', 'here', "a child's variables", 'command'], candidates.map((one) => [
			one.name, one.title, one.missing === null ? 'yes' : `**missing**: ${one.missing}`,
			environmentText(one), `\`${one.command}\``,
		]), { left: true })];
}

/* What failed in the same way several times is one row. */
function failuresSection({ failures }) {
	const rows = new Map();

	for (const { candidate, where, what } of failures) {
		const row = rows.get(`${candidate} ${what}`) || [candidate, new Set(), what];

		row[1].add(where);
		rows.set(`${candidate} ${what}`, row);
	}
	const cells = [...rows.values()].map(([candidate, where, what]) =>
		[candidate, [...where].join('; '), what]);

	return ['## What failed', cells.length === 0 ? 'Nothing.' :
		table(['candidate', 'where', 'what'], cells, { left: true })];
}

/* What the tracer tells is a column each, whichever figures these are. */
function blockedSection({ blocked, not_traced: reason }) {
	const heading = '## How long main threads are blocked';
	const names = [...new Set(blocked.flatMap(({ figures }) => Object.keys(figures || {})))];

	if (reason !== null)
		return [heading, `uringspawn-trace: ${reason}.`];
	if (blocked.length === 0)
		return [heading, 'Nothing was traced: the run was interrupted before.'];
	const text = (value) => (Number.isInteger(value) ? String(value) : figure(value));
	const rows = blocked.map(({ candidate, memory, figures = {}, failed = '' }) =>
		[candidate, memory, ...names.map((name) => text(figures[name])), failed]);

	return [heading, 'By `uringspawn-trace -p PID,... -d 1 -j`, in rounds of their own, ' +
		'`echo hi` over 30 connections.', table(['', 'MB in the server', ...names, 'remarks'], rows)];
}

function coverageSection({ cells }) {
	const rounds = (one) => Math.max(0, ...cells.filter((cell) => cellName(cell) === cellName(one))
		.flatMap(({ results }) => Object.values(results).map(({ length }) => length)));
	const row = (work, memory) => [work, memory,
		...CONNECTIONS.map((connections) => rounds({ work, memory, connections }) || 'not run')];
	const columns = CONNECTIONS.map((count) => `${count} connection${count === 1 ? '' : 's'}`);

	return ['## What was run, and what was not', 'Rounds of each candidate:',
		table(['', 'MB in the server', ...columns],
			WORKS.flatMap(({ name }) => MEMORY_MB.map((memory) => row(name, memory))))];
}

/** @param {{title, written, tables}[]} foreign  see foreignSections() */
function markdown(results, foreign) {
	return [
		...head(results), ...machineSection(results), ...versionsSection(results),
		...candidatesSection(results),
		'## What must hold', requiredTable(results), overview(results),
		...failuresSection(results),
		'## Works', 'CPU time is in seconds for 1,000 requests, by whom: the server is all its threads and ' +
		'workers, the sidecar a private daemon. Memory is the proportional share (PSS), after the load.',
		...results.cells.map((cell) => cellSection(results, cell)),
		...blockedSection(results),
		...foreign.flatMap(({ title, written, tables }) => [`## ${title}`, written,
			...tables.map(foreignTable)]),
		...coverageSection(results),
	].filter((part) => part !== null).join('\n\n') + '\n';
}

/* {"tables": [{title, note, command, columns, rows}]}; throws what is wrong with a file. */
function readTables(file) {
	const { tables } = JSON.parse(fs.readFileSync(file, 'utf8'));
	const good = ({ title, columns, rows }) => typeof title === 'string' && Array.isArray(columns) &&
		Array.isArray(rows) && rows.every(Array.isArray);

	if (!Array.isArray(tables) || !tables.every(good))
		throw new Error('not {"tables": [{title, note, command, columns, rows}]}');
	return tables;
}

/* They may be of an earlier run than what is above them. */
function writtenAt(files) {
	const times = files.map((file) => fs.statSync(file).mtime.toISOString().slice(0, 16)).sort();

	return times.length === 0 ? null : `Measured from ${times[0]} to ${times[times.length - 1]} (UTC).`;
}

const NO_TABLE = { columns: [], rows: [] };

/* One section; a file that cannot be read is named in it. */
function foreignSection(title, files, otherwise) {
	const tables = [];

	for (const file of files) {
		try {
			tables.push(...readTables(file));
		} catch (error) {
			tables.push({ ...NO_TABLE, title: path.basename(file), note: `Cannot be read: ${error.message}.` });
		}
	}
	return { title, written: writtenAt(files), tables: tables.length > 0 ? tables :
		[{ ...NO_TABLE, title: 'Not measured', note: otherwise }] };
}

/** What other measurements have left in DIR/engine/*.json, DIR/profile.json and DIR/pools.json. */
function foreignSections(directory) {
	const engine = path.join(directory, 'engine');
	const profile = path.join(directory, 'profile.json');
	const pools = path.join(directory, 'pools.json');
	const files = !fs.existsSync(engine) ? [] : fs.readdirSync(engine)
		.filter((name) => name.endsWith('.json')).sort().map((name) => path.join(engine, name));

	return [
		foreignSection('The engine by itself', files, 'tools/bench/engine/run was not run.'),
		foreignSection('Worker threads and child processes', fs.existsSync(profile) ? [profile] : [],
			'tools/bench/profile/run.js was not run.'),
		foreignSection('Pools of warm processes', fs.existsSync(pools) ? [pools] : [],
			'tools/bench/pools/run.js was not run.'),
	];
}

/** Writes DIR/report.md, its plots, and results.json; resolves to the path of the first. */
function writeReport(results, directory) {
	const file = path.join(directory, 'report.md');

	fs.mkdirSync(directory, { recursive: true });
	fs.readdirSync(directory).filter((name) => name.endsWith('.svg'))
		.forEach((name) => fs.rmSync(path.join(directory, name)));
	for (const cell of results.cells.filter(({ skipped }) => skipped === null))
		for (const [name, text] of Object.entries(plots(results, cell)))
			fs.writeFileSync(path.join(directory, name), text);
	fs.writeFileSync(path.join(directory, 'results.json'), `${JSON.stringify(results, null, '\t')}\n`);
	fs.writeFileSync(file, markdown(results, foreignSections(directory)));
	return file;
}

module.exports = { markdown, foreignSection, foreignSections, writeReport };
