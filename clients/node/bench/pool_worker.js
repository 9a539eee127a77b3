'use strict';
/*
 * What a message costs a pool's worker: echoes with IN_FLIGHT outstanding, asked for by a peer
 * that does as little as it can.  Prints microseconds for each, and what the worker's process
 * used of them.
 *
 *   node clients/node/bench/pool_worker.js [RUNTIME] [MESSAGES] [IN_FLIGHT] [json|advanced] [sync|async|fork] [BYTES]
 *
 * sync: a handler that answers at once; async: after an await; fork: node's own channel instead.  BYTES: of the message, instead of a small one.
 */
const fs = require('fs');
const { spawn } = require('child_process');
const { TestWorker, KIND } = require('../test/support/pool_worker.js');

const [runtime = process.execPath, messages = '200000', inFlight = '16', serialization = 'json', way = 'sync', messageBytes = '0'] = process.argv.slice(2);
const small = { id: 7, text: 'a message as it is usual', list: [1, 2, 3] };
const question = messageBytes === '0' ? small : { id: 7, body: serialization === 'json' ? 'abcdefg '.repeat(messageBytes / 8) : Buffer.alloc(Number(messageBytes), 'abcdefg ') };
const WARM_UP = Math.min(20000, messages / 4);

/* The program is this file. */
function work(asked) {
	process.on('message', asked === 'async' ?
		async (message) => {
			await null;
			process.send(message);
		} : (message) => process.send(message));
}

/* User and system time of a process, in ticks of 10 ms. */
function ticks(pid) {
	const fields = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');

	return Number(fields[11]) + Number(fields[12]);
}

/* Frames are counted, not parsed: `size` is that of all of them. */
function ownChannel() {
	const worker = new TestWorker({ execPath: runtime, program: __filename, args: ['work', way], serialization });
	const frame = worker.frame(KIND.REQUEST, 1, question);
	const burst = new Map();
	const frames = (count) => {
		if (!burst.has(count))
			burst.set(count, Buffer.concat(Array.from({ length: count }, () => frame)));
		return burst.get(count);
	};

	return { pid: worker.child.pid, end: () => worker.end(), async ready(onBytes) {
		await worker.untilReady();
		worker.channel.removeAllListeners('data');
		worker.channel.on('data', (chunk) => onBytes(chunk.length));
	}, send: (count) => worker.channel.write(frames(count)), size: frame.length };
}

/* The same of node's framing, and of its own end of the channel. */
function forkChannel() {
	const child = spawn(runtime, [__filename, 'work', way], { stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
		env: { ...process.env, NODE_CHANNEL_FD: '3', NODE_CHANNEL_SERIALIZATION_MODE: 'json' } });
	const line = `${JSON.stringify(question)}\n`;

	return { pid: child.pid, end: () => child.stdio[3].end(), async ready(onBytes) {
		child.stdio[3].on('data', (chunk) => onBytes(chunk.length));
	}, send: (count) => child.stdio[3].write(line.repeat(count)), size: line.length };
}

async function measure() {
	const channel = way === 'fork' ? forkChannel() : ownChannel();
	let bytes = 0, answered = 0, asked = 0, target = 0, done;
	const onBytes = (size) => {
		bytes += size;
		answered = Math.floor(bytes / channel.size);
		const more = Math.min(Number(inFlight) - (asked - answered), target - asked);

		if (more > 0) {
			asked += more;
			channel.send(more);
		}
		if (answered >= target)
			done();
	};
	const run = (count) => new Promise((resolve) => {
		target += count;
		done = resolve;
		onBytes(0);
	});

	await channel.ready(onBytes);
	await run(WARM_UP); /* until it is compiled */
	const cpu = ticks(channel.pid), start = process.hrtime.bigint();

	await run(Number(messages));
	const us = Number(process.hrtime.bigint() - start) / 1000;
	console.log(`${(us / messages).toFixed(2)} us for each of ${messages} messages${messageBytes === '0' ? '' : ` of ${messageBytes} bytes`}, ${inFlight} in flight ` +
		`(${serialization}, ${way}); the worker: ${((ticks(channel.pid) - cpu) * 10000 / messages).toFixed(2)} us of CPU`);
	await channel.end();
}

if (process.argv[2] === 'work')
	work(process.argv[3]);
else
	measure();
