'use strict';
/*
 * A child whose launcher dies: prints what is told of it.  Arguments: the daemon's socket
 * and its pid; 'silent' for nobody who listens to 'error'.
 */
const path = require('path');
const { configure, fork, stats } = require('../../index.cjs');

const [socket, pid, silent] = process.argv.slice(2);
const told = [];

configure({ socket });
const child = fork(path.join(__dirname, 'ipc.js'), { silent: true });
if (silent === undefined)
	child.on('error', (error) => told.push(['error', error.code, error.syscall.replace(/ .*/, '')]));
child.on('exit', (code, signal) => {
	told.push(['exit', code, signal]);
	process.nextTick(() => child.connected && child.disconnect());
});
process.on('exit', () => console.log(JSON.stringify({ told, stats: stats() })));
child.on('message', () => process.kill(Number(pid), 'SIGKILL'));
child.send({ do: 'stay' });
