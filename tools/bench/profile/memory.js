'use strict';
/*
 * Memory of processes while something runs: samples of /proc/PID/smaps_rollup, and what they come
 * to.
 */
const fs = require('fs');

const BYTES_PER_KIB = 1024;

/** {rss, pss} in bytes; null: it is gone. */
function memoryOf(pid) {
	try {
		const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
		const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)[1]) * BYTES_PER_KIB;

		return { rss: field('Rss'), pss: field('Pss') };
	} catch {
		return null;
	}
}

/** {at, workers: [{rss, pss}], parent}; null: one of them is gone. */
function sample(parent, pids) {
	const all = [parent, ...pids].map(memoryOf);

	return all.includes(null) ? null : { parent: all[0], workers: all.slice(1) };
}

const sum = (values) => values.reduce((total, one) => total + one, 0);
const most = (values) => values.reduce((least, one) => Math.max(least, one), 0);

/**
 * Of samples: bytes that a worker has on average and at most, and all of them together at most.
 * Threads have no memory of their own: theirs is what the process has more than `bare`, in equal parts.
 */
function summarize(samples, workers, bare) {
	const lists = samples.map((one) => one.workers.length > 0 ? one.workers :
		Array(workers).fill({ rss: Math.max(0, one.parent.rss - bare.rss) / workers,
			pss: Math.max(0, one.parent.pss - bare.pss) / workers }));
	const all = samples.map(({ parent, workers: list }) => parent.pss + sum(list.map(({ pss }) => pss)));
	const together = (key) => lists.map((list) => sum(list.map((one) => one[key])));

	return {
		samples: samples.length,
		average: samples.length === 0 ? null : sum(together('rss')) / samples.length / workers,
		peak: most(lists.flatMap((list) => list.map(({ rss }) => rss))),
		combined: most(together('rss')),
		combinedShare: most(together('pss')),
		everything: most(all),
	};
}

module.exports = { memoryOf, sample, summarize };
