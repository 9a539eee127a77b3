'use strict';
/*
 * The plots of a report, as SVG: rates as bars with whiskers, latencies as points on a line, CPU
 * time as bars of parts.  A row without a figure says why instead.
 */
const { frame, linear, logarithmic, line, rect, at, BAR } = require('./svg.js');
const { figure } = require('./markdown.js');

const GROUPS = [{ kind: 'peer', label: 'peers' }, { kind: 'ours', label: 'uringspawn' }];

const empty = ({ label, note }) => ({ label, figure: note || 'no figure', draw: () => [] });

/* From the least to the most, with ends. */
function whisker(from, to, y) {
	const middle = y + BAR / 2;

	return from === to ? [] : [line(from, middle, to, middle, 'whisker'),
		line(from, y + 2, from, y + BAR - 2, 'whisker'), line(to, y + 2, to, y + BAR - 2, 'whisker')];
}

/**
 * Bars with whiskers.
 * @param {object[]} rows  {label, group, median, min, max, note: errors, or why there is none}
 */
function bars({ title, unit }, rows) {
	const scale = linear(Math.max(0, ...rows.map(({ max }) => max ?? 0)));
	const { position } = scale;

	const drawn = ({ label, group, median, min, max, note }) => ({
		label, note, figure: figure(median),
		draw: (y) => [rect(position(0), y, position(median) - position(0), BAR, group),
			...whisker(position(min), position(max), y)],
	});

	return frame({ title, unit, scale, legend: GROUPS },
		rows.map((row) => (row.median === null ? empty(row) : drawn(row))));
}

/* A circle, a bar and a diamond: three that differ without their colour. */
const SIGNS = ['●', '▮', '◆'];
const MARKS = [
	(x, y, kind) => `<circle cx="${at(x)}" cy="${at(y)}" r="4.5" class="${kind}"/>`,
	(x, y, kind) => rect(x - 2, y - 6, 4, 12, kind),
	(x, y, kind) => `<path d="M${at(x)} ${at(y - 6)}l6 6l-6 6l-6 -6z" class="${kind}"/>`,
];

/**
 * Points on a line, on a scale of powers of ten.
 * @param {string[]} names  of the points, three at most: circle, bar, diamond
 * @param {object[]} rows  {label, group, values: as many as names, note}
 */
function points({ title, unit, names }, rows) {
	const all = rows.flatMap(({ values }) => values).filter((value) => value > 0);
	const scale = logarithmic(all.length === 0 ? [1] : all);
	const full = ({ values }) => values.every((value) => Number.isFinite(value));
	const signs = names.map((name, i) => `${SIGNS[i]} ${name}`).join('  ');
	const drawn = ({ label, group, values, note }) => ({
		label, note, figure: values.map(figure).join(' / '),
		draw: (y) => {
			const places = values.map(scale.position);
			const middle = y + BAR / 2;

			return [line(Math.min(...places), middle, Math.max(...places), middle, 'link'),
				...places.map((x, i) => MARKS[i](x, middle, group))];
		},
	});

	return frame({ title, unit: `${unit}, by powers of ten: ${signs}`, scale, legend: GROUPS },
		rows.map((row) => (full(row) ? drawn(row) : empty(row))));
}

/**
 * Bars of parts, one behind the other.
 * @param {string[]} parts  their names, three at most
 * @param {object[]} rows  {label, values: as many as parts, note}
 */
function stacked({ title, unit, parts }, rows) {
	const sum = ({ values }) => values.reduce((total, one) => total + one, 0);
	const full = ({ values }) => values.every((value) => Number.isFinite(value));
	const scale = linear(Math.max(0, ...rows.filter(full).map(sum)));
	const { position } = scale;
	const drawn = (row) => ({
		label: row.label, note: row.note, figure: figure(sum(row)),
		draw: (y) => row.values.map((value, i) => {
			const from = position(row.values.slice(0, i).reduce((total, one) => total + one, 0));

			return rect(from, y, position(value) - position(0), BAR, `part${i}`);
		}),
	});
	const legend = parts.map((label, i) => ({ kind: `part${i}`, label }));

	return frame({ title, unit, scale, legend },
		rows.map((row) => (full(row) ? drawn(row) : empty(row))));
}

module.exports = { bars, points, stacked };
