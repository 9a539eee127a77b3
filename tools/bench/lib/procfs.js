'use strict';
/*
 * What /proc knows of the processes of a server: which they are, what CPU time and memory they
 * have used, and the environment that they were started with.
 */
const fs = require('fs');

const TICKS_PER_S = 100;
const KIB = 1024;
/* What the works start: these are jobs, all else below a server is part of it. */
const JOBS = new Set(['echo', 'cat', 'false', 'sleep']);

/**
 * {pid, name, parent, group, own, children, started} of a process or thread, CPU in s; null: it is
 * gone, or dead.  A pid belongs to somebody else soon: two are the same process only where they
 * started at the same time.
 */
function stat(pid, where = `/proc/${pid}/stat`) {
	try {
		const line = fs.readFileSync(where, 'latin1');
		const end = line.lastIndexOf(')');
		const fields = line.slice(end + 2).split(' ');
		const seconds = (i) => (Number(fields[i]) + Number(fields[i + 1])) / TICKS_PER_S;

		return fields[0] === 'Z' ? null : {
			pid, name: line.slice(line.indexOf('(') + 1, end), parent: Number(fields[1]),
			group: Number(fields[2]), own: seconds(11), children: seconds(13), started: fields[19],
		};
	} catch {
		return null;
	}
}

/** Of every process. */
function everybody() {
	return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))
		.map((name) => stat(Number(name))).filter((one) => one !== null);
}

function commandLine(pid) {
	try {
		return fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1');
	} catch {
		return '';
	}
}

/* `root` and all below it. */
function below(root, all) {
	const found = new Set([root]);
	let before;

	do {
		before = found.size;
		for (const { pid, parent } of all)
			if (found.has(parent))
				found.add(pid);
	} while (found.size > before);
	return all.filter(({ pid }) => found.has(pid));
}

/* A private daemon is in the background, and its socket is named after whom it serves. */
function daemonsOf(tree, all) {
	const serves = (daemon) => tree.some(({ pid, started }) => Number(daemon.started) >= Number(started) &&
		(pid === daemon.pid || commandLine(daemon.pid).includes(`/${pid}-`)));

	return all.filter((one) => one.name.startsWith('uringspawnd') && serves(one));
}

/**
 * The processes of a server: {server, sidecar, jobs}, lists of what stat() tells; the server's
 * workers are in `server`.  Of a root that is gone nothing is found.
 * @param {string} [started]  when the root was, where somebody else may have its pid by now
 */
function processes(root, started) {
	const all = everybody();
	const found = all.some((one) => one.pid === root &&
		(started === undefined || one.started === started));
	const tree = found ? below(root, all) : [];
	const sidecar = daemonsOf(tree, all);
	const daemons = new Set(sidecar.map(({ pid }) => pid));
	const jobs = sidecar.flatMap(({ pid }) => below(pid, all)).filter(({ pid }) => !daemons.has(pid));
	const server = tree.filter(({ pid, name }) => !JOBS.has(name) && !daemons.has(pid));

	return { server, sidecar, jobs: jobs.concat(tree.filter(({ name }) => JOBS.has(name))) };
}

/** The pids of what a process has started and not reaped, without a look at everybody. */
function childrenOf(pid) {
	try {
		return fs.readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
			fs.readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' '))
			.filter((one) => one !== '').map(Number);
	} catch {
		return []; /* it is gone, or the kernel does not tell */
	}
}

/** CPU seconds of a process's first thread. */
function mainThread(pid) {
	const found = stat(pid, `/proc/${pid}/task/${pid}/stat`);

	return found === null ? 0 : found.own;
}

const MEMORY = [['smaps_rollup', /^Pss:\s+(\d+)/m], ['status', /^VmRSS:\s+(\d+)/m]];

/** Bytes: its share of what it shares, or where that is not told, what it has resident; 0: gone. */
function memory(pid) {
	for (const [file, pattern] of MEMORY) {
		try {
			const found = pattern.exec(fs.readFileSync(`/proc/${pid}/${file}`, 'latin1'));

			if (found !== null)
				return Number(found[1]) * KIB;
		} catch { /* not told, or it is gone */ }
	}
	return 0;
}

/** 'NAME=value's that a process was started with; null: it is gone. */
function environ(pid) {
	try {
		return fs.readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').filter((one) => one !== '');
	} catch {
		return null;
	}
}

/** The same processes now: those that are still there. */
function again(list) {
	return list.map(({ pid, started }) => [stat(pid), started])
		.filter(([now, started]) => now !== null && now.started === started).map(([now]) => now);
}

/** Of `first`, those that `second` has too: [[before, after]...]. */
function pairs(first, second) {
	const later = new Map(second.map((one) => [`${one.pid} ${one.started}`, one]));

	return first.map((one) => [one, later.get(`${one.pid} ${one.started}`)])
		.filter(([, after]) => after !== undefined);
}

module.exports = { stat, processes, childrenOf, mainThread, memory, environ, again, pairs };
