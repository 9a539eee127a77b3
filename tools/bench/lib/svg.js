'use strict';
/*
 * The frame of a plot: one row for each name, an axis with its unit, colours that are readable
 * in light and dark.  What the rows hold is plot.js's.
 *
 * The file has a background of its own, so that it is readable on a page whose colours follow
 * something else than the system.
 */
const ROW = 22;
const BAR = 12;
const LEFT = 190; /* names */
const PLOT = 420;
const RIGHT = 220; /* figures */
const TOP = 62;
const BOTTOM = 44;
const CHARACTER = 6.4; /* wide, of 12 px, at the most that usual fonts have */
const TICKS = 7;

const STYLE = `
	svg { color: #1f2328; background: #ffffff; font: 12px system-ui, sans-serif; }
	.page { fill: #ffffff; }
	text { fill: currentColor; }
	.title { font-size: 14px; font-weight: 600; }
	.faint { fill: #59636e; }
	.grid { stroke: #d9dee4; }
	.whisker { stroke: currentColor; stroke-width: 1.2; }
	.link { stroke: #8b949e; stroke-width: 2; }
	.peer { fill: #8a97a6; }
	.ours { fill: #2f6fdb; }
	.part0 { fill: #2f6fdb; }
	.part1 { fill: #d9822b; }
	.part2 { fill: #3f9e6e; }
	@media (prefers-color-scheme: dark) {
		svg { color: #e6edf3; background: #0d1117; }
		.page { fill: #0d1117; }
		.faint { fill: #9aa5b1; }
		.grid { stroke: #2d343d; }
		.peer { fill: #6e7b8a; }
		.ours { fill: #5b98ff; }
		.part0 { fill: #5b98ff; }
		.part1 { fill: #f0a04b; }
		.part2 { fill: #58c08c; }
	}
`;

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escape = (value) => String(value).replace(/[&<>"]/g, (one) => ENTITIES[one]);
/** A coordinate. */
const at = (value) => Number(value.toFixed(1));

/** A text; anchor: start, middle, end. */
function text(x, y, content, { anchor = 'start', kind = '' } = {}) {
	const attributes = `x="${at(x)}" y="${at(y)}" text-anchor="${anchor}"`;

	return `<text ${attributes}${kind && ` class="${kind}"`}>${escape(content)}</text>`;
}

function line(x1, y1, x2, y2, kind) {
	return `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" class="${kind}"/>`;
}

function rect(x, y, width, height, kind) {
	const size = `width="${at(Math.max(0, width))}" height="${at(height)}"`;

	return `<rect x="${at(x)}" y="${at(y)}" ${size} class="${kind}"/>`;
}

/** Cut where it would run into what is right of it. */
function fit(content, width) {
	const most = Math.floor(width / CHARACTER);

	return content.length <= most ? content : `${content.slice(0, Math.max(0, most - 1))}…`;
}

/* A figure, with what must be read with it. */
function besides(figure, note) {
	const room = RIGHT - 16;

	return note ? `${fit(figure, room - (note.length + 3) * CHARACTER)} · ${note}` : fit(figure, room);
}

/** 1, 2 or 5 times a power of ten, so that few of them reach `most`. */
function step(most) {
	const raw = most / TICKS;
	const power = 10 ** Math.floor(Math.log10(raw));

	return power * [1, 2, 5, 10].find((one) => one * power >= raw);
}

/** {position(value), ticks} from 0 to what is most. */
function linear(most) {
	const by = step(most > 0 ? most : 1);
	const count = Math.max(1, Math.ceil((most > 0 ? most : 1) / by - 1e-9));
	const end = by * count;

	return {
		position: (value) => LEFT + PLOT * Math.max(0, Math.min(1, value / end)),
		ticks: Array.from({ length: count + 1 }, (_, i) => Number((i * by).toPrecision(12))),
	};
}

/** The same on whole powers of ten around the values, which are above 0. */
function logarithmic(values) {
	const from = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
	const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
	const part = (value) => (value > 0 ? (Math.log10(value) - from) / (to - from) : 0);
	const power = (i) => Number((10 ** (from + i)).toPrecision(12));

	return {
		position: (value) => LEFT + PLOT * Math.max(0, Math.min(1, part(value))),
		ticks: Array.from({ length: to - from + 1 }, (_, i) => power(i)),
	};
}

const tickText = (value) => (value >= 10000 ? `${value / 1000}k` : String(value));

function axis({ position, ticks }, unit, bottom) {
	const style = { anchor: 'middle', kind: 'faint' };

	return [
		...ticks.map((tick) => line(position(tick), TOP - 4, position(tick), bottom, 'grid')),
		...ticks.map((tick) => text(position(tick), bottom + 16, tickText(tick), style)),
		text(LEFT + PLOT / 2, bottom + 34, unit, style),
	];
}

function legend(entries) {
	let x = LEFT;

	return entries.flatMap(({ kind, label }) => {
		const drawn = [rect(x, TOP - 26, 10, 10, kind), text(x + 15, TOP - 17, label, { kind: 'faint' })];

		x += 15 + label.length * CHARACTER + 18;
		return drawn;
	});
}

/**
 * A whole file.
 * @param {object} what  title, unit, scale (linear() or logarithmic()), legend: [{kind, label}...]
 * @param {object[]} rows  {label, figure: the text right of it, note: behind that, never cut,
 *   draw(y): what is in the plot}; y is the top of a bar, BAR high
 */
function frame({ title, unit, scale, legend: entries }, rows) {
	const bottom = TOP + rows.length * ROW;
	const width = LEFT + PLOT + RIGHT;
	const height = bottom + BOTTOM;
	const drawn = rows.flatMap(({ label, figure, note, draw }, i) => {
		const y = TOP + i * ROW + (ROW - BAR) / 2;

		const line = y + BAR - 2;

		return [text(LEFT - 10, line, fit(label, LEFT - 20), { anchor: 'end' }), ...draw(y),
			text(LEFT + PLOT + 12, line, besides(figure, note), { kind: 'faint' })];
	});

	return [
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
			`width="${width}" height="${height}" role="img">`,
		`<title>${escape(title)}</title>`, `<style>${STYLE}</style>`,
		rect(0, 0, width, height, 'page'),
		text(12, 22, fit(title, width - 24), { kind: 'title' }), ...legend(entries),
		...axis(scale, unit, bottom), ...drawn, '</svg>', '',
	].join('\n');
}

module.exports = { frame, linear, logarithmic, line, rect, at, fit, BAR };
