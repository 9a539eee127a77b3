'use strict';
/*
 * One round of one pool: starts pool.js, looks at it from outside while it works, and tells both.
 */
const path = require('path');
const readline = require('readline');
const { spawn } = require('child_process');
const { memoryOf, sample, summarize } = require('./memory.js');

const SAMPLE_MS = 50;
const LIMIT_MS = 600000;

/* What is to be ended when this program is. */
const running = new Set();

process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/* Samples until the returned function is called, which gives them. */
function sampler(parent, pids) {
	const samples = [];
	const take = () => {
		const one = sample(parent, pids);

		if (one !== null)
			samples.push(one);
	};
	const timer = setInterval(take, SAMPLE_MS);

	take();
	return () => {
		clearInterval(timer);
		take();
		return samples;
	};
}

/* The states of a pool, in order, and a line for each to let it go on. */
async function follow(child, workers) {
	let stop = () => [];
	let figures = {};
	let bare = null;
	let pid;
	let done = false;

	for await (const line of readline.createInterface({ input: child.stdout })) {
		const { state, ...told } = JSON.parse(line);

		if (state === 'bare') {
			pid = told.pid;
			bare = memoryOf(pid);
		} else if (state === 'ready') {
			const { pids, ...more } = told;

			figures = more;
			stop = sampler(pid, pids);
		} else if (state === 'done') {
			figures = { ...figures, ...told, ...summarize(stop(), workers, bare) };
			done = true;
		}
		if (state !== 'running')
			child.stdin.write('\n');
	}
	stop();
	return done ? figures : null;
}

/** Resolves to the figures; rejects with what the pool said when it failed. */
async function measure({ kind, work, workers, tasks, size, env }) {
	const words = [path.join(__dirname, 'pool.js'), kind, work, workers, tasks, size].map(String);
	const child = spawn(process.execPath, words,
		{ stdio: ['pipe', 'pipe', 'pipe'], env, timeout: LIMIT_MS, killSignal: 'SIGKILL' });
	let said = '';

	running.add(child);
	child.stderr.on('data', (text) => said += text);
	child.stdin.on('error', () => {}); /* it has ended, and its code says more */
	const ended = new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (code, signal) => resolve(signal || code));
	});
	const figures = await follow(child, workers);
	const code = await ended;

	running.delete(child);
	if (code !== 0 || figures === null)
		throw new Error(said.trim() || `pool.js ended with ${code}`);
	return figures;
}

module.exports = { measure };
