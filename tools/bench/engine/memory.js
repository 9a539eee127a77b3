'use strict';
/*
 * Memory of the daemon: idle, and with jobs that run and do nothing.
 */
const fs = require('fs');
const path = require('path');
const { once } = require('events');
const { spawn } = require('child_process');
const { setTimeout: sleep } = require('timers/promises');
const { figure, spreadText } = require('../lib/markdown.js');
const { median, spread } = require('../lib/statistics.js');
const { targetCells } = require('./targets.js');

const JOBS = [100, 1000, 4000];
const ROUNDS = 3;
const SETTLE_MS = 300;
const READY_MS = 60000;
const KIB_PER_MB = 1e6 / 1024;

/* {rss, pss, own} of a process, in KiB. */
function memoryOf(pid) {
	const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
	const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)[1]);

	return { rss: field('Rss'), pss: field('Pss'), own: field('Private_Clean') + field('Private_Dirty') };
}

/* Calls `use()` while the daemon has so many jobs that do nothing. */
async function holding(session, socket, number, use) {
	const holder = spawn(process.execPath,
		[path.join(__dirname, 'hold.js'), String(number), session.program('tests/programs/sleep_forever')],
		{ env: { ...process.env, ...session.clientEnvironment(), URINGSPAWN_SOCKET: socket }, stdio: ['pipe', 'pipe', 'pipe'] });
	const limit = AbortSignal.timeout(READY_MS);
	let said = '';

	session.running.add(holder);
	holder.stderr.on('data', (text) => said += text);
	try {
		const ready = await Promise.race([
			once(holder.stdout, 'data', { signal: limit }), once(holder, 'exit')]);

		if (!Buffer.isBuffer(ready[0]))
			throw new Error(`${number} jobs do not run: ${said.trim()}`);
		await sleep(SETTLE_MS);
		return use();
	} finally {
		session.running.delete(holder);
		holder.stdin.end();
		if (holder.exitCode === null && holder.signalCode === null)
			await once(holder, 'exit');
		await sleep(SETTLE_MS);
	}
}

/* One daemon, which has first no jobs and then the more. */
async function round(session) {
	return session.withDaemon(async ({ pid, socket }) => {
		await sleep(SETTLE_MS);
		const idle = memoryOf(pid);
		const busy = [];

		for (const number of JOBS)
			busy.push(await holding(session, socket, number, () => memoryOf(pid)));
		return { idle, busy };
	});
}

const megabytes = (kib) => kib / KIB_PER_MB;

/* What each job adds, KiB. */
const perJob = (rounds, i, key) =>
	spread(rounds.map(({ idle, busy }) => (busy[i][key] - idle[key]) / JOBS[i]));

function row(name, of, added, target) {
	const middle = (key) => figure(megabytes(median(of.map((one) => one[key]))));

	const resident = spread(of.map(({ rss }) => megabytes(rss)));

	return [name, spreadText(resident), middle('pss'), middle('own'), ...added, ...target];
}

module.exports = async function memory(session) {
	const rounds = [];

	for (let i = 0; i < session.rounds(ROUNDS); i++)
		rounds.push(await round(session));
	const idle = spread(rounds.map((one) => megabytes(one.idle.rss)));
	const most = JOBS.length - 1;
	const each = perJob(rounds, most, 'rss');
	const rows = [row('idle', rounds.map((one) => one.idle), ['', ''], targetCells('daemonIdle', idle))];

	for (const [i, number] of JOBS.entries())
		rows.push(row(`${number} jobs that run idle`, rounds.map(({ busy }) => busy[i]),
			[spreadText(perJob(rounds, i, 'rss')), spreadText(perJob(rounds, i, 'own'))],
			i === most ? targetCells('daemonJob', each) : ['', '']));
	return { found: { daemonIdle: idle, daemonJob: each }, tables: [{ title: 'Memory of the daemon',
		note: 'By /proc/PID/smaps_rollup. Each job has two pipes and is one of a Node client. ' +
			`Medians of ${rounds.length} daemons, each with 0 and then ${JOBS.join(', ')} of them. ` +
			'The kernel\'s own memory for them is not in it.',
		columns: ['', 'resident (RSS), MB', 'its share (PSS), MB', 'private, MB', 'RSS for each job, KiB',
			'private for each job, KiB', 'to reach', 'reached'], rows }] };
};
