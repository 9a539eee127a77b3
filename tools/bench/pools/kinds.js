'use strict';
/*
 * Pools of workers that answer messages, one kind beside the other: KINDS[name]({workers,
 * outstanding, serialization, genericPool, bun}) resolves to {run(message), close()}.
 */
const cluster = require('cluster');
const path = require('path');
const { fork } = require('child_process');
const { once } = require('events');
const { Worker } = require('worker_threads');

const FILE = path.join(__dirname, 'worker.js');
const CLIENT = path.join(__dirname, '..', '..', '..', 'clients', 'node');

/* A worker whose messages are answered in their order, and any number of them at a time. */
function inOrder(worker, send) {
	const asked = [];
	const answered = (message) => asked.shift().resolve(message);

	worker.on('message', answered);
	worker.on('exit', (code) => asked.splice(0).forEach(({ reject }) => reject(new Error(`a worker ended with ${code}`))));
	return {
		get load() {
			return asked.length;
		},
		run: (message) => new Promise((resolve, reject) => {
			asked.push({ resolve, reject });
			send(message);
		}),
	};
}

/* Each message goes to the one that has the fewest. */
function leastBusy(all) {
	return (message) => all.reduce((best, one) => one.load < best.load ? one : best).run(message);
}

async function ofThreads({ workers }) {
	const threads = Array.from({ length: workers }, () => new Worker(FILE));

	await Promise.all(threads.map((thread) => once(thread, 'online')));
	return { run: leastBusy(threads.map((thread) => inOrder(thread, (message) => thread.postMessage(message)))),
		close: () => Promise.all(threads.map((thread) => thread.terminate())) };
}

async function ofCluster({ workers, serialization }) {
	cluster.setupPrimary({ exec: FILE, serialization });
	const all = Array.from({ length: workers }, () => cluster.fork());

	await Promise.all(all.map((worker) => once(worker, 'online')));
	return { run: leastBusy(all.map((worker) => inOrder(worker, (message) => worker.send(message)))),
		close: () => Promise.all(all.map((worker) => {
			const gone = once(worker, 'exit');

			worker.kill();
			return gone;
		})) };
}

/* A worker is lent for each message: the way that is published everywhere. */
function ofFactory(createPool, execPath) {
	return async ({ workers, serialization }) => {
		const pool = createPool({
			create: async () => fork(FILE, [], { serialization, execPath }),
			async destroy(worker) {
				worker.disconnect();
				await once(worker, 'exit');
			},
		}, { min: workers, max: workers });

		await pool.ready();
		return {
			async run(message) {
				const worker = await pool.acquire();

				try {
					return await new Promise((resolve) => {
						worker.once('message', resolve);
						worker.send(message);
					});
				} finally {
					await pool.release(worker);
				}
			},
			close: () => pool.drain().then(() => pool.clear()),
		};
	};
}

function ofUringspawn({ concurrency, execPath }) {
	return async ({ workers, serialization }) => {
		const { createPool } = require(CLIENT);
		const pool = createPool({ script: FILE, min: workers, max: workers, serialization, concurrency, execPath });

		await Promise.all(Array.from({ length: workers * 4 }, () => pool.run('ready')));
		return { run: (message) => pool.run(message), close: () => pool.close() };
	};
}

const CONCURRENCY = 16;

/** Why a kind cannot be here, or null. */
function missing(kind, { genericPool, bun }) {
	if (kind.startsWith('generic-pool') && !genericPool)
		return 'generic-pool is not here; run tools/bench/run';
	if (kind.includes('Bun') && !bun)
		return 'bun is not here; run tools/bench/run';
	return null;
}

const KINDS = {
	'uringspawn': (given) => ofUringspawn({})(given),
	[`uringspawn, concurrency ${CONCURRENCY}`]: (given) => ofUringspawn({ concurrency: CONCURRENCY })(given),
	'generic-pool + fork': (given) => ofFactory(require(given.genericPool).createPool)(given),
	'uringspawn/generic-pool + fork': (given) => ofFactory(require(path.join(CLIENT, 'generic-pool.cjs')).createPool)(given),
	'cluster': ofCluster,
	'worker_threads': ofThreads,
	'generic-pool + fork, Bun workers': (given) => ofFactory(require(given.genericPool).createPool, given.bun)(given),
	'uringspawn, Bun workers': (given) => ofUringspawn({ execPath: given.bun })(given),
	[`uringspawn, concurrency ${CONCURRENCY}, Bun workers`]: (given) => ofUringspawn({ concurrency: CONCURRENCY, execPath: given.bun })(given),
};

module.exports = { KINDS, missing };
