'use strict';
/*
 * The worker of bench/soak_pools.js: answers with what nobody else would have been answered
 * with, and fails as it is told to.
 */
const fs = require('fs');
const { spawn } = require('child_process');
const { answerTo } = require('../../../bench/soak_answers.js');

const FLOOD = Buffer.alloc(1 << 20, 'flood ');
const LEAK_BYTES = 24 << 20;
const leaked = [];

/* Writes to what it has from here when this one is used by others, or is no more. */
function leaveWriter(marker) {
	spawn('sh', ['-c', 'sleep 0.0$(($$ % 10)); echo late; echo late >&2; printf "\\013\\0\\0\\0\\001\\0\\0\\0\\001\\"late\\"" >&3'],
		{ stdio: ['ignore', 'inherit', 'inherit', process.channel.fd], env: { ...process.env, SOAK_WRITER: marker } }).unref();
}

const faults = {
	crash: () => process.exit(1),
	kill: () => process.kill(process.pid, 'SIGKILL'),
	exit: () => process.exit(0),
	hang() {
		for (;;)
			;
	},
	silent() {},
	throw: ({ n }) => {
		throw Object.assign(new RangeError(`thrown for ${n}`), { code: 'E_SOAK' });
	},
	leak(message) {
		leaked.push(Buffer.alloc(LEAK_BYTES, 1));
		process.send(answerTo(message));
	},
	flood(message) {
		process.stdout.write(FLOOD);
		process.send(answerTo(message));
	},
	twice(message) {
		process.send(answerTo(message));
		process.send({ ...answerTo(message), late: true });
	},
	late(message) {
		process.send(answerTo(message));
		setTimeout(() => process.send({ ...answerTo(message), late: true }), 3);
	},
	writer(message) {
		leaveWriter(process.env.SOAK_MARK);
		process.send(answerTo(message));
	},
	async slow(message) {
		await new Promise((resolve) => setTimeout(resolve, 5));
		process.send(answerTo(message));
	},
};

/* Some never come so far as to listen; each leaves a line in a file, so that they can be counted. */
if (Math.random() < Number(process.env.SOAK_UNREADY || 0)) {
	fs.appendFileSync(process.env.SOAK_UNREADY_FILE, 'ended\n');
	process.exit(0);
}
process.on('message', (message) => {
	if (message === 'reset')
		process.send('clean');
	else if (message.fault)
		faults[message.fault](message);
	else
		process.send(answerTo(message));
});
