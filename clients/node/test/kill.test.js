'use strict';
/*
 * kill(), ref() and unref().
 */
const { once } = require('events');
const { both, watch, closed, thrown } = require('./support/harness.js');

const STARTED = ['sh', ['-c', 'echo ready; exec sleep 100']];

both('by default, by name, by number', async ({ spawn }, record) => {
	for (const signal of [undefined, 'SIGTERM', 'SIGINT', 'SIGKILL', 9, 1, 'SIGUSR1']) {
		const child = spawn(...STARTED);

		await once(child.stdout, 'data');
		record(child.kill(signal), child.killed);
		record(await once(child, 'exit'));
		record(child.exitCode, child.signalCode);
	}
});

both('at once, before it has started', async ({ spawn }, record) => {
	const child = spawn('sleep', ['100']);

	record(child.kill(), child.killed);
	await watch(child, record);
});

both('signal 0: is it there?', async ({ spawn }, record) => {
	const child = spawn('sleep', ['100']);

	record(child.kill(0), child.killed);
	child.kill('SIGKILL');
	await once(child, 'close');
	record(child.kill(0));
});

both('one that is gone', async ({ spawn }, record) => {
	const child = spawn('true');

	await once(child, 'close');
	record(child.kill(), child.killed);
});

both('one that did not start', async ({ spawn }, record) => {
	const child = spawn('nosuch-program');

	await closed(child);
	record(child.kill(), child.killed, child.pid);
});

both('what is no signal', async ({ spawn }, record) => {
	const child = spawn('sleep', ['100']);

	thrown(record, () => child.kill('SIGNOTHING'));
	thrown(record, () => child.kill(1234));
	thrown(record, () => child.kill('sigterm '));
	thrown(record, () => child.kill(-1));
	record(child.killed);
	child.kill('SIGKILL');
	await once(child, 'close');
});

both('one that handles it', async ({ spawn }, record) => {
	const child = spawn('sh', ['-c', 'trap "echo caught; exit 5" TERM; echo ready; while :; do sleep 0.05; done']);

	child.stdout.once('data', () => child.kill());
	await watch(child, record);
	record(child.killed);
});

both('the group is not signalled with it', async ({ spawn }, record) => {
	const child = spawn('sh', ['-c', 'sleep 0.3 && echo survived & echo ready; wait']);

	child.stdout.once('data', () => child.kill());
	await watch(child, record);
});

both('disposed of', async ({ spawn }, record) => {
	if (!Symbol.dispose) {
		record('there is no such symbol');
		return;
	}
	const child = spawn('sleep', ['100']);

	record(typeof child[Symbol.dispose]);
	if (child[Symbol.dispose])
		child[Symbol.dispose]();
	else
		child.kill();
	await watch(child, record);
});

both('ref() and unref() return nothing, at any time', async ({ spawn }, record) => {
	const child = spawn('true');

	record(child.unref(), child.ref());
	await watch(child, record);
	record(child.unref(), child.ref());
});
