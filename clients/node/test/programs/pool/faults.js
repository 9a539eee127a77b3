'use strict';
/*
 * A worker that does what it should not, when it is asked to.
 */
const { spawn } = require('child_process');

let state = 0;

const deeds = {
	pid: () => process.send(process.pid),
	echo: ({ value }) => process.send(value),
	later: ({ ms, value }) => setTimeout(() => process.send(value), ms),
	exit: ({ code }) => process.exit(code),
	die: () => process.kill(process.pid, 'SIGKILL'),
	hang() {
		for (;;)
			;
	},
	nothing() {},
	disconnect: () => process.disconnect(),
	throw: ({ value }) => {
		throw Object.assign(new RangeError(`bad ${value}`), { code: 'E_BAD' });
	},
	async reject({ value }) {
		await null;
		throw new TypeError(`bad ${value}`);
	},
	state({ add }) {
		state += add;
		process.send(state);
	},
	reset() {
		state = 0;
		process.send('clean');
	},
	'answer and then more': ({ value, ms }) => {
		process.send(value);
		const more = setInterval(() => process.send('x'.repeat(100000)), ms);
		setTimeout(() => clearInterval(more), 20 * ms);
	},
	/* Somebody who has the channel, and writes to it when its turn is over. */
	'leave a writer': ({ value }) => {
		spawn('sh', ['-c', 'sleep 0.1; printf "not a message of anybody" >&3; sleep 0.1; printf more >&3'],
			{ stdio: ['ignore', 'ignore', 'ignore', process.channel.fd === undefined ? 3 : process.channel.fd] });
		process.send(value);
	},
	garbage: () => require('fs').writeSync(3, Buffer.alloc(64, 0xff)),
	print: ({ out, err, value }) => {
		process.stdout.write(out, () => process.stderr.write(err, () => process.send(value)));
	},
	flood: ({ value }) => {
		const line = 'x'.repeat(1 << 16);

		for (let i = 0; i < 64; i++)
			process.stdout.write(line);
		process.send(value);
	},
	leak: ({ bytes, value }) => {
		deeds.kept = Buffer.alloc(bytes, 1);
		process.send(value);
	},
	environment: ({ name }) => process.send([process.env[name], process.cwd(), process.argv.slice(2), process.execArgv]),
};

process.on('message', (message) => deeds[message.do](message));
