'use strict';
/*
 * Servers of candidates: started, warmed up, watched and stopped with all that belongs to them.
 */
const { once } = require('events');
const { spawn } = require('child_process');
const { processes, childrenOf, environ, stat, again } = require('./procfs.js');
const { compareBody } = require('./bodies.js');
const { load, total } = require('./loader.js');

const START_MS = 60000; /* with a gigabyte to touch, on a machine that is busy */
const STOP_MS = 5000;
const LEAVE_MS = 300; /* where nobody can wait for an end */
/* So long is looked for a child that sleeps, while so many are asked for at a time. */
const LOOK_MS = 5000;
const SLEEPERS = 4;
const STDERR_BYTES = 2000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const running = new Set();

/*
 * None outlives the harness, whichever way that ends, and each may remove its files first.  Nobody
 * else has the pid of one of these.
 */
process.on('exit', () => {
	const groups = [...running].map(({ pid }) => -pid);

	if (groups.length === 0)
		return;
	groups.forEach((group) => kill(group, 'SIGTERM'));
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LEAVE_MS);
	groups.forEach((group) => kill(group, 'SIGKILL'));
});

/* A process, or by less than 0 a group. */
function kill(pid, signal) {
	try {
		process.kill(pid, signal);
	} catch { /* it is gone by now */ }
}

/* The first line of what it prints. */
function readPort(server) {
	return new Promise((resolve, reject) => {
		let text = '';
		const late = () => reject(new Error(`printed no port in ${START_MS / 1000} s`));
		const timer = setTimeout(late, START_MS);
		const end = (then) => { clearTimeout(timer); then(); };

		server.process.stdout.setEncoding('utf8').on('data', (chunk) => {
			text = text.slice(0, 100) + chunk;
			const [line, ...more] = text.split('\n');

			if (more.length > 0)
				end(() => /^\d+\s*$/.test(line) ? resolve(Number(line)) :
					reject(new Error(`printed "${line}" where its port was awaited`)));
		});
		server.process.on('error', (error) => end(() => reject(error)));
		server.process.on('close', () => end(() => reject(new Error(server.died || 'ended'))));
	});
}

function watch(child) {
	const server = { process: child, pid: child.pid, started: stat(child.pid)?.started || '',
		known: [], died: null, stopping: false, stderr: '' };

	child.stderr.setEncoding('utf8').on('data', (chunk) => {
		server.stderr = (server.stderr + chunk).slice(-STDERR_BYTES);
	});
	child.on('error', () => {}); /* readPort() tells it */
	child.on('exit', (code, signal) => {
		running.delete(server);
		if (!server.stopping)
			server.died = `died by ${signal === null ? `exit code ${code}` : signal}`;
	});
	return server;
}

/** What a server said of its end, for an error's text: where it speaks of an error, that. */
function lastWords({ stderr }) {
	const lines = stderr.replace(/\x1b\[[\d;]*m/g, '').split('\n')
		.filter((one) => one.trim() !== '');
	const line = lines.find((one) => /error/i.test(one)) || lines.pop();

	return line === undefined ? '' : `, saying: ${line.trim()}`;
}

/**
 * Starts the server of a candidate, with `environment` besides the harness's own; rejects with
 * what was wrong.
 */
async function start(candidate, context, environment) {
	const { argv: [program, ...args], env } = candidate.command(context);
	const server = watch(spawn(program, args, { env: { ...process.env, ...environment, ...env },
		stdio: ['ignore', 'pipe', 'pipe'], detached: true }));

	server.candidate = candidate;
	server.environment = { ...process.env, ...environment, ...env };
	if (server.pid !== undefined)
		running.add(server);
	try {
		server.url = `http://127.0.0.1:${await readPort(server)}`;
	} catch (error) {
		await stop(server);
		throw new Error(`does not start: ${error.message}${lastWords(server)}`);
	}
	return server;
}

/** The right answer of each work, then as much load as lets a compiler see what is hot. */
async function warmUp(server, works, loads, seconds) {
	for (const { where, status, body } of works)
		await compareBody(server.url + where, { status, body });
	for (const { where } of loads)
		if (total((await load({ url: server.url + where, connections: 10, seconds })).errors) > 0)
			throw new Error(`errors at ${where} before the first round`);
}

/* How two environments differ: names, with what was done to them. */
function difference(expected, list) {
	const found = new Map(list.map((one) => /^([^=]*)=(.*)$/s.exec(one)?.slice(1) || [one, '']));

	return [
		...Object.keys(expected).filter((name) => !found.has(name)).map((name) => `-${name}`),
		...[...found.keys()].filter((name) => expected[name] === undefined).map((name) => `+${name}`),
		...Object.keys(expected).filter((name) => found.has(name) &&
			Buffer.from(expected[name]).toString('latin1') !== found.get(name)).map((name) => `!${name}`),
	];
}

/* What a child of these that sleeps was started with; null: none does just now. */
function seenInAChild(parents) {
	for (const pid of parents.flatMap(childrenOf)) {
		const seen = stat(pid)?.name === 'sleep' ? environ(pid) : null;

		if (seen !== null && seen.length > 0)
			return seen;
	}
	return null;
}

/**
 * The environment that its children get, seen in one of those that sleep: {variables, differs};
 * null: none was seen.
 */
async function childEnvironment(server) {
	const { server: own, sidecar } = belongings(server);
	const parents = [...own, ...sidecar].map(({ pid }) => pid);
	const until = Date.now() + LOOK_MS;
	let seen = null;
	const ask = async () => {
		while (seen === null && Date.now() < until)
			await compareBody(`${server.url}/sleep`, { status: 200, body: Buffer.alloc(0) });
	};
	const asking = Promise.all(Array.from({ length: SLEEPERS }, ask));

	asking.catch(() => {}); /* it is awaited below */
	while (seen === null && Date.now() < until) {
		await new Promise((resolve) => setTimeout(resolve, 1));
		seen = seenInAChild(parents);
	}
	await asking;
	return seen && { variables: seen.length, differs: difference(server.environment, seen) };
}

/**
 * The processes of a server: {server, sidecar, jobs}.  They are remembered, for when it has died.
 */
function belongings(server) {
	const found = processes(server.pid, server.started);

	server.known = found.server.length > 0 ? [...found.server, ...found.sidecar, ...found.jobs] :
		again(server.known);
	return found;
}

/* SIGKILL for those of the list that are still there, and for their group while one is in it. */
function killAll(list, group) {
	if (again(list).some((one) => one.group === group))
		kill(-group, 'SIGKILL');
	for (const { pid } of again(list))
		kill(pid, 'SIGKILL');
}

/** Ends it and all that belongs to it; resolves to what had to be killed: ['NAME'...]. */
async function stop(server) {
	if (server.pid === undefined)
		return [];
	belongings(server);
	server.stopping = true;
	server.process.kill('SIGTERM');
	const until = Date.now() + STOP_MS;
	let left = again(server.known);

	while (left.length > 0 && Date.now() < until) {
		await sleep(10);
		left = again(left);
	}
	killAll(left, server.pid);
	if (server.process.exitCode === null && server.process.signalCode === null)
		await once(server.process, 'exit');
	running.delete(server);
	return left.map(({ name }) => name);
}

module.exports = { start, warmUp, childEnvironment, belongings, stop, difference, lastWords };
