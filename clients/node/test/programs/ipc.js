'use strict';
/*
 * A child with a channel, which knows nothing of who started it: says what it is asked for.
 */
const fs = require('fs');

function fdKinds() {
	return [0, 1, 2, 3, 4, 5].map((fd) => {
		try {
			fs.fstatSync(fd);
			return true;
		} catch {
			return false;
		}
	});
}

function stat() {
	const [, group, session] = fs.readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) \S+ /, '').split(' ').map(Number);

	return { leadsGroup: group === process.pid, leadsSession: session === process.pid, group };
}

const commands = {
	echo: ({ value }) => process.send({ value }),
	about: () => process.send({
		argv: process.argv.slice(2), execArgv: process.execArgv, cwd: process.cwd(), env: process.env.USP_TEST,
		hasChannelVariable: process.env.NODE_CHANNEL_FD !== undefined, fds: fdKinds(), connected: process.connected,
	}),
	stat: () => process.send(stat()),
	exit: ({ code }) => process.exit(code),
	last: ({ count }) => {
		for (let i = 0; i < count; i++)
			process.send(i);
		process.send('last', () => process.disconnect());
	},
	disconnect: () => process.disconnect(),
	say: () => {
		fs.writeSync(1, 'to stdout\n');
		fs.writeSync(2, 'to stderr\n');
		process.disconnect();
	},
	upper: () => {
		process.stdin.on('data', (part) => process.stdout.write(String(part).toUpperCase()));
		process.stdin.on('end', () => process.disconnect());
	},
	socket: (message, socket) => {
		socket.end('from the child');
		process.send('sent');
	},
	server: (message, server) => {
		server.on('connection', (socket) => socket.end('by the child'));
		process.send('listening');
	},
	stay: () => process.send('here'),
};

process.on('message', (message, handle) => commands[message.do](message, handle));
