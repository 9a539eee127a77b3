'use strict';
/*
 * A server for tests of the harness:  server.js right|wrong|short|dies|mute|garbled
 *
 * right: /echo as it is to be, /sleep by a child, /tell is told on stdout; wrong: another byte;
 * short: a byte too few; dies: after its first answer; mute: ends before it says its port;
 * garbled: says something else.
 */
const http = require('http');
const { spawn } = require('child_process');

const WRONG = { wrong: 'ho\n', short: 'hi' };
const [, , mode] = process.argv;
let answers = 0;

function answer(request, response) {
	answers++;
	if (request.url === '/sleep') {
		spawn('sleep', ['0.05']).on('close', () => response.end());
		return;
	}
	if (request.url === '/tell')
		console.log('asked');
	if (mode === 'dies' && answers > 1)
		process.exit(3);
	response.end(WRONG[mode] || 'hi\n');
}

if (mode === 'mute') {
	console.error('\x1b[31mError\x1b[0m: there is no port for me');
	process.exit(1);
} else if (mode === 'garbled') {
	console.log('listening!');
	setTimeout(() => {}, 60000);
} else {
	http.createServer(answer).listen(0, '127.0.0.1', function listening() {
		console.log(this.address().port);
	});
}
