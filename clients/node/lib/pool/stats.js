'use strict';
/*
 * What a pool does and costs: the daemon's numbers, this client's, and the processor time and
 * memory of both sides.
 */
const { STAT_POOLS } = require('../wire.js');
const { PoolError } = require('./errors.js');

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

/* Its own: by its name, or by the id that this connection gave it. */
function find({ opening, name }, { pools }) {
	return pools.find((one) => name !== undefined ? one.name === name : one.pool === opening.id);
}

/* Of the members that live now; a peak is of one process, of all that there were. */
function memoryOf(told) {
	const sizes = told.processes.map((one) => one.memory_bytes || 0).filter((bytes) => bytes > 0);
	const combined = sizes.reduce((sum, bytes) => sum + bytes, 0);

	return {
		combined,
		average: sizes.length > 0 ? Math.round(combined / sizes.length) : 0,
		peak: Math.max(told.memory_peak_bytes, ...sizes),
	};
}

function cpuOf(pool, told) {
	const living = told.processes.reduce((sum, one) => sum + (one.cpu_seconds || 0), 0);

	return { parent: (cpuNow() - pool.cpuAtStart) / 1e6, workers: living + told.ended_cpu_seconds };
}

function localOf(pool) {
	return {
		...pool.counts,
		waiting: pool.waiting.size,
		leased: pool.leases.length - pool.asked,
		underWay: pool.leases.reduce((n, lease) => n + lease.slots, 0),
	};
}

async function statsOf(pool) {
	pool.ensure();
	const told = find(pool, await pool.alive(ask(pool.opening.connection)));

	if (told === undefined)
		throw pool.refused || new PoolError('ERR_POOL_CLOSED', 'the daemon has no such pool any more');
	return { ...told, local: localOf(pool), cpuSeconds: cpuOf(pool, told), memoryBytes: memoryOf(told) };
}

module.exports = { cpuNow, statsOf };
