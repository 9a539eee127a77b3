'use strict';
/*
 * What is to be reached without HTTP, and whether it is: by the median, which is what each
 * target is about.
 */
const { spreadText } = require('../lib/markdown.js');

/* By the names under which measurements tell what they found. */
const TARGETS = {
	engineNull: { work: 'smallest program, /dev/null, 8 in flight, engine', against: 'a bare loop', least: 0.7 },
	enginePipes: { work: 'the same with two pipes', against: 'a bare loop that drains two pipes', least: 0.7 },
	daemonBare: { work: '`echo hi`, 30 in flight, through the daemon', against: 'a bare loop', least: 0.9 },
	daemonGo: { work: 'the same', against: 'a loop of Go\'s os/exec', least: 1.3 },
	call50: { work: 'CPU of one spawn() in Node\'s main thread, 50 MB, p50', against: '', most: 60, unit: 'µs' },
	call1000: { work: 'the same at 1 GB', against: '', most: 60, unit: 'µs' },
	live: { work: 'time of a job with 10,000 live children', against: 'none', most: 1.15 },
	descriptors: { work: 'time of a job with 19,000 descriptors', against: 'none', most: 1.15 },
	cgroup: { work: 'a cgroup for each job, p50, in addition', against: 'no cgroup', most: 0.2, unit: 'ms' },
	mapXargs: { work: '`map` of 10,000 short jobs', against: '`xargs -P`', least: 1 },
	mapParallel: { work: 'the same', against: 'GNU parallel', least: 10 },
	daemonIdle: { work: 'memory of the daemon, idle', against: '', most: 8, unit: 'MB' },
	daemonJob: { work: 'memory of the daemon for each job that runs idle', against: '', most: 8, unit: 'KiB' },
};

function wantedText({ least, most, unit }) {
	const text = least === undefined ? `≤ ${most}` : `≥ ${least}`;

	return unit === undefined ? text : `${text} ${unit}`;
}

function reachedText({ least = -Infinity, most = Infinity }, median) {
	if (!Number.isFinite(median))
		return 'not measured';
	return median >= least && median <= most ? 'yes' : 'no';
}

/** The two last cells of a row: what is to be reached, and whether `found` has; no name: '', ''. */
function targetCells(name, found) {
	return name === null ? ['', ''] :
		[wantedText(TARGETS[name]), reachedText(TARGETS[name], found.median)];
}

/** All of them.  @param {object} found  {name: {median, min, max}}; one may be missing */
function targetTable(found) {
	const nothing = { median: null, min: null, max: null };

	return {
		title: 'What is to be reached',
		note: 'By the medians; in parentheses from the least to the most of the rounds. ' +
			'What has no unit is a ratio within a round. HTTP has tables of its own.',
		columns: ['work', 'against', 'to reach', 'measured', 'reached'],
		rows: Object.entries(TARGETS).map(([name, target]) => {
			const measured = found[name] || nothing;
			const [wanted, reached] = targetCells(name, measured);

			const unit = measured.median === null ? '' : target.unit;

			return [target.work, target.against, wanted,
				[spreadText(measured), unit].filter(Boolean).join(' '), reached];
		}),
	};
}

module.exports = { TARGETS, targetCells, targetTable };
