'use strict';
/*
 * The parts of a report that are about cells: a table of figures and ratios for each, with its
 * plots, and the tables over all of them.
 */
const { summarize, absent, rateRatio } = require('./summary.js');
const { cellName } = require('./plan.js');
const { work: findWork } = require('./works.js');
const { figure, spreadText, errorText, ratioText, table } = require('./markdown.js');
const { bars, points, stacked } = require('./plot.js');

const FOREMOST = 'node+register';

function fileName({ work, connections, memory }, kind) {
	return `${work}-${connections}c-${memory}mb-${kind}.svg`;
}

function title({ work, connections, memory }) {
	return `${findWork(work).title}, ${connections} connection${connections === 1 ? '' : 's'}` +
		(memory > 0 ? `, ${memory} MB in the server` : '');
}

/* What is beside a figure so that nobody takes it for more than it is. */
function remarks(summary) {
	const { failed, rounds, notes } = summary;
	const reasons = [...new Set(failed)].join('; ');

	return [...failed.length === 0 ? [] : [`${failed.length} of ${rounds} rounds failed: ${reasons}`],
		...notes].join('; ');
}

/* The same in a plot, where there is little room. */
function shortRemark(summary) {
	if (summary.rounds === 0)
		return summary.notes[0];
	if (summary.failed.length > 0)
		return summary.failed.length === summary.rounds ? 'failed' :
			`${summary.failed.length}/${summary.rounds} failed`;
	return summary.errors > 0 ? `${figure(summary.errors)} errors` : '';
}

const present = (results) => results.candidates.filter(({ missing }) => missing === null);

/* [candidate, summary] of those that have been run, and of those that are missing. */
function summaries(results, cell) {
	return results.candidates.map((one) =>
		[one, one.missing === null ? summarize(cell, one.name) : absent('missing')])
		.filter(([, summary]) => summary !== null);
}

const ran = (cell) => Object.values(cell.results).some((rounds) => rounds.length > 0);

const RATES = ['', 'requests/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'errors', 'bodies compared',
	'remarks'];
const LATENCIES = ['p50_ms', 'p99_ms', 'p999_ms'];

function ratesRow([{ name }, summary]) {
	return [name, spreadText(summary.rate), ...LATENCIES.map((key) => figure(summary[key].median)),
		errorText(summary.errors, summary.kinds), summary.compared, remarks(summary)];
}

const COSTS = ['', 'CPU s for 1,000: server', 'of it its first thread', 'sidecar', 'children',
	'all three', 'the load', 'MB: server', 'sidecar', 'errors'];

function costsRow([{ name }, summary]) {
	const middle = (key) => figure(summary[key].median);
	const all = summary.cpu_server.median === null ? null :
		summary.cpu_server.median + summary.cpu_sidecar.median + summary.cpu_children.median;

	return [name, ...['cpu_server', 'cpu_main', 'cpu_sidecar', 'cpu_children'].map(middle), figure(all),
		...['cpu_load', 'memory_server_mb', 'memory_sidecar_mb'].map(middle), summary.errors];
}

function ratioRows(results, cell) {
	const ours = present(results).filter(({ group }) => group === 'ours').map(({ name }) => name);
	const peers = present(results).filter(({ group }) => group === 'peer').map(({ name }) => name);

	return ours.length === 0 || peers.length === 0 ? null : table(['times the requests/s of', ...ours],
		peers.map((peer) => [peer, ...ours.map((one) => ratioText(rateRatio(cell, one, peer)))]));
}

const RATE_UNIT = 'requests per second; whiskers: the least and the most of the rounds';
const CPU_PARTS = ['server and workers', 'sidecar', 'children'];

/** {name: text} of the plots of a cell. */
function plots(results, cell) {
	const heading = title(cell).replace(/`/g, '');
	const of = summaries(results, cell);
	const rows = (values) => of.map(([{ name, group }, summary]) =>
		({ label: name, group, note: shortRemark(summary), ...values(summary) }));
	const medians = (keys) => (summary) => ({ values: keys.map((key) => summary[key].median) });

	return {
		[fileName(cell, 'rate')]: bars({ title: `${heading}: rate`, unit: RATE_UNIT },
			rows(({ rate }) => rate)),
		[fileName(cell, 'latency')]: points({ title: `${heading}: time of an answer`, unit: 'ms',
			names: ['p50', 'p99', 'p99.9'] }, rows(medians(LATENCIES))),
		[fileName(cell, 'cpu')]: stacked({ title: `${heading}: CPU time`, parts: CPU_PARTS,
			unit: 'CPU seconds for 1,000 requests' },
		rows(medians(['cpu_server', 'cpu_sidecar', 'cpu_children']))),
	};
}

function whyNotRun(results, cell) {
	if (cell.skipped !== null)
		return cell.skipped;
	return results.interrupted ? 'it was interrupted before' : 'no candidate is here';
}

/** A cell as Markdown. */
function cellSection(results, cell) {
	if (!ran(cell))
		return `### ${title(cell)}\n\nNot run: ${whyNotRun(results, cell)}.`;
	const of = summaries(results, cell);
	const { rounds, seconds } = cell;
	const images = Object.keys(plots(results, cell))
		.map((file) => `![${file.replace(/\.svg$/, '')}](${file})`);

	return [
		`### ${title(cell)}`,
		`${rounds} round${rounds === 1 ? '' : 's'} of ${seconds} s; medians, and the least and the most.`,
		table(RATES, of.map(ratesRow)),
		ratioRows(results, cell),
		table(COSTS, of.map(costsRow)),
		...images,
	].filter((part) => part !== null).join('\n\n');
}

/** FOREMOST against each peer, in each of the cells. */
function overview(results) {
	const cells = results.cells.filter(({ skipped }) => skipped === null);
	const peers = present(results).filter(({ group }) => group === 'peer');

	if (!present(results).some(({ name }) => name === FOREMOST) || peers.length === 0)
		return null;
	return [`Requests per second of ${FOREMOST} as multiples of each peer's:`,
		table(['against', ...cells.map(cellName)], peers.map(({ name }) =>
			[name, ...cells.map((cell) => ratioText(rateRatio(cell, FOREMOST, name)))]))].join('\n\n');
}

module.exports = { cellSection, overview, plots };
