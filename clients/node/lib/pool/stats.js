'use strict';
/*
 * What a pool does and costs: the daemon's numbers, this client's, and the processor time and
 * memory of both sides.
 */
const fs = require('fs');
const { STAT_POOLS } = require('../wire.js');
const { PoolError } = require('./errors.js');

const TICKS = 100; /* of processor time in a second, as /proc counts them on every Linux */

/** Microseconds of processor time of this process. */
function cpuNow() {
	const { user, system } = process.cpuUsage();

	return user + system;
}

function ask(connection) {
	return new Promise((resolve, reject) => connection.stat(STAT_POOLS, {
		resource: null,
		onStats: (text) => resolve(JSON.parse(text)),
		onLost: (error) => reject(new PoolError('ERR_POOL_LOST', `the daemon was lost: ${error.message}`, { cause: error })),
	}));
}

/* Of a process that is there: {cpuSeconds, rssBytes, peakBytes}; null where /proc does not show it. */
function look(pid) {
	try {
		const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		const status = fs.readFileSync(`/proc/${pid}/status`, 'latin1');
		const kib = (name) => Number((new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status) || [0, 0])[1]) * 1024;

		return {
			cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
			rssBytes: kib('VmRSS'),
			peakBytes: kib('VmHWM'),
		};
	} catch {
		return null;
	}
}

/* Of the members that live now, by what /proc shows of them, or the daemon saw. */
function memoryOf(looks, told) {
	const rss = looks.map((one) => one.rssBytes);
	const combined = rss.length > 0 ? rss.reduce((a, b) => a + b, 0) : told.rss_bytes || 0;
	const n = rss.length > 0 ? rss.length : told.members || 0;

	return {
		combined,
		average: n > 0 ? Math.round(combined / n) : 0,
		peak: Math.max(told.rss_peak_bytes || 0, ...looks.map((one) => one.peakBytes)),
	};
}

function clientOf(pool) {
	return {
		...pool.counts,
		waiting: pool.waiting.size,
		leased: pool.leases.length - pool.asked,
		underWay: pool.leases.reduce((n, lease) => n + lease.slots, 0),
	};
}

/* Its own: by its name, or by the id that this connection gave it. */
function find(pool, { pools = [] }) {
	const { opening, name } = pool;

	return pools.find((one) => name !== undefined ? one.name === name : one.pool === opening.id);
}

async function statsOf(pool) {
	pool.ensure();
	const told = find(pool, await pool.alive(ask(pool.opening.connection))) || {};
	const pids = Array.isArray(told.processes) ? told.processes.map((one) => one.pid) : [...pool.workers.keys()];
	const looks = pids.filter((pid) => pid > 0).map(look).filter((one) => one !== null);

	return {
		...told,
		client: clientOf(pool),
		cpu: {
			parentSeconds: (cpuNow() - pool.cpuAtStart) / 1e6,
			workersSeconds: looks.reduce((sum, one) => sum + one.cpuSeconds, 0) + (told.cpu_seconds || 0),
		},
		memory: memoryOf(looks, told),
	};
}

module.exports = { cpuNow, statsOf };
