'use strict';
/*
 * A worker as one writes it for fork(): what a message asks for is its `do`.
 */
const { Worker, isMainThread, parentPort } = require('worker_threads');
const { fork, spawnSync } = require('child_process');

const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const late = [];

const deeds = {
	echo: ({ value }) => process.send(value),
	twice: () => {
		process.send('first');
		process.send('second');
	},
	async later({ ms, value }) {
		await after(ms);
		process.send(value);
	},
	timer: ({ ms, value }) => setTimeout(() => process.send(value), ms),
	'answer and later': ({ value }) => {
		process.send(value);
		late.push(() => process.send(`late: ${value}`));
	},
	keep: ({ value }) => {
		/* What is called from another request's turn, with the context of this one. */
		late.push(require('async_hooks').AsyncResource.bind(() => process.send(`late: ${value}`)));
	},
	'now the late ones': () => late.splice(0).forEach((one) => one()),
	throw: () => {
		throw Object.assign(new RangeError('thrown'), { code: 'E_THROWN' });
	},
	async reject() {
		await null;
		throw new TypeError('rejected');
	},
	'throw text': () => {
		throw 'only text'; // eslint-disable-line no-throw-literal
	},
	'throw in a timer': () => {
		setTimeout(() => {
			throw new Error('in a timer');
		}, 1);
	},
	unsendable: () => process.send(() => {}),
	handle: () => process.send('x', process.stdin),
	callback: () => process.send('sent', (error) => process.send(`called with ${error}`)),
	exit: ({ code }) => {
		process.send('last words');
		process.exit(code);
	},
	close: () => {
		process.send('closing');
		process.disconnect();
	},
	seen: () => process.send({ execArgv: process.execArgv, argv: process.argv.slice(2), connected: process.connected,
		env: Object.keys(process.env).filter((name) => name.startsWith('URINGSPAWN_POOL')), fd: process.channel.fd }),
	stdio: ({ value }) => {
		process.stdout.write(value);
		process.stderr.write(value);
		process.stdin.once('data', (data) => process.send(String(data)));
		process.send('asked');
	},
	thread: () => new Worker(__filename).once('message', (message) => process.send(message)),
	fork: () => {
		const child = fork(__filename, ['forked']);

		child.once('message', (seen) => {
			process.send(seen);
			child.disconnect();
		});
		child.send({ do: 'forked' });
	},
	forked: () => process.send({ execArgv: process.execArgv, preloaded: Object.keys(require.cache).some((file) => file.endsWith('worker.cjs')) }),
	inherited: ({ value }) => process.send(String(spawnSync('readlink', [`/proc/self/fd/${value}`], { encoding: 'utf8' }).stdout).trim()),
};

if (isMainThread)
	process.on('message', (message) => deeds[message.do](message));
else
	parentPort.postMessage({ send: typeof process.send, execArgv: process.execArgv });
