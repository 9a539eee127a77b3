'use strict';
/*
 * A worker of pool_socket.js: starts programs, and connects their output to a socket.
 */
const { spawn } = require('child_process');
const net = require('net');
const { ID_BYTES } = require('./lib/socket_jobs.js');

function connect(id, address) {
	const socket = net.connect(address);
	const head = Buffer.alloc(ID_BYTES);

	head.writeUInt32LE(id);
	socket.write(head);
	socket.on('error', () => socket.destroy()); /* who asked is gone */
	return socket;
}

process.on('disconnect', () => process.exit());
process.on('message', ({ id, address, program: [name, args] }) => {
	const socket = connect(id, address);
	const child = spawn(name, args);
	const close = (code) => {
		socket.end();
		if (process.connected)
			process.send({ id, code });
	};

	child.on('error', (error) => console.error(error.message));
	if (!child.stdout) /* not even descriptors for it */
		return close('none');
	child.stdout.pipe(socket);
	child.stderr.resume();
	child.on('close', (code, signal) => close(code ?? signal));
	socket.on('close', () => child.stdout.readableEnded || child.kill());
});
