// A worker of node/bun_workers.js: starts programs, and writes their output to a socket each.
// It says first, in four bytes, which job it is; how it ended is a message.
import { connect } from 'node:net';
import { pipeline } from 'node:stream/promises';

async function run({ id, address, program: [name, args] }) {
	const child = Bun.spawn([name, ...args], { stdout: 'pipe' });
	const socket = connect(address);
	const head = Buffer.alloc(4);

	head.writeUInt32LE(id);
	socket.write(head);
	try {
		await pipeline(child.stdout, socket);
	} catch { // who asked is gone
		child.kill();
	}
	process.send({ id, code: await child.exited });
}

process.on('disconnect', () => process.exit());
process.on('message', run);
