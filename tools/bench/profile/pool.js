'use strict';
/*
 * A program with a pool of workers, of one kind, that does one work:
 *
 *   node pool.js KIND WORK WORKERS TASKS SIZE
 *
 * Prints a line of JSON for each state it is in, and goes on with a line of stdin: so whoever
 * started it can look at it, and it does not look at itself.
 *
 *   {state: "bare", pid}                        no worker yet
 *   {state: "ready", pids, start_ms, fork_ms}   pids: of workers that are processes
 *   {state: "running"}                          and goes on by itself
 *   {state: "done", wall_ms, parent_cpu_s, workers_cpu_s}
 */
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const { performance } = require('perf_hooks');
const { fork } = require('child_process');
const { Worker } = require('worker_threads');
const { WORKS, mark, wrong } = require('./works.js');

const FILE = path.join(__dirname, 'worker.js');
const OPTIONS = { serialization: 'advanced' };
const NS_PER_S = 1e9;
const US_PER_S = 1e6;

/* One that is there, whatever it is: the next message of it, and a message to it. */
class Handle {
	constructor(worker, send, isThread) {
		this.worker = worker;
		this.send = send;
		this.isThread = isThread;
		this.waiting = null;
		this.ready = this.next();
		worker.on('message', (message) => this.waiting.resolve(message));
		worker.on('error', (error) => this.waiting.reject(error));
		worker.on('exit', (code) => this.waiting.reject(new Error(`a worker ended with ${code}`)));
	}

	next() {
		return new Promise((resolve, reject) => this.waiting = { resolve, reject });
	}

	/** Resolves to the answer. */
	async ask(message) {
		const answer = this.next();

		this.send(message);
		const { error, ...rest } = await answer;

		if (error !== undefined)
			throw new Error(error);
		return rest;
	}

	/* What it ends with is of no interest any more. */
	close() {
		this.next().catch(() => {});
		if (this.isThread)
			this.worker.terminate();
		else
			this.worker.disconnect();
	}
}

function thread() {
	const worker = new Worker(FILE);

	return new Handle(worker, (message) =>
		worker.postMessage(message, message.buffer ? [message.buffer.buffer] : []), true);
}

function child(start) {
	const worker = start(FILE, [], OPTIONS);

	return new Handle(worker, (message) => worker.send(message), false);
}

/* Where the client cannot, it leaves it to the runtime, and the figures were that one's. */
function daemonsChild() {
	const { fork: ours, stats, passesDescriptors } = require('../../../clients/node');
	const handle = child(ours);

	if (stats().runtime > 0)
		throw new Error('not started through uringspawn: there is no ' +
			(passesDescriptors() ? 'daemon' : 'addon'));
	return handle;
}

const KINDS = { worker_threads: thread, child_process: () => child(fork), uringspawn: daemonsChild };

/* ---- CPU time ---------------------------------------------------------------- */

function mainThreadS() {
	const text = fs.readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1');

	return Number(text.split(' ')[0]) / NS_PER_S;
}

const seconds = ({ user, system }) => (user + system) / US_PER_S;

/* {parent, workers}: threads of one process are told apart by its main one. */
async function cpu(handles) {
	const own = seconds(process.cpuUsage());

	if (handles[0].isThread)
		return { parent: mainThreadS(), workers: own - mainThreadS() };
	const theirs = await Promise.all(handles.map((handle) => handle.ask({ usage: true })));

	return { parent: own, workers: theirs.reduce((sum, { usage }) => sum + seconds(usage), 0) };
}

/* ---- the work ---------------------------------------------------------------- */

/* One after the other, as long as there are any; the buffer is the same one where it comes back. */
async function serve(handle, left, { work, size }, buffer) {
	let held = buffer;

	for (let number = left.pop(); number !== undefined; number = left.pop()) {
		if (held)
			mark(held, number);
		const answer = await handle.ask({ work, size, number, buffer: held });

		held = answer.buffer;
		const problem = WORKS[work].buffer ? wrong(held, size, number + 1) : null;

		if (problem !== null)
			throw new Error(problem);
	}
}

function tell(state, more = {}) {
	console.log(JSON.stringify({ state, ...more }));
}

async function main([kind, work, workers, tasks, size]) {
	const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
	const job = { work, size: Number(size) };
	/* Before anything is looked at: they are the parent's. */
	const buffers = Array.from({ length: Number(workers) },
		() => WORKS[work].buffer ? new Uint8Array(job.size).fill(1) : undefined);

	tell('bare', { pid: process.pid });
	await lines.next();
	const asked = performance.now();
	const handles = buffers.map(() => KINDS[kind]());
	const forked = performance.now();

	await Promise.all(handles.map((handle) => handle.ready));
	tell('ready', { pids: handles[0].isThread ? [] : handles.map((handle) => handle.worker.pid),
		start_ms: performance.now() - asked, fork_ms: forked - asked });
	await lines.next();
	tell('running');
	const before = await cpu(handles);
	const begin = performance.now();
	const left = Array.from({ length: Number(tasks) }, (_, i) => i);

	await Promise.all(handles.map((handle, i) => serve(handle, left, job, buffers[i])));
	const wall = performance.now() - begin;
	const after = await cpu(handles);

	tell('done', { wall_ms: wall, parent_cpu_s: after.parent - before.parent,
		workers_cpu_s: after.workers - before.workers });
	await lines.next();
	handles.forEach((handle) => handle.close());
	lines.return();
	process.stdin.destroy();
}

main(process.argv.slice(2)).catch((error) => {
	console.error(error.message.split('\n')[0]);
	process.exit(1);
});
