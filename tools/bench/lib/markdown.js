'use strict';
/*
 * Figures and tables as Markdown.
 */

/** A number for a reader: three digits that count, thousands apart; '–' where there is none. */
function figure(value) {
	if (!Number.isFinite(value))
		return '–';
	if (value !== 0 && Math.abs(value) < 0.001)
		return '< 0.001';
	const power = value === 0 ? 2 : Math.floor(Math.log10(Math.abs(value)));
	const digits = Math.max(0, Math.min(3, 2 - power));

	return value.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ',');
}

/** '2,310 (2,280 – 2,350)' */
function spreadText({ median, min, max }) {
	return median === null ? '–' : min === max ? figure(median) :
		`${figure(median)} (${figure(min)} – ${figure(max)})`;
}

/** '0', or '12 (10 timeout, 2 status)' */
function errorText(count, kinds) {
	const parts = Object.entries(kinds).map(([kind, number]) => `${number} ${kind}`);

	return count === 0 ? '0' : `${count} (${parts.join(', ')})`;
}

/** '2.31 (2.10 – 2.44)', with the errors of its rounds beside it; '–' where there is none. */
function ratioText(found) {
	if (found === null)
		return '–';
	const { median, min, max, errors } = found;
	const range = min === max ? '' : ` (${min.toFixed(2)} – ${max.toFixed(2)})`;

	return median.toFixed(2) + range + (errors > 0 ? `, ${errors} errors` : '');
}

/* What would be the end of a cell is part of its text. */
function escape(value) {
	return String(value ?? '–').replace(/\r?\n/g, ' ').replace(/\|/g, '\\|');
}

const row = (cells) => `| ${cells.map(escape).join(' | ')} |`;

/** The first column is text, the others are figures: right, unless `left`. */
function table(columns, rows, { left = false } = {}) {
	const rule = columns.map((_, i) => (i === 0 || left ? '---' : '---:'));

	return [row(columns), `|${rule.join('|')}|`, ...rows.map(row)].join('\n');
}

/** One of {"tables": [{title, note, command, columns, rows}]}; without columns it is its note. */
function foreignTable({ title, note, command, columns, rows }) {
	const parts = [`### ${title}`, note, command && `\`${command}\``,
		columns.length > 0 && table(columns, rows)];

	return parts.filter((part) => part).join('\n\n');
}

module.exports = { figure, spreadText, errorText, ratioText, table, foreignTable };
